"""What is one run of a campaign in a row? From its evidence, each figure with the id of what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from posixpath import basename
from typing import Any

from auditor.campaign import Member, RunSeen, Sign
from auditor.model import Fact, Phase
from probes.containers import ContainerIdentities, RanImages
from probes.data import DataManifest
from probes.git import GitState
from probes.packages import PythonPackages
from probes.schedulers import Attempt, JobAccounting
from probes.seeds import Determinism
from probes.tracking.record import Experiments
from probes.workflow import SystemsUsed
from reports.campaigns.clock import between
from reports.campaigns.reading import ids
from reports.judging import phases
from reports.judging.imagefacts import facts
from reports.judging.record import Record
from reports.judging.traces import content, traces
from reports.judging.tree import differences

KINDS = (
    JobAccounting, GitState, RanImages, ContainerIdentities, PythonPackages, DataManifest, SystemsUsed, Determinism, Experiments,
)  # fmt: skip
"""What a row is made of."""

OUTCOMES = {
    "COMPLETED": "succeeded",
    **dict.fromkeys(("FAILED", "OUT_OF_MEMORY", "NODE_FAIL", "BOOT_FAIL", "LAUNCH_FAILED", "RECONFIG_FAIL"), "failed"),
    **dict.fromkeys(("TIMEOUT", "DEADLINE"), "timeout"),
    **dict.fromkeys(("CANCELLED", "PREEMPTED", "REVOKED"), "cancelled"),
    **dict.fromkeys(("PENDING", "RUNNING", "SUSPENDED", "CONFIGURING", "COMPLETING", "REQUEUED", "RESIZING", "STOPPED"), "going"),
}
"""The scheduler's words (squeue(1), JOB STATE CODES) in ours; another one is `unknown`."""

STEPS_OF_THE_SCHEDULER = ("batch", "extern", "interactive")


def member(seen: RunSeen, record: Record, rules: Mapping[str, str]) -> Member:
    """rules: the project's own patterns for phases."""
    accounting = record.value(JobAccounting, Phase.LATER)
    known = accounting.value if accounting else None
    git, packages = record.value(GitState, Phase.SUBMIT), record.value(PythonPackages, Phase.SUBMIT)
    files, seeds = record.value(DataManifest, Phase.LATER), record.value(Determinism, Phase.SUBMIT)
    told, signs = signs_of(seen, record, known, rules)
    inputs, outputs = (_known(record, files, role) for role in ("input", "output"))
    base, task, _ = seen.job.job_id.partition("_")
    return Member(
        run_id=seen.place.run_id,
        job_id=seen.job.job_id,
        cluster=seen.job.cluster or (known.cluster if known else ""),
        scheduler=seen.job.scheduler,
        name=(known.name if known else "") or basename(seen.job.script_path) or next(iter(seen.job.argv), ""),
        user=seen.job.user or (known.user if known else ""),
        labels=seen.labels,
        array=base if task else "",
        array_throttle=seen.place.array_throttle,
        command=seen.command,
        shape=seen.shape,
        commit=git.value.commit if git else "",
        dirty=bool(differences(git.value)) if git else None,
        images=_images(record),
        environment=packages.value.env_sha256 if packages else "",
        inputs=None if inputs is None else inputs[0],
        outputs=None if outputs is None else outputs[0],
        bytes_in=None if inputs is None else inputs[1],
        bytes_out=None if outputs is None else outputs[1],
        phases=told,
        signs=signs,
        seeds=bool(seeds.value.seeds) if seeds else None,
        submitted=seen.job.submitted_at or (known.attempts[-1].submitted if known and known.attempts else ""),
        evidence=ids(record.pieces, *(kind.__name__ for kind in KINDS)),
        **(_accounted(known) if known else {}),
    )


def _accounted(a: JobAccounting) -> dict[str, Any]:
    """What the scheduler's record tells."""
    last = a.attempts[-1] if a.attempts else None
    spans = [s for x in a.attempts if (s := _span(x)) is not None]
    waits = [w for x in a.attempts if (w := between(x.eligible or x.submitted, x.started)) is not None]
    lost = [s for x in a.attempts if OUTCOMES.get(x.state) not in ("succeeded", "going") and (s := _span(x)) is not None]
    steps = None if last is None else sum(s.name not in STEPS_OF_THE_SCHEDULER for s in last.steps)
    return {
        "state": last.state if last else "",
        "outcome": OUTCOMES.get(last.state, "unknown") if last else "unknown",
        "final": a.final,
        "attempts": len(a.attempts),
        "started": last.started if last else "",
        "ended": last.ended if last else "",
        "waited": sum(waits) if waits else None,
        "seconds": sum(spans) if spans else a.used_seconds,
        "lost_seconds": sum(lost),
        "last_seconds": a.used_seconds if a.used_seconds is not None else (spans[-1] if spans else None),
        "partition": a.partition,
        "nodes": a.asked_nodes,
        "asked_cores": a.asked_cpus,
        "used_cores": a.used_cpus,
        "cpu_seconds": a.used_cpu_seconds,
        "asked_memory": a.asked_memory,
        "used_memory": a.used_memory,
        "asked_seconds": a.asked_seconds,
        "gpus": a.asked_gpus,
        "gpu_type": a.gpu_type,
        "steps": steps,
        "dependency": a.dependency,
    }


def _span(attempt: Attempt) -> float | None:
    return between(attempt.started, attempt.ended)


def signs_of(
    seen: RunSeen, record: Record, known: JobAccounting | None, rules: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[Sign, ...]]:
    """The run's phases and why."""
    systems, files = record.value(SystemsUsed, Phase.SUBMIT), record.value(DataManifest, Phase.LATER)
    read = phases.of_scripts(systems.value, systems.evidence_id) if systems else []
    name = (known.name if known else "") or basename(seen.job.script_path)
    overruled = phases.own(rules, name, seen.job.script_path, *(s.text for s in read if s.by == "command"))
    made = phases.of_files(files.value.files, files.evidence_id) if files else []
    told, signs = phases.decide((*overruled, *read, *phases.of_task(name), *made))
    return told, signs[:MOST_SIGNS]


MOST_SIGNS = 6


def _known(record: Record, after: Fact[DataManifest] | None, role: str) -> tuple[int, int] | None:
    """Files of a role that are known by content: how many, how many bytes. Inputs as the job started where nobody looked at them afterwards."""
    found = after
    if role == "input" and not (after and any(f.role == "input" for f in after.value.files)):
        found = record.value(DataManifest, Phase.START) or record.value(DataManifest, Phase.SUBMIT) or after
    if found is None:
        return None
    sizes = [f.size for f in found.value.files if f.role == role and f.sha256]
    return len(sizes), sum(sizes)


def _images(record: Record) -> tuple[str, ...]:
    """By what ran, else by what was there as the job started."""
    looks = [fact for phase in (Phase.START, Phase.LATER) if (fact := record.value(RanImages, phase))]
    ran = [digest for one, _ in traces(looks) if (digest := content(facts(one)))]
    there = record.value(ContainerIdentities, Phase.START)
    named = [i.sha256 or i.image_id for i in there.value.images] if there and not ran else []
    return tuple(dict.fromkeys(digest for digest in (*ran, *named) if digest))
