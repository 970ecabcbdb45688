"""What shape has the work of a script: which steps repeat, which run side by side, which submit themselves again?"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator
from dataclasses import dataclass

from auditor.model import Job
from probes.script import phases
from probes.script.command import Command, Loop
from probes.script.launch import Launched, program
from probes.script.target import Target, of_words

QUIET = frozenset(
    "echo printf sleep wait cd mkdir rm cp mv export set true : test [ date cat touch tee kill trap eval exec source . read shift cat local unset".split()
)


@dataclass(frozen=True)
class Step:
    """A command, what it runs in the end, and the phase its words suggest."""

    command: Command
    launched: Launched
    targets: tuple[Target, ...]
    phase: str
    sign: str

    @property
    def works(self) -> bool:
        """Does it start a program worth the name?"""
        return (
            bool(self.launched.layers) or any(t.language not in ("command", "source") for t in self.targets) or bool(self.phase)
        )


def step(command: Command) -> Step:
    launched, targets = of_words(command.texts, command.stdin, [w.text for w in command.reads])
    file = next((t.file or t.module for t in targets if t.file or t.module), "")
    name = program(launched.words[0]) if launched.words else ""
    at = launched.words.index(file) + 1 if file in launched.words else 1
    phase, sign = phases.of_words(name, launched.words[at:], "" if file == name else file) if name not in QUIET else ("", "")
    return Step(command, launched, targets, phase, sign)


def again(one: Step, job: Job) -> bool:
    """Does this command submit the job's own script once more, or put it back in the queue?"""
    words = one.launched.words
    if words and program(words[0]) == "scontrol":
        return "requeue" in words
    if not words or program(words[0]) != "sbatch":
        return False
    own = {"$0", "${0}", "${BASH_SOURCE[0]}", "$BASH_SOURCE", job.script_path, os.path.basename(job.script_path)} - {""}
    return any(w in own or (job.script_path and os.path.basename(w) == os.path.basename(job.script_path)) for w in words[1:])


def feedback(steps: tuple[Step, ...]) -> Iterator[tuple[str, Loop]]:
    """Loops around both a simulation and a training or inference."""
    for (file, loop), body in _bodies(steps).items():
        found = {s.phase for s in body}
        if "simulate" in found and found & {"train", "infer"}:
            yield file, loop


def side_by_side(one: Step) -> bool:
    """Started in the background, or by a tool that starts several."""
    words = one.command.texts
    name = program(words[0])
    if one.command.ends == "&":
        return name not in QUIET
    several = any(re.fullmatch(r"-P\s*\d*|--max-procs(=.*)?|-j\s*\d+|--jobs(=.*)?", w) for w in words[1:])
    return name == "parallel" or "--multi-prog" in words or (name in ("xargs", "make") and several)


def one_by_one(steps: tuple[Step, ...]) -> Iterator[tuple[str, Loop]]:
    """Loops that start programs and wait for each."""
    for (file, loop), body in _bodies(steps).items():
        work = [s for s in body if s.works and program(s.command.texts[0]) not in QUIET]
        if work and not any(side_by_side(s) for s in body) and not all(program(s.launched.words[0]) == "sbatch" for s in work):
            yield file, loop


def _bodies(steps: tuple[Step, ...]) -> dict[tuple[str, Loop], list[Step]]:
    bodies: dict[tuple[str, Loop], list[Step]] = {}
    for one in steps:
        for loop in one.command.loops:
            bodies.setdefault((one.command.file, loop), []).append(one)
    return bodies
