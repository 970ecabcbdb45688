"""What reaches into a Python environment from outside, and which code runs at every start? (site(1), PEP 660, PYTHONPATH)

Everything is read as text: a `.pth` line that starts with `import` would run, an editable install's finder too.
"""

from __future__ import annotations

import glob
import os.path
import re
from collections.abc import Iterator, Mapping, Sequence

from auditor.world import World
from probes.python.distributions import Distribution, read
from probes.python.interpreter import Interpreter, sites

MAX_PTH = 100
MAX_LINES = 1000
MAX_NAMES = 100
_MAPPING = re.compile(r"^MAPPING\b[^=\n]*=\s*\{(.{0,100000}?)\}$", re.MULTILINE)
MAX_ENTRIES = 10_000
_IMPORTABLE = re.compile(r"(?!__pycache__$)[A-Za-z_]\w*(?:\.py|(?:\.[\w-]+)*\.so)?")
_PAIR = re.compile(r"'([^']{1,300})'\s*:\s*'(/[^']{1,1000})'")


def around(world: World, own: Interpreter, variables: Mapping[str, str], workdir: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Folders that reach in from outside the environment: (looked at before it, after it)."""
    before = [p for p in variables.get("PYTHONPATH", "").split(":") if p]
    before = [
        p if p.startswith("/") else os.path.join(workdir, p) for p in before if p.startswith("/") or _there(world, workdir, p)
    ]
    minor = ".".join(own.version.split(".")[:2])
    isolated = own.prefix != own.base_prefix and not own.system_site
    user = variables.get("PYTHONUSERBASE") or (f"{variables['HOME']}/.local" if variables.get("HOME") else "")
    after = [f"{user}/lib/python{minor}/site-packages"] if user and not isolated and not variables.get("PYTHONNOUSERSITE") else []
    after += sites(world, own.base_prefix, own.version) if own.system_site else ()
    return tuple(dict.fromkeys(before)), tuple(p for p in dict.fromkeys(after) if world.exists(p))


def _there(world: World, workdir: str, path: str) -> bool:
    return bool(workdir) and world.exists(os.path.join(workdir, path))


def leaks(
    world: World, own: Interpreter, variables: Mapping[str, str], before: Sequence[str], after: Sequence[str]
) -> Iterator[str]:
    """Each with what brings it in: the variable, the user's or the base's site, the file that names it."""
    if home := variables.get("PYTHONHOME"):
        yield f"PYTHONHOME {home}"
    yield from (f"PYTHONPATH {p}" for p in before)
    yield from (f"site {p}" for p in after)
    named = (f"{os.path.basename(file)} {path}" for file, path in _named(world, own))
    yield from dict.fromkeys(named)


def _named(world: World, own: Interpreter) -> Iterator[tuple[str, str]]:
    """(file, folder outside of the environment) of .pth files and of setuptools' editable finders."""
    inside = f"{own.prefix.rstrip('/')}/"
    for folder in own.sites:
        for file in world.glob(f"{glob.escape(folder)}/*.pth")[:MAX_PTH]:
            for line in _lines(world, file):
                path = os.path.normpath(os.path.join(folder, line))
                # a relative one that is not there is no path at all to Python
                if not line.startswith("import") and not f"{path}/".startswith(inside) and (line[0] == "/" or world.exists(path)):
                    yield file, line
        for file in world.glob(f"{glob.escape(folder)}/__editable__*_finder.py")[:MAX_PTH]:
            mapping = _MAPPING.search(read(world, file, 1 << 20))
            for _, path in _PAIR.findall(mapping[1]) if mapping else ():
                if not f"{path}/".startswith(inside):
                    yield file, path


def _lines(world: World, file: str) -> list[str]:
    lines = (line.strip() for line in read(world, file, 1 << 20).splitlines()[:MAX_LINES])
    return [line for line in lines if line and not line.startswith("#")]


def startup(world: World, folders: Sequence[str], found: Sequence[Distribution]) -> tuple[str, ...]:
    """Code that runs whenever Python starts: .pth files with an import line, sitecustomize, usercustomize; whose it is in brackets."""
    owners = {
        os.path.join(d.folder, path): d.name for d in found for path, _, _ in d.rows if path.endswith((".pth", "customize.py"))
    }
    seen = []
    for folder in folders:
        for file in world.glob(f"{glob.escape(folder)}/*.pth")[:MAX_PTH]:
            if any(re.match(r"import[ \t]", line) for line in _lines(world, file)):
                seen.append(file)
        seen += [f for name in ("sitecustomize", "usercustomize") if world.exists(f := f"{folder}/{name}.py")]
    return tuple(f"{file} ({owners.get(file) or _maker(file)})" for file in dict.fromkeys(seen))[:MAX_NAMES]


def _maker(file: str) -> str:
    return "virtualenv" if os.path.basename(file) == "_virtualenv.pth" else "of no package"


def unowned(world: World, folders: Sequence[str], found: Sequence[Distribution]) -> Iterator[str]:
    """Modules and packages at the top of these folders that no distribution wrote; Debian's own folders keep no RECORD to tell."""
    for folder in folders:
        mine = [d for d in found if d.folder == folder]
        owned = {path.partition("/")[0] for d in mine for path, _, _ in d.rows}
        owned |= {name for d in mine if not d.rows for name in (d.name, d.name.replace("-", "_"), f"{d.name}.py")}
        if folder.endswith("/dist-packages") or any(not d.rows and d.where for d in mine):
            continue
        for path in world.glob(f"{glob.escape(folder)}/*")[:MAX_ENTRIES]:
            name = os.path.basename(path)
            if name in owned or not _IMPORTABLE.fullmatch(name) or name == "_virtualenv.py":
                continue
            if "." in name or any(world.glob(f"{glob.escape(path)}/{inner}") for inner in ("*.py", "*.so", "*/__init__.py")):
                yield path


def shadows(found: Sequence[tuple[str, Distribution]]) -> Iterator[str]:
    """What is installed twice, as `NAME 1.0 in A hides 2.0 in B`; found: by normal name, in the order that Python looks."""
    first: dict[str, Distribution] = {}
    for name, one in found:
        other = first.setdefault(name, one)
        if other is not one and (other.folder, other.version) != (one.folder, one.version):
            yield f"{one.name} {other.version} in {other.folder} hides {one.version} in {one.folder}"


def overwritten(found: Sequence[Distribution]) -> Iterator[str]:
    """Programs that two distributions of one folder wrote: the later one won."""
    writers: dict[tuple[str, str], list[str]] = {}
    for one in found:
        for script in one.scripts:
            writers.setdefault((one.folder, script), []).append(one.name)
    yield from (
        f"bin/{script} was written by {', '.join(sorted(names))}" for (_, script), names in writers.items() if len(names) > 1
    )
