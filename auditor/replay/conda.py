"""How are conda's packages had again? Each archive by its address and digest, with whichever of conda's programs is here.

A conda package may run scripts as it is linked: only in the sandbox. The list comes from a stranger: nothing but https
addresses of packages with a digest (conda's text spec files, `@EXPLICIT`; sha256 since conda 24.9 and mamba 2.1).
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.replay.sandbox import Inside, Sandbox, command, in_system
from auditor.world import World
from reports.judging.amounts import several

SECONDS = 1800.0
PROGRAMS = ("micromamba", "mamba", "conda")
_LINE = re.compile(r"https://[A-Za-z0-9][A-Za-z0-9._~/%+!-]*\.(?:conda|tar\.bz2)#(?:[0-9a-f]{32}|[0-9a-f]{64})")
_NETWORK = ("HTTP", "http", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "SSL_", "REQUESTS_")


@dataclass(frozen=True)
class Explicit:
    """A list's lines that may be had, and those that may not."""

    lines: tuple[str, ...]
    odd: tuple[str, ...]


def explicit(path: Path) -> Explicit:
    """Empty where the bundle has none."""
    text = path.read_text("utf-8") if path.is_file() else ""
    wanted = [line.strip() for line in text.splitlines() if line.strip() not in ("", "@EXPLICIT")]
    return Explicit(tuple(w for w in wanted if _LINE.fullmatch(w)), tuple(w for w in wanted if not _LINE.fullmatch(w)))


def create(listed: Explicit, env: Path, sandbox: Sandbox, world: World) -> str:
    """Make the prefix `env`; the reason when it cannot be made."""
    count = several(len(listed.lines) + len(listed.odd), "conda package")
    program = next((p for name in PROGRAMS if (p := shutil.which(name, path=world.env.get("PATH")))), "")
    if not program:
        return f"{count} cannot be had: none of {', '.join(PROGRAMS)} is here"
    if listed.odd:
        return f"{count} cannot be had: {listed.odd[0].removeprefix('# ')[:200]}"
    if sandbox.kind != "bubblewrap":
        return f"{count} cannot be had: they may run scripts as they are installed, and there is no sandbox ({sandbox.reason})"
    root = env.with_name("conda-root")
    for folder in (env, root):
        folder.mkdir(parents=True, exist_ok=True)
    (root / "explicit.txt").write_text("\n".join(("@EXPLICIT", *listed.lines, "")), "utf-8")
    try:
        done = world.run(*_shut_in(_words(program, env, root), program, (env, root), world), timeout=SECONDS)
    except (TimeoutError, OSError) as error:
        return str(error)
    shutil.rmtree(root / "pkgs", ignore_errors=True)
    return "" if done.code == 0 else _last(done.err or done.out)


def _words(program: str, env: Path, root: Path) -> list[str]:
    micro = ["--no-rc", "--no-env", "--root-prefix", str(root)] if os.path.basename(program) == "micromamba" else []
    return [program, "create", "--yes", "--quiet", *micro, "--prefix", str(env), "--file", str(root / "explicit.txt")]


def _shut_in(words: list[str], program: str, folders: Sequence[Path], world: World) -> list[str]:
    """It may use the network and write its own folders; it sees no home."""
    home = str(Path(program).resolve().parent.parent)
    own = [] if in_system(home) else [(home, home)] if Path(home, "conda-meta").is_dir() else [(program, program)]
    settings = {k: v for k, v in world.env.items() if k.startswith(_NETWORK)}
    places = {
        "HOME": "/tmp",
        "CONDA_PKGS_DIRS": str(folders[1] / "pkgs"),
        "CONDA_ALWAYS_COPY": "true",
        "CONDARC": "/dev/null",
    }  # the sandbox's own
    environment = {"PATH": f"{os.path.dirname(program)}:/usr/bin:/bin", "LANG": "C.UTF-8", **settings, **places}
    return command(words, Inside([(str(f), str(f)) for f in folders], own, "/", environment), network=True)


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines or ["no message"])[-1][:300]
