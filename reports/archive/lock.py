"""Which lock rebuilds the job's Python environment? requirements.txt for any pip; pylock.toml (PEP 751) where every archive is known.

The lock pins what was *installed*, nothing is resolved again: install it with `--no-deps`. An archive's hash is written where
somebody knew it: the installer, its cache, a lock beside the project, or the wheel itself that the bundle carries. No hash is invented,
and no address that is not everybody's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from probes.packages import Package, PythonPackages
from probes.python.address import public
from reports.archive.wheels import NAME, Wheel, normal

# evidence is text from somewhere: nothing but names and versions may reach a file that pip obeys (PEP 508, PEP 440)
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,100}[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]{0,100}")
_GIT = re.compile(r"(?:git\+)?(?P<url>(?:https|ssh)://[A-Za-z0-9._~:/@%+-]{1,300})@(?P<commit>[0-9a-f]{40})")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CONDA = re.compile(r"(?P<url>[^#]+\.(?:conda|tar\.bz2))#(?P<kind>sha256|md5)=(?P<digest>[0-9a-f]{32,64})")
_NOT_FROM_INDEX = {
    "editable": "an editable install",
    "conda": "a conda package",
    "directory": "built from a folder",
    "zipapp": "inside a zipapp",
}


@dataclass(frozen=True)
class Pin:
    """One package as it can be had again. why_not: it cannot; sha256: of its archive; wheel: carried, or at an address; commit: (url, id)."""

    package: Package
    why_not: str = ""
    sha256: str = ""
    wheel: Wheel | None = None
    commit: tuple[str, str] | None = None

    @property
    def exact(self) -> bool:
        """Is there one archive or commit, and a way to it?"""
        return bool(self.wheel or self.commit)


def documents(found: PythonPackages, wheels: Sequence[Wheel] = (), told: Sequence[str] = ()) -> dict[str, bytes]:
    """Every lock that can be made, by file name. told: what could not be had, for the reader of requirements.txt."""
    made = {"requirements.txt": requirements(found, wheels, told)}
    for name, data in (("pylock.toml", pylock(found, wheels)), ("conda-explicit.txt", conda_explicit(found))):
        if data:
            made[name] = data
    return made


def pins(found: PythonPackages, wheels: Sequence[Wheel] = ()) -> tuple[Pin, ...]:
    """Every package of the environment, by name."""
    by_project = {w.project: w for w in wheels}
    ordered = sorted(found.packages, key=lambda p: (normal(p.name), p.version))
    return tuple(_pin(p, by_project.get((normal(p.name), p.version))) for p in ordered)


def _pin(p: Package, wheel: Wheel | None) -> Pin:
    if not _NAME.fullmatch(p.name) or not _VERSION.fullmatch(p.version):
        return Pin(p, "not a valid name or version")
    if normal(p.name) == "pip":
        return Pin(p, "every environment brings its own")
    if wheel:
        return Pin(p, sha256=wheel.sha256, wheel=wheel if wheel.carried or wheel.url else None)
    if p.source == "vcs":
        match = _GIT.fullmatch(p.reference)
        return Pin(p, commit=(match["url"], match["commit"])) if match else Pin(p, "its repository or commit is not known")
    if p.source in _NOT_FROM_INDEX:
        return Pin(p, f"{_NOT_FROM_INDEX[p.source]}, on no index")
    if p.modified:
        return Pin(p, "modified after it was installed")
    if not _SHA256.fullmatch(p.wheel_sha256):
        return Pin(p)
    usable = NAME.fullmatch(p.wheel_file) and public(p.wheel_url)
    known = Wheel(p.wheel_file, p.wheel_sha256, 0, carried=False, url=public(p.wheel_url)) if usable else None
    return Pin(p, sha256=p.wheel_sha256, wheel=known)


def requirements(found: PythonPackages, wheels: Sequence[Wheel] = (), told: Sequence[str] = ()) -> bytes:
    """Lines for `pip install --no-deps -r`; what no index has stands as a comment with the reason.

    pip wants hashes for all lines or for none: where some are not known, the known ones stand behind the line as comments.
    """
    known = pins(found, wheels)
    strict = all(p.sha256 and not p.commit for p in known if not p.why_not)
    head = [f"# Python {found.version}: what the run had installed; pip install --no-deps -r requirements.txt"]
    head += [f"# {re.sub(r'[^ -~]', '_', line)[:400]}" for line in told]
    return "".join(f"{line}\n" for line in (*head, *(_line(p, strict) for p in known))).encode()


def _line(pin: Pin, strict: bool) -> str:
    p = pin.package
    if pin.why_not:
        return f"# {re.sub(r'[^A-Za-z0-9.!+_-]', '_', f'{p.name}=={p.version}')[:200].replace('__', '==', 1)}  # {pin.why_not}"
    if pin.commit:
        return f"{p.name} @ git+{pin.commit[0]}@{pin.commit[1]}"
    between = " " if strict else "  # "
    return f"{p.name}=={p.version}{f'{between}--hash=sha256:{pin.sha256}' if pin.sha256 else ''}"


def pylock(found: PythonPackages, wheels: Sequence[Wheel] = ()) -> bytes | None:
    """The same as PEP 751, with `wheels/` beside it; None unless every package has its wheel or commit. What is left out is named."""
    known = pins(found, wheels)
    wanted = [p for p in known if not p.why_not]
    if not wanted or not all(p.exact for p in wanted):
        return None
    head = [f"# left out: {_line(p, False).removeprefix('# ')}" for p in known if p.why_not]
    head += ['lock-version = "1.0"', 'created-by = "run-auditor"']
    if match := re.match(r"\d+\.\d+", found.version):
        head.append(f'requires-python = "=={match[0]}.*"')
    return ("\n".join((*head, *(_block(p) for p in wanted))) + "\n").encode()


def _block(pin: Pin) -> str:
    name = f'\n[[packages]]\nname = "{normal(pin.package.name)}"\n'
    if pin.commit:
        return f'{name}vcs = {{ type = "git", url = "{pin.commit[0]}", commit-id = "{pin.commit[1]}" }}'
    return f'{name}version = "{pin.package.version}"\n' + "\n".join(_wheel(pin.wheel)) if pin.wheel else name


def _wheel(wheel: Wheel) -> Iterator[str]:
    yield "[[packages.wheels]]"
    yield f'name = "{wheel.file}"'
    if wheel.url:
        yield f'url = "{wheel.url}"'
    if wheel.carried:
        yield f'path = "wheels/{wheel.file}"'
    if wheel.size:
        yield f"size = {wheel.size}"
    yield f'hashes = {{ sha256 = "{wheel.sha256}" }}'


def conda_explicit(found: PythonPackages) -> bytes | None:
    """For `conda create --file`: each archive of conda's by address and digest, nothing is solved. None where conda installed nothing.

    A sha256 is read by conda 24.9, mamba 2.1 and later; older ones know md5 alone, which stands where conda-meta has nothing else.
    """
    lines = [_explicit(p) for p in sorted(found.packages, key=lambda p: (normal(p.name), p.version)) if p.source == "conda"]
    return "\n".join(["@EXPLICIT", *lines, ""]).encode() if lines else None


def _explicit(p: Package) -> str:
    match = _CONDA.fullmatch(p.reference)
    if not match or not (url := public(match["url"])):
        return "# " + re.sub(r"[^A-Za-z0-9.!+_ -]", "_", f"{p.name} {p.version}: no public address or digest is known")
    return f"{url}#{match['digest']}"
