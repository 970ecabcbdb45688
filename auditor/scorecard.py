"""Which nouns does a judgement have? What score, story and formats hand on; frozen dataclasses, standard library only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from auditor.model import Evidence, Grade, Job, Outcome, Phase, Status


@dataclass(frozen=True)
class Finding:
    """One answer of one audit."""

    check: str
    tip: int
    level: int
    title: str
    outcome: Outcome
    grade: Grade
    message: str
    fix: str
    settles: str
    source: str
    cites: tuple[str, ...]
    """Evidence ids."""


@dataclass(frozen=True)
class TipScore:
    """A tip's findings and the level (0-3) they reach: `low` for sure, `high` if every unknown turned out well."""

    number: int
    slug: str
    title: str
    why: str
    advice: str
    low: int
    high: int
    applicable: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Cited:
    """A piece of evidence as the report shows it; `excerpt` is its data with long lists and texts cut, saying so."""

    id: str
    probe: str
    kind: str
    phase: Phase
    attempt: int
    status: Status
    grade: Grade
    source: str
    reason: str
    taken_at: str
    host: str
    excerpt: Any = None


@dataclass(frozen=True)
class Rung:
    """A step of the reproducibility ladder: captured, pinned, rebuildable, repeatable, replayed-elsewhere."""

    name: str
    reached: bool
    reason: str
    cites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """Something that was not the same at submit and at start (drift), or in two runs (diff)."""

    what: str
    """`called-file`, `image`, `module`, `input`, `package`, `environment`, `git` ..."""
    name: str
    before: str
    after: str
    cites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Span:
    """A bar on the time line: an attempt or a step, in ISO 8601 UTC; `end` empty while it runs."""

    name: str
    state: str
    queued: str
    start: str
    end: str
    attempt: int


@dataclass(frozen=True)
class Gauge:
    """A resource asked for and used. `unit`: `byte`, `s` (seconds), `core`, `gpu`, `core-s`. None: not known."""

    name: str
    unit: str
    asked: float | None
    used: float | None
    source: str


@dataclass(frozen=True)
class Node:
    """A run, a file or a registered data set in the lineage picture. `kind`: `run`, `this-run`, `file`, `dataset`."""

    id: str
    kind: str
    label: str


@dataclass(frozen=True)
class Edge:
    """`source` went into, or made, `target`."""

    source: str
    target: str


@dataclass(frozen=True)
class Story:
    """What the pictures show, computed once so that formats compute nothing."""

    attempts: tuple[Span, ...] = ()
    gauges: tuple[Gauge, ...] = ()
    drift: tuple[Change, ...] = ()
    drift_state: str = "unknown"
    """`unknown` (a snapshot is missing), `none` (both there, equal) or `found`."""
    nodes: tuple[Node, ...] = ()
    edges: tuple[Edge, ...] = ()


@dataclass(frozen=True)
class RunCard:
    """Who and what: the head of a report. Empty text: not known."""

    id: str
    name: str
    job_id: str
    cluster: str
    scheduler: str
    user: str
    state: str
    command: str
    workdir: str
    submitted_at: str
    started_at: str
    ended_at: str
    attempts: int
    label: str = ""


@dataclass(frozen=True)
class PartsList:
    """A list of parts (SBOM) that is kept inside an image. format: `cyclonedx-json`, `spdx-json`, ...; size in bytes."""

    name: str
    format: str
    digest: str
    size: int


@dataclass(frozen=True)
class ImageSeen:
    """An image of the run: what it was called, how we know that it ran, and what identifies it. Empty: not known."""

    name: str
    runtime: str
    how: str
    """How we know that it ran: `inside`, `cache`, `instance`, `engine`, `start` (identified as the job started);
    `named`: a script names it, and nothing shows that it ran."""
    trace: str
    digests: tuple[str, ...]
    """`manifest sha256:...`, `file sha256:...`: the ones that others can ask for first."""
    platform: str
    drift: str
    """Submission beside start, by the identity ladder, with the reason."""
    today: str
    """What a registry says of the name and of the digest that ran."""
    cites: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    """What the image file tells of itself: encryption, overlays, signatures, its bases, lists of parts."""
    parts: tuple[PartsList, ...] = ()


