"""How is a small campaign written down, with what each check should say of it? Literal evidence, real probes over literal scripts.

A case is one file of this folder with one constant CASE. Its run is an ordinary one (below) but for what the case says; scripts go
through the real probes, engines' tasks through the real summary, so that a decoy can deceive the whole road and not only its end.
`expected` names every check of the case's tip, one a line: `check-id outcome`.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.campaign import Campaign, CampaignRecord, Link, Member, Sibling
from auditor.capture import observe
from auditor.model import Evidence, Job, Phase, Probe
from auditor.redact import Redactor
from auditor.world import READ_BYTES, Stat
from probes import seeds, submission, workflow
from probes.containers import references
from probes.filesystem import Entry, FileSystems, Mount
from probes.kernel import KernelAccounting
from probes.pointers import DataPointers
from probes.tracking import TrackedRun
from probes.tracking.record import Experiments, TrackedSeen
from probes.workflows import Asked, Attempt, File, State, Task, Used, WorkflowRun
from probes.workflows.record import WorkflowRuns
from probes.workflows.summary import summary
from tests import factory
from tests.factory import accounting, at, file, git_state, hardware, manifest, seen, sha, unseen
from tests.fakes import EmptyWorld

HOME = "/home/ada/train"
GIB = 1 << 30
ME = "me"
KINDS = ("good", "bad", "borderline", "decoy")


@dataclass(frozen=True)
class Case:
    """tip: 0 for a campaign as a whole, whose expected outcomes are those of all tips' campaign checks.

    kind: `good`, `bad`, `borderline`, or `decoy` (it looks like the other side). story: what happened, in a sentence a reader can check.
    """

    tip: int
    kind: str
    story: str
    evidence: tuple[Evidence, ...]
    expected: Mapping[str, str]


def whole(kind: str, story: str, record: CampaignRecord, expected: str) -> Case:
    """A campaign that is judged as one: nothing but its record."""
    rows = dict(line.split() for line in expected.split("\n") if line.strip())
    return Case(0, kind, story, (seen(record, phase=Phase.LATER, probe="campaign-record", taken_at=at(60)),), rows)


def case(tip: int, kind: str, story: str, *told: Evidence | Sequence[Evidence], expected: str) -> Case:
    """An ordinary run, of which what is told here takes the place of what is ordinary, by data type and moment."""
    mine = [e for t in told for e in ([t] if isinstance(t, Evidence) else t)]
    taken = {(e.kind, e.phase) for e in mine}
    rest = [e for e in ordinary() if (e.kind, e.phase) not in taken]
    rows = dict(line.split() for line in expected.split("\n") if line.strip())
    return Case(tip, kind, story, (*(e for e in rest if e.probe != "hidden"), *(e for e in mine if e.probe != "hidden")), rows)


def cases() -> dict[str, Case]:
    """By the name of their file."""
    names = sorted(m.name for m in pkgutil.iter_modules([str(Path(__file__).parent)]) if m.name not in ("made", "confusion"))
    return {name: importlib.import_module(f"tests.calibration.{name}").CASE for name in names}


class Shelf(EmptyWorld):
    """A folder's files, and nothing else."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = {f"{HOME}/{name}": text for name, text in files.items()}

    def text(self, path: str, limit: int = READ_BYTES) -> str:
        if path not in self.files:
            raise FileNotFoundError(2, "No such file or directory", path)
        return self.files[path]

    def read(self, path: str, limit: int = READ_BYTES) -> bytes:
        return self.text(path).encode()

    def stat(self, path: str, follow: bool = True) -> Stat:
        return Stat(len(self.read(path)), 0, 0, 0o100644, 0, 0)

    def exists(self, path: str) -> bool:
        return path in self.files

    def glob(self, pattern: str) -> tuple[str, ...]:
        return tuple(sorted(self.files)) if pattern.endswith("/*") else ()


