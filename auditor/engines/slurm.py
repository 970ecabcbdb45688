"""How does a Slurm array make a manifest? Tasks lie in files of a shared folder, answers are appended beside them, ours are put together.

What an array task answered before it was killed counts; what is missing when the array is over is given to another one. Nothing has to
listen anywhere, and nothing but Python's standard library is needed on the nodes.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from auditor.engines import shard
from auditor.engines.shard import LENGTH, frames
from auditor.home import find
from auditor.model import AuditError
from auditor.world import RealWorld
from probes.manifest.look import Engine, Wish
from probes.manifest.task import Answer, Task

EVERY = 1.0
TRIES = 3


def engine(jobs: int, options: Sequence[str]) -> Engine:
    """At most `jobs` array tasks, submitted with these sbatch options."""

    def run(
        wish: Wish, seconds: float, tasks: Iterator[Task], done: Callable[[bytes], None], heard: Callable[[int], None]
    ) -> None:
        own = find()
        if own is None:
            raise AuditError("there is no folder that the nodes share with us", "export AUDITOR_HOME=/a/shared/folder")
        os.makedirs(own.hashes, mode=0o700, exist_ok=True)
        folder = tempfile.mkdtemp(prefix="array-", dir=own.hashes)
        try:
            _Array(folder, tuple(options), done).run(wish, seconds, tasks, jobs)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    return run


@dataclass
class _Array:
    folder: str
    options: tuple[str, ...]
    done: Callable[[bytes], None]
    world: RealWorld = field(default_factory=RealWorld)
    missing: dict[int, set[int]] = field(default_factory=dict)
    """By array index, the numbers of tasks without an answer."""
    heard: dict[int, int] = field(default_factory=dict)
    """By array index, how much of its answers was read."""

    def run(self, wish: Wish, seconds: float, tasks: Iterator[Task], jobs: int) -> None:
        self._lay(wish, seconds, tasks, jobs)
        for _ in range(TRIES):
            if not self.missing:
                return
            self._once()
        if self.missing:
            raise AuditError(
                f"the array did not answer after {TRIES} tries: {self._last_words()}", "see `sacct`; what was done is kept"
            )

    def _lay(self, wish: Wish, seconds: float, tasks: Iterator[Task], jobs: int) -> None:
        """The tasks, dealt out so that each file has about as many names."""
        until = time.time() + seconds if seconds != float("inf") else 0
        said = {"algorithms": wish.algorithms, "rate": wish.rate / jobs, "until": until, "sample_above": wish.sample_above}
        with open(os.path.join(self.folder, "wish.json"), "w", encoding="utf-8") as file:
            json.dump(said, file)
        files = [open(os.path.join(self.folder, f"tasks-{n}"), "wb") for n in range(jobs)]  # noqa: SIM115
        load = [0] * jobs
        try:
            for task in tasks:
                n = load.index(min(load))
                load[n] += task.files + 1
                raw = task.pack()
                files[n].write(LENGTH.pack(len(raw)) + raw)
                self.missing.setdefault(n, set()).add(task.number)
        finally:
            for one in files:
                one.close()

    def _once(self) -> None:
        job = self._submit()
        try:
            while self._collect() and self._runs(job):
                time.sleep(EVERY)
            self._collect()
        except BaseException:
            self.world.run("scancel", job)
            raise

    def _submit(self) -> str:
        indices = ",".join(map(str, sorted(self.missing)))
        command = shlex.join([sys.executable, "-I", "-S", os.path.abspath(shard.__file__), self.folder])
        script = f'#!/bin/sh\nexec {command} "$SLURM_ARRAY_TASK_ID"\n'
        log = os.path.join(self.folder, "log-%a")
        own = ("--parsable", f"--array={indices}", "--job-name=auditor-manifest", f"--output={log}", "--chdir=/", "--requeue")
        try:
            ran = self.world.run("sbatch", *own, *self.options, stdin=script.encode(), timeout=60)
        except FileNotFoundError as error:
            raise AuditError("there is no sbatch here", "use --engine local, or a login node") from error
        if ran.code:
            raise AuditError(f"sbatch refused the array: {ran.err.strip()}", "give what the site wants: --sbatch=--account=NAME")
        return ran.out.strip().partition(";")[0]

    def _runs(self, job: str) -> bool:
        ran = self.world.run("squeue", "--noheader", f"--jobs={job}", "--format=%T", timeout=60)
        return ran.code == 0 and bool(ran.out.strip())

    def _collect(self) -> bool:
        """Take what has been answered; is something still missing?"""
        for n in tuple(self.missing):
            for raw in frames(os.path.join(self.folder, f"answers-{n}"), self.heard.get(n, 0)):
                self.heard[n] = self.heard.get(n, 0) + LENGTH.size + len(raw)
                number = Answer.unpack(raw).number
                if number in self.missing[n]:
                    self.missing[n].discard(number)
                    self.done(raw)
            if not self.missing[n]:
                del self.missing[n]
        return bool(self.missing)

    def _last_words(self) -> str:
        for n in self.missing:
            try:
                with open(os.path.join(self.folder, f"log-{n}"), "rb") as file:
                    lines = file.read(1 << 16).decode("utf-8", "replace").strip().splitlines()
            except OSError:
                continue
            if lines:
                return lines[-1]
        return "no word in its logs"
