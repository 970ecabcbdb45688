"""What does evidence say of a run that a paper or a deposit asks for? Rows of a label and a value; an empty value is for a person to fill.

Nothing is guessed: what was not recorded stays empty, and is never turned into "not applicable".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from auditor.claimed import ClaimChecked, ClaimsChecked
from auditor.codec import build
from auditor.model import Evidence, Job, Status
from auditor.scorecard import Owner, Scorecard
from auditor.verdict import ReplayVerdict
from probes.data import DataFile
from reports.archive.known import Known, known
from reports.drafts.naming import web
from reports.formats import view, words
from reports.formats.clean import line
from reports.score import score

Row = tuple[str, str]


@dataclass(frozen=True)
class Facts:
    """A run as a draft sees it. verdicts: of replays, newest first; claims: of each file the newest check."""

    owner: Owner
    card: Scorecard
    seen: Known
    verdicts: tuple[ReplayVerdict, ...]
    checks: tuple[ClaimsChecked, ...]

    @property
    def claims(self) -> tuple[ClaimChecked, ...]:
        return tuple(claim for check in self.checks for claim in check.claims)

    @property
    def name(self) -> str:
        return line(view.title(self.card), 200)

    @property
    def title(self) -> str:
        return f"Evidence, audit and replay bundle of {self.name}"

    @property
    def paper(self) -> ClaimsChecked | None:
        """The paper that the claims belong to, where its file says something of it."""
        return next((check for check in self.checks if check.title or check.reference or check.authors), None)

    @property
    def day(self) -> str:
        """Of the newest evidence that a probe took, ISO 8601."""
        return self.seen.when[:10]

    @property
    def summary(self) -> str:
        told = view.headline(self.card)
        figure = f"{told.figure} {told.unit}".strip()
        rung = view.standing(self.card)
        on = f" It stands on the rung: {words.rung(rung.name)}." if rung else ""
        return line(
            f"Evidence of a batch job, its audit by the twelve tips (arXiv 2606.07491): {figure}. {told.sentence}{on}", 900
        )


def facts(job: Job, evidence: Sequence[Evidence], owner: Owner) -> Facts:
    """Raises AuditError for evidence that does not read."""
    found = sorted((e for e in evidence if e.status is Status.OK and e.data is not None), key=lambda e: (e.taken_at, e.id))
    verdicts = [build(e.data, ReplayVerdict, "evidence") for e in found if e.kind == "ReplayVerdict"]
    checks = {c.file: c for c in (build(e.data, ClaimsChecked, "evidence") for e in found if e.kind == "ClaimsChecked")}
    probed = tuple(e for e in evidence if e.kind not in ("ClaimsChecked", "ReplayVerdict"))
    return Facts(
        owner,
        score(job, evidence),
        known(job, probed or evidence),
        tuple(reversed(verdicts)),
        tuple(c for _, c in sorted(checks.items())),
    )


def hardware(of: Facts) -> Iterator[Row]:
    a, h = of.seen.accounting, of.seen.hardware
    yield "processor", f"{h.cpu_model} ({h.architecture})" if h and h.cpu_model else ""
    yield "cores allocated", _number(a.used_cpus if a else None)
    yield "nodes", _number(a.asked_nodes if a else None)
    yield "memory of the node", words.size(h.memory) if h and h.memory else ""
    asked = a.asked_gpus if a else None
    models = ", ".join(sorted({g.model for g in h.gpus})) if h and h.gpus else a.gpu_type if a else ""
    yield "GPUs", "none was asked for" if asked == 0 and not models else f"{asked} × {models}" if asked and models else models
    yield "GPU driver", h.gpu_driver if h and h.gpu_driver else "no GPU, no driver" if asked == 0 and not models else ""


def usage(of: Facts) -> Iterator[Row]:
    """Of this run alone: what a whole paper took is for its authors to add up."""
    a = of.seen.accounting
    yield "wall-clock time", words.duration(a.used_seconds) if a and a.used_seconds is not None else ""
    yield "CPU time", words.duration(a.used_cpu_seconds) if a and a.used_cpu_seconds is not None else ""
    yield "peak memory", words.size(a.used_memory) if a and a.used_memory is not None else ""
    yield "memory asked for", words.size(a.asked_memory) if a and a.asked_memory is not None else ""
    yield "attempts", _number(len(a.attempts) if a and a.attempts else None)
    yield "ended as", a.attempts[-1].state if a and a.attempts else ""


def software(of: Facts) -> Iterator[Row]:
    seen = of.seen
    images = "; ".join(f"{i.name} ({', '.join(i.digests[:2]) or 'no digest'})" for i in of.card.surroundings.images)
    yield "container images", images or ("no image was seen or named" if seen.references or seen.markers else "")
    yield "Python", f"{seen.packages.version}, {len(seen.packages.packages)} packages" if seen.packages else ""
    yield "modules", ", ".join(m.name for m in seen.modules.modules) if seen.modules else ""
    yield "libraries that matter most", ", ".join(f"{p.name} {p.version}".strip() for p in of.card.surroundings.software[:40])


def code(of: Facts) -> Iterator[Row]:
    git, job = of.seen.git, of.seen.job
    yield "repository", web(git.remote) if git else ""
    yield "commit", f"{git.commit}{', with uncommitted changes' if git.dirty else ''}" if git else ""
    yield "batch script", job.script_path.rpartition("/")[2]
    yield "typed command", of.card.run.command


def inputs(of: Facts) -> tuple[tuple[str, str, str], ...]:
    """(name, size, how it is identified) of registered data sets, then of input files."""
    sets = (
        (
            d.dataset,
            words.size(d.bytes),
            ", ".join(w for w in (d.version and f"version {d.version}", d.doi, d.url, d.digest) if w),
        )
        for d in of.seen.datasets
    )
    return (*sets, *((f.path, words.size(f.size), f"sha256:{f.sha256}") for f in of.seen.inputs))


def outputs(of: Facts) -> tuple[tuple[DataFile, str], ...]:
    """Each output with the claims that rest on it; those of claims first."""
    resting: dict[str, list[str]] = {}
    for claim in of.claims:
        if claim.sha256:
            resting.setdefault(claim.output, []).append(f"{claim.name} ({claim.standing})")
    listed = [(f, ", ".join(resting.get(f.path, ()))) for f in of.seen.outputs]
    return tuple(sorted(listed, key=lambda pair: (not pair[1], pair[0].path)))


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"
