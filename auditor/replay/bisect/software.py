"""Where does a hybrid's Python come from? An environment for each set of packages, made once and kept until the bisection ends."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from auditor.replay import environment
from auditor.replay.bisect.case import Case
from auditor.replay.bisect.hybrid import Hybrid
from auditor.replay.bisect.slots import digest
from auditor.replay.environment import BARE, HOST, LOCK, Software
from auditor.replay.installing import Order, base, install, project
from auditor.replay.sandbox import Sandbox
from auditor.world import World
from reports.archive.wheels import Wheel

OWN = "this machine's own software"


@dataclass(frozen=True)
class Shelf:
    """kind: how software is had. folder: of the environments, shared by all runs; lock: one is made at a time.

    alike: both runs had the same packages, so that this machine's own may stand in where theirs cannot be rebuilt.
    """

    kind: str
    folder: Path
    cases: Mapping[str, Case]
    sandbox: Sandbox
    lock: Lock
    alike: bool = False

    def get(self, made: Hybrid, world: World) -> tuple[Software, str]:
        """The environment, and why it cannot be had."""
        if self.kind not in (LOCK, BARE):
            return Software(HOST, "", (), OWN, ()), ""
        python = environment.interpreter(made.recipe, world)
        if not python and self.alike:
            return Software(HOST, "", (), OWN, ()), ""
        if not python:
            return Software(HOST, "", (), "", ()), f"there is no Python {made.recipe.python} on this machine"
        lines = tuple(made.pins.items()) if self.kind == LOCK else ()
        key = digest((python, lines))
        with self.lock:
            trouble = self._make(python, key, lines, world)
        if trouble and self.alike:
            return Software(HOST, "", (), OWN, ()), ""
        own = self.folder / key
        readable = ((str(own), str(own)), *base(python))
        return Software(self.kind, str(own / "bin/python"), readable, f"{len(lines)} packages", ()), trouble

    def _make(self, python: str, key: str, lines: tuple[tuple[str, tuple[str, str]], ...], world: World) -> str:
        """`KEY.made` is written when it is whole; why it could not be made is kept there, too: it would fail again."""
        note = self.folder / f"{key}.made"
        if note.exists():
            return note.read_text("utf-8")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        wheels = self._wheels(key, lines)
        order = Order(python, self.folder / key, tuple(line for _, (line, _) in lines), wheels, self.sandbox)
        trouble = install(order, world)[1]
        part = note.with_suffix(".part")
        part.write_text(trouble, "utf-8")
        os.rename(part, note)
        return trouble

    def _wheels(self, key: str, lines: tuple[tuple[str, tuple[str, str]], ...]) -> Path:
        """Of each package the wheel of the side it comes from: two builds of one version have one file name."""
        folder = self.folder / f"{key}-wheels"
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
        for _, (line, side) in lines:
            wanted = project(line)
            for wheel in (self.cases[side].crate / "environment" / "wheels").glob("*.whl"):
                if Wheel(wheel.name, "", 0).project == wanted:
                    os.link(wheel, folder / wheel.name)
        return folder