def scripts(
    files: Mapping[str, str], *arguments: str, inputs: tuple[str, ...] = ("data.csv",), outputs: tuple[str, ...] = ("results/*",)
) -> list[Evidence]:
    """What is seen at submission of a batch script (the first file) and what lies beside it."""
    name, text = next(iter(files.items()))
    job = factory.job(
        script=text, script_path=f"{HOME}/{name}", argv=(name, *arguments), inputs=inputs, outputs=outputs, workdir=HOME
    )
    return [_seen(p, job, files) for p in (submission.PROBE, workflow.PROBE, seeds.PROBE, references.PROBE)]


def _seen(probe: Probe[Any], job: Job, files: Mapping[str, str]) -> Evidence:
    return observe(probe, Shelf(files), job, Phase.SUBMIT, Redactor({}))


def hidden(kind: type, phase: Phase = Phase.LATER) -> Evidence:
    """Nobody looked."""
    return dataclasses.replace(unseen(kind, "", phase=phase), probe="hidden")


def later(value: object) -> Evidence:
    return seen(value, phase=Phase.LATER, taken_at=at(60))


def start(value: object) -> Evidence:
    return seen(value, phase=Phase.START, taken_at=at(1))


def submit(value: object) -> Evidence:
    return seen(value, phase=Phase.SUBMIT)


def kernel(cpu: float = 540.0, read: int = GIB, written: int = GIB, peak: int | None = None) -> Evidence:
    return seen(KernelAccounting("job", "/job_123", peak, GIB, 0, cpu, read, written), phase=Phase.END, taken_at=at(11))


def disks(family: str = "local", fs_type: str = "ext4", tmp: str = "local") -> Evidence:
    """Where the work directory lies, and a node-local /tmp."""
    mounts = (
        Mount(HOME, "workdir", "/home", fs_type, family),
        Mount("/tmp", "tmp", "/tmp", "tmpfs" if tmp == "memory" else "ext4", tmp),
    )
    return start(FileSystems(mounts, (Entry("/home", fs_type), Entry("/tmp", "ext4"))))


def files(*outputs: str, inputs: tuple[str, ...] = ("data.csv",)) -> Evidence:
    """What came out and what went in, by content."""
    return later(manifest(*(file(p) for p in inputs), *(file(p, "output") for p in outputs)))


def run(
    name: str,
    begin: int = 0,
    end: int = 0,
    *,
    asked: int | None = None,
    job_id: str = "",
    title: str = "train",
    state: str = "COMPLETED",
    core_hours: float | None = None,
    shape: str = "a" * 8,
    command: str = "train.sh #",
    dependency: str = "",
    submitted: int | None = None,
) -> Sibling:
    """Another run of the campaign, from minute `begin` to `end`; submitted as it began unless said otherwise."""
    cores = None if core_hours is None else core_hours * 3600
    return Sibling(
        name, job_id or f"9{name}", title, state, f"s{name}", command, at(begin if submitted is None else submitted),
        at(begin), at(end), "cpu", dependency, cores, shape,
    )  # fmt: skip


def link(source: str, target: str, path: str = "model.pt") -> Link:
    return Link(source, target, path, sha(path))


def campaign(*runs: Sibling, links: tuple[Link, ...] = (), why: tuple[str, ...] = ("label",), **changes: Any) -> Evidence:
    base = Campaign(ME, why if runs else (), runs, links, 0, 0, 0, (), ())
    return later(dataclasses.replace(base, **changes))


def task(
    name: str,
    number: int = 1,
    minutes: tuple[float, float] | None = (1, 2),
    *,
    reads: tuple[str, ...] = (),
    makes: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    state: State = State.SUCCEEDED,
    tries: int = 1,
    reason: str = "",
    native: str = "",
    command: str = "",
    cpu_seconds: float | None = None,
    peak: int | None = None,
    waited: float = 0,
    **asked: Any,
) -> Task:
    """A task of an engine: minutes after noon, paths it read and made; tries before the last one failed."""
    begun, over = (_at(m) for m in minutes) if minutes else ("", "")
    before = _at(minutes[0] - waited) if minutes and waited else ""
    lost = [Attempt(n, State.FAILED, native, "node1", "", begun, begun, 1, reason) for n in range(1, tries)]
    last = Attempt(tries, state, native, "node1", before, begun, over, 0 if state is State.SUCCEEDED else 1, reason)
    found = (*(File(p, "input", 100) for p in reads), *(File(p, "output", 100) for p in makes))
    return Task(
        f"{name}-{number}", name, state, (*lost, last), needs, found, Asked(**asked), Used(cpu_seconds=cpu_seconds, memory=peak),
        (), command,
    )  # fmt: skip


