"""What does the archive know of a run? Of each kind the newest evidence that saw something, as its own type."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from auditor.codec import build
from auditor.model import AuditError, Evidence, Job, Phase, Status
from probes.called import CalledFiles
from probes.containers import (
    ContainerIdentities,
    ContainerMarkers,
    ContainerReferences,
    EngineImages,
    RanImages,
    RegistryImages,
    SifImages,
)
from probes.data import DataFile, DataManifest, Reference
from probes.environment import Environment
from probes.folder import FolderState
from probes.git import GitState
from probes.hardware import Hardware
from probes.modules import LoadedModules
from probes.packages import PythonPackages
from probes.schedulers import JobAccounting
from probes.submission import Submission
from probes.workflows.record import WorkflowRuns, WorkflowSeen

T = TypeVar("T")
IN_JOB = (Phase.START, Phase.END, Phase.SUBMIT, Phase.LATER)
"""What the job itself saw comes before what was there when it was submitted."""

AFTER = (Phase.LATER, Phase.END, Phase.START, Phase.SUBMIT)
"""What takes time is looked at when the job is over."""


@dataclass(frozen=True)
class Known:
    """The facts an archive is made from; None: no evidence of that kind saw anything."""

    job: Job
    submission: Submission | None
    called: CalledFiles | None
    git: GitState | None
    folder: FolderState | None
    packages: PythonPackages | None
    environment: Environment | None
    hardware: Hardware | None
    modules: LoadedModules | None
    accounting: JobAccounting | None
    references: ContainerReferences | None
    identities: ContainerIdentities | None
    engine_images: EngineImages
    sif_images: SifImages
    ran: RanImages
    """Of these three every sighting, none of which replaces another: what fits what the job saw is chosen later."""
    registries: RegistryImages | None
    markers: ContainerMarkers | None
    inputs: tuple[DataFile, ...]
    outputs: tuple[DataFile, ...]
    datasets: tuple[Reference, ...]
    """Registered data sets among the inputs, whose files are not among `inputs`."""
    workflows: tuple[WorkflowSeen, ...]
    """Runs of engines that belong to this run."""
    root: str
    """Where relative paths start: the job's work directory."""
    when: str
    """Time of the newest evidence, ISO 8601 UTC."""


def known(job: Job, evidence: Sequence[Evidence]) -> Known:
    """Sort the evidence of one run into facts. Raises AuditError for evidence that does not read."""

    def newest(kind: type[T], *phases: Phase) -> T | None:
        found = _in_order(evidence, kind, phases or IN_JOB)
        return found[0] if found else None

    submission = newest(Submission)
    accounting = newest(JobAccounting, Phase.LATER, Phase.END, Phase.START, Phase.SUBMIT)
    before = _in_order(evidence, DataManifest, IN_JOB)
    after = _in_order(evidence, DataManifest, (Phase.LATER, Phase.END))
    return Known(
        job=job,
        submission=submission,
        called=newest(CalledFiles),
        git=newest(GitState),
        folder=newest(FolderState),
        packages=newest(PythonPackages),
        environment=newest(Environment),
        hardware=newest(Hardware),
        modules=newest(LoadedModules),
        accounting=accounting,
        references=newest(ContainerReferences),
        identities=newest(ContainerIdentities),
        engine_images=EngineImages(tuple(i for seen in _in_order(evidence, EngineImages, IN_JOB) for i in seen.images)),
        sif_images=SifImages(tuple(i for seen in _in_order(evidence, SifImages, AFTER) for i in seen.images)),
        ran=RanImages(tuple(i for seen in _in_order(evidence, RanImages, IN_JOB) for i in seen.images)),
        registries=newest(RegistryImages),
        markers=newest(ContainerMarkers),
        inputs=_files(before, "input"),
        outputs=_files(after, "output"),
        datasets=_datasets(before),
        workflows=tuple(w for seen in _in_order(evidence, WorkflowRuns, AFTER)[:1] for w in seen.runs),
        root=next((m.root for m in (*after, *before) if m.root), "") or job.workdir or (accounting.workdir if accounting else ""),
        when=max((e.taken_at for e in evidence), default=job.submitted_at) or "1980-01-01T00:00:00+00:00",
    )


def _in_order(evidence: Sequence[Evidence], kind: type[T], phases: Sequence[Phase]) -> list[T]:
    """The last attempt first, in it the phases as given, in them the newest first."""
    found = [
        e for e in evidence if e.kind == kind.__name__ and e.status is Status.OK and e.phase in phases and e.data is not None
    ]
    found.sort(key=lambda e: e.taken_at, reverse=True)
    found.sort(key=lambda e: (-e.attempt, phases.index(e.phase)))
    try:
        return [build(e.data, kind, f"evidence of {e.probe}") for e in found]
    except AuditError as error:
        raise AuditError(error.message, "the evidence was written by another version; bundle it with that one") from error


def _datasets(manifests: Sequence[DataManifest]) -> tuple[Reference, ...]:
    """One a path: where it was seen unchanged, else where nothing spoke against it."""
    found: dict[str, Reference] = {}
    for state in ("unchanged", "partly"):
        for manifest in manifests:
            for one in manifest.datasets:
                if one.state == state:
                    found.setdefault(one.path, one)
    return tuple(found[path] for path in sorted(found, key=lambda p: p.encode("utf-8", "surrogateescape")))


def _files(manifests: Sequence[DataManifest], role: str) -> tuple[DataFile, ...]:
    """One entry a path, from the first manifest that has it; by path."""
    chosen: dict[str, DataFile] = {}
    for manifest in manifests:
        for file in manifest.files:
            if file.role == role:
                chosen.setdefault(file.path, file)
    return tuple(chosen[p] for p in sorted(chosen, key=lambda p: p.encode("utf-8", "surrogateescape")))