@dataclass(frozen=True)
class Way:
    """A way to have the environment again. state: `confirmed` (somebody tried or asked), `recorded` (all it takes is recorded,
    nobody tried), `partial` (something is missing), `lost` (it is known to be gone)."""

    name: str
    """`image-by-digest`, `image-file`, `guix`, `lock-with-hashes`, `conda-explicit`, `spack-lock`, `image-recipe`, `lock-without-hashes`,
    `image-by-tag`, `module-names` or `nothing`."""
    state: str
    evidence: str
    how: str = ""
    """Something to paste."""
    cites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Leak:
    """Something of the host that reached into the environment. what: `home`, `environment`, `bind`, `overlay`, `writable`, `gpu`,
    `path`, `edited`, `startup`, `unowned` ..."""

    what: str
    detail: str
    serious: bool
    """Does it change what runs, or only what the run can see?"""
    cites: tuple[str, ...] = ()


@dataclass(frozen=True)
class Software:
    """A piece of software as a page shows it, see probes.software.Component."""

    ecosystem: str
    name: str
    version: str
    digest: str = ""
    host: bool = False
    """Seen on the host, while the run's work was done in an image."""


@dataclass(frozen=True)
class Count:
    """How many pieces of software an ecosystem gave. host: as in Software; those inside and outside of the image are counted apart."""

    ecosystem: str
    number: int
    host: bool = False


@dataclass(frozen=True)
class Surroundings:
    """What the run ran in: its images, the ways to have all of it again (best first), what the host let in, and its software.

    software: the pieces that matter most (interpreter, libraries the results pass through); whole lists are in the evidence.
    """

    again: str = ""
    """The state of the best way together with what it does not bring back (another image's tag, modules); empty: no way is known."""
    images: tuple[ImageSeen, ...] = ()
    ways: tuple[Way, ...] = ()
    leaks: tuple[Leak, ...] = ()
    counts: tuple[Count, ...] = ()
    software: tuple[Software, ...] = ()


@dataclass(frozen=True)
class Scorecard:
    """All findings of one audit. low, high, coverage: 0-100; None when no tip applies."""

    run: RunCard
    low: float | None
    high: float | None
    coverage: float | None
    verifiable: bool
    """False: an integrity check failed, and the headline says `not verifiable` instead of a number."""
    integrity: str
    rungs: tuple[Rung, ...]
    tips: tuple[TipScore, ...]
    story: Story
    evidence: tuple[Cited, ...]
    ruleset: str
    """Version of the rules and the sha256 over them: `1-<64 hex>`."""
    auditor: str
    schema: int = 1
    surroundings: Surroundings = Surroundings()


@dataclass(frozen=True)
class Owner:
    """Whose deposit it is, as the settings say. Empty: not said. license: a URL; orcid: sixteen digits in four groups."""

    author: str = ""
    affiliation: str = ""
    orcid: str = ""
    license: str = ""


@dataclass(frozen=True)
class Format:
    """A way to write a scorecard down. `render` is pure: same scorecard, same bytes."""

    name: str
    suffix: str
    render: Callable[[Scorecard], bytes]
    media_type: str = "text/plain"
    extra: Mapping[str, str] = field(default_factory=dict)
    of_evidence: Callable[[Job, Sequence[Evidence]], bytes] | None = None
    """For a format that needs the whole lists, of which a scorecard holds the beginnings: used instead of `render` where the
    evidence is at hand; `render` raises AuditError then."""
    of_campaign: Callable[[Any], bytes] | None = None
    """The same for the card of a whole campaign (auditor.campaigncard.CampaignCard), where the format can write it."""
    of_deposit: Callable[[Job, Sequence[Evidence], Owner], bytes] | None = None
    """The same for a draft of what accompanies a deposit or a paper, which says whose it is."""