def _at(minute: float) -> str:
    return at(int(minute), round(minute % 1 * 60))


def engine(system: str, *tasks: Task, relation: str = "inside", **changes: Any) -> Evidence:
    """The record of one engine's run, read and summed up as the probe does it."""
    base = WorkflowRun(
        system, "9.1", "r1", HOME, State.SUCCEEDED, "all jobs finished (log line 80)", started=at(1), ended=at(11), tasks=tasks
    )
    whole = dataclasses.replace(base, **changes)
    return later(WorkflowRuns((dataclasses.replace(summary(whole), relation=relation),), 1))


def no_engine() -> Evidence:
    return unseen(
        WorkflowRuns,
        "no workflow engine left a record below the work directory",
        phase=Phase.LATER,
        probe="workflow-runs",
        taken_at=at(60),
    )


def tracked(*runs: TrackedRun, relation: str = "inside") -> Evidence:
    """What trackers recorded beside the run."""
    seen_ = tuple(TrackedSeen(**{f.name: getattr(r, f.name) for f in dataclasses.fields(r)}, relation=relation) for r in runs)
    return seen(Experiments(seen_, len(seen_)), phase=Phase.LATER, probe="experiments", taken_at=at(60))


def no_tracker() -> Evidence:
    why = "no tracker left a record below the work directory"
    return unseen(Experiments, why, phase=Phase.LATER, probe="experiments", taken_at=at(60))


def member(name: str, **changes: Any) -> Member:
    """One run of ten minutes on one core that went well; its job number is its name with a nine before it."""
    base = Member(
        name, f"9{name}", name="train", outcome="succeeded", started=at(1), ended=at(11), seconds=600.0, used_cores=1, phases=("train",),
        commit="a" * 40, dirty=False, environment="e1", shape="s1", command="train.sh #", outputs=2, bytes_in=GIB, bytes_out=GIB,
        asked_memory=4 * GIB, used_memory=3 * GIB, asked_seconds=1800, last_seconds=600.0, cpu_seconds=500.0,
    )  # fmt: skip
    return dataclasses.replace(base, **changes)


def together(*members: Member, **changes: Any) -> CampaignRecord:
    """The record of a campaign that is looked at as a whole."""
    base = CampaignRecord("paper", ("label",), len(members), 0, members, ())
    return dataclasses.replace(base, **changes)


SCRIPT = {
    "train.sh": "#!/bin/bash\n#SBATCH --mem=1G\n#SBATCH --cpus-per-task=1\n#SBATCH --time=00:30:00\npython train.py --seed 1\n",
    "train.py": "import torch\nmodel.fit(data)\n",
}


def ordinary() -> list[Evidence]:
    """One training run of ten minutes that does what it should, alone, with neither engine nor tracker."""
    return [
        *scripts(SCRIPT),
        submit(git_state(pushed=True)),
        submit(manifest(file("data.csv"))),
        start(manifest(file("data.csv"))),
        files("results/model.pt", "results/metrics.json"),
        submit(factory.called({"train.py": SCRIPT["train.py"]})),
        start(factory.called({"train.py": SCRIPT["train.py"]})),
        start(factory.environment(OMP_NUM_THREADS="1")),
        start(hardware()),
        disks(),
        kernel(),
        later(accounting(used_memory=3 * GIB // 4, asked_seconds=1800)),
        campaign(),
        unseen(DataPointers, "no pointer file", phase=Phase.SUBMIT),
        unseen(DataPointers, "no pointer file", phase=Phase.LATER),
        no_engine(),
        no_tracker(),
    ]
