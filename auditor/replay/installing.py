"""How do a lock's pins become an environment? By uv where it is there, else by pip; hashes enforced, in the sandbox or from wheels only.

Installing can run code of packages (source distributions): only the sandbox allows that.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.replay.sandbox import Inside, Sandbox, command, in_system
from auditor.world import World
from reports.archive.wheels import Wheel, normal

SECONDS = 900.0
_TOOLS = ("PIP_", "UV_", "HTTP", "http", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "SSL_", "REQUESTS_")
_CONFIGURATIONS = ("/etc/pip.conf", "/etc/uv/uv.toml")
_LOGIN = re.compile(r"://[^/\s@]+@")
_QUIET = {"UV_NO_PROGRESS": "1", "NO_COLOR": "1", "UV_PYTHON_DOWNLOADS": "never"}


@dataclass(frozen=True)
class Order:
    """What to install where. python: that makes the environment; pins: lines of a requirements file; wheels: their folder, may be missing.

    made: the environment is there already (conda made it), with a Python of its own.
    """

    python: str
    env: Path
    pins: Sequence[str]
    wheels: Path
    sandbox: Sandbox
    made: bool = False

    @property
    def carried(self) -> tuple[str, ...]:
        return tuple(sorted(p.name for p in self.wheels.glob("*.whl")))

    @property
    def offline(self) -> bool:
        """Does the bundle carry a wheel for every pin?"""
        there = {Wheel(n, "", 0).project for n in self.carried}
        return bool(there) and all(project(pin) in there for pin in self.pins)

    @property
    def batches(self) -> tuple[tuple[str, tuple[str, ...], bool], ...]:
        """(list name, its lines, with hashes?): installers enforce hashes for a whole list or not at all."""
        hashed = tuple(p for p in self.pins if " --hash=" in p)
        loose = tuple(p for p in self.pins if " --hash=" not in p)
        return tuple(b for b in (("hashed.txt", hashed, True), ("loose.txt", loose, False)) if b[1])


def project(pin: str) -> tuple[str, str]:
    """Normal name and version of a pin."""
    name, _, version = re.split(r" @ | --hash", pin)[0].partition("==")
    return normal(name), version


def install(order: Order, world: World, tools: Sequence[str] = ("uv", "pip")) -> tuple[str, str]:
    """Make the environment; (the tool that did it, why it could not be made). A uv that fails leaves it to pip."""
    trouble = ""
    for tool in tools:
        program = _uv() if tool == "uv" and order.pins else ""
        if tool == "uv" and not program:
            continue
        trouble = _environment(order, world, with_pip=tool == "pip" and bool(order.pins)) or _batches(order, program, world)
        if not trouble:
            return tool, _unseed(order, world) if tool == "pip" and order.pins and not order.made else ""
    return tools[-1], trouble or "it is not here"


def _uv() -> str:
    """On PATH, or installed beside us."""
    return shutil.which("uv") or shutil.which("uv", path=os.path.dirname(sys.executable)) or ""


def _environment(order: Order, world: World, with_pip: bool) -> str:
    if order.made:
        return ""
    if order.env.exists():
        shutil.rmtree(order.env)
    made = world.run(order.python, "-m", "venv", *(() if with_pip else ("--without-pip",)), str(order.env), timeout=120)
    return last(made.err or made.out) if made.code else ""


def _batches(order: Order, uv: str, world: World) -> str:
    for name, lines, hashed in order.batches:
        (order.env / name).write_text("".join(f"{line}\n" for line in lines), "utf-8")
        words = _words(order, uv, name, hashed)
        shut = order.sandbox.kind == "bubblewrap"
        if not shut or not may_build(world):
            words += ["--only-binary", ":all:"]
        argv = _shut_in(words, order, uv, world) if shut else words
        try:
            done = world.run(*argv, timeout=SECONDS, env=_QUIET)
        except (TimeoutError, OSError) as error:
            return str(error)
        if done.code:
            return last(done.err or done.out)
    return ""


def _words(order: Order, uv: str, name: str, hashed: bool) -> list[str]:
    """A plain installation of exactly these lines; `-I`: pip's own start takes nothing from this user's folders."""
    python = str(order.env / "bin/python")
    if uv:
        words = [uv, "pip", "install", "--python", python, "--no-deps", "--no-cache", "--link-mode", "copy"]
        words += ["--offline"] if order.offline else []
    else:
        words = [python, "-I", "-m", "pip", "install", "--no-deps", "--no-input", "--disable-pip-version-check"]
        words += ["--no-cache-dir", "--no-compile", "--retries", "2"]
    words += ["--find-links", str(order.wheels)] if order.carried else []
    words += ["--no-index"] if order.offline else []
    return [*words, *(["--require-hashes"] if hashed else []), "-r", str(order.env / name)]


def may_build(world: World) -> bool:
    """May a package's own build run in the sandbox? Not where it would find a login of this user's in an index's address: it has a network."""
    texts = [v for k, v in world.env.items() if k.startswith(_TOOLS)]
    for path in _CONFIGURATIONS + tuple(world.env.get(n, "") for n in ("PIP_CONFIG_FILE", "UV_CONFIG_FILE")):
        try:
            texts += [world.text(path, 1 << 20)] if path else []
        except OSError:
            continue
    return not any(_LOGIN.search(text) for text in texts)


def _unseed(order: Order, world: World) -> str:
    """venv seeds setuptools (before Python 3.12): one the run did not have must not be there."""
    wanted = {project(p)[0] for p in order.pins}
    seeds = [
        s
        for s in ("setuptools", "wheel")
        if s not in wanted and any(order.env.glob(f"lib/python*/site-packages/{s}-*.dist-info"))
    ]
    if not seeds:
        return ""
    words = [str(order.env / "bin/python"), "-I", "-m", "pip", "uninstall", "--yes", "--quiet", *seeds]
    done = world.run(*(_shut_in(words, order, "", world) if order.sandbox.kind == "bubblewrap" else words), timeout=120)
    return last(done.err or done.out) if done.code else ""


def _shut_in(words: list[str], order: Order, uv: str, world: World) -> list[str]:
    """The installer may use the network (it fetches what the lock names) but sees no home."""
    settings = {k: v for k, v in world.env.items() if k.startswith(_TOOLS)}
    files = (settings.get("PIP_CONFIG_FILE", ""), settings.get("UV_CONFIG_FILE", ""), *_CONFIGURATIONS, uv)
    readable = [(p, p) for p in files if p and Path(p).exists() and not in_system(p)]
    readable += [(str(order.wheels), str(order.wheels))] if order.carried else []
    readable += base(str(Path(order.env / "bin/python").resolve()))
    settings = {k: v for k, v in settings.items() if k not in ("PIP_CACHE_DIR", "UV_CACHE_DIR")}
    environment = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        **settings,
        **_QUIET,
    }  # the sandbox's own
    inside = Inside([(str(order.env), str(order.env))], readable, "/", environment)
    return command(words, inside, network=not order.offline)


def base(python: str) -> tuple[tuple[str, str], ...]:
    """The interpreter's own installation, where it is not among the system's folders."""
    home = str(Path(python).resolve().parent.parent)
    return () if in_system(home) else ((home, home),)


def last(text: str) -> str:
    """The line of an installer's answer that says why."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    errors = [line for line in lines if re.match(r"(?i)error|×|╰─▶|❯", line)]
    return (errors or lines or ["no message"])[-1][:300]
