"""How does one run become one file that can be deposited, checked by strangers and run again?

A BagIt 1.0 bag around a Process Run Crate, in one ZIP with the bag at its top. Same evidence, same bytes: the only dates are
those of the evidence, or SOURCE_DATE_EPOCH. Redacted first, then hashed.
"""

from __future__ import annotations

import hashlib
import importlib.resources
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from auditor import __version__, codec, registry
from auditor.model import AuditError, Evidence, Job
from auditor.redact import Redactor
from auditor.runlog import Head
from auditor.scorecard import Scorecard
from auditor.world import RealWorld, World
from reports.archive import bag, carry, lock, wheelhouse
from reports.archive.bag import Item
from reports.archive.cleaned import Redaction
from reports.archive.crate import VERSIONS, Author, Part, crate
from reports.archive.derive import recipe
from reports.archive.images import images
from reports.archive.known import Known, known
from reports.archive.payload import Objects, Shelf, choose
from reports.archive.recipe import Recipe, RecipeFile, RecipeImage
from reports.archive.share import pack
from reports.archive.share.share import Shared
from reports.archive.taken import Policy
from reports.archive.words import describe, instructions, media_type, preview, readme, sha256sum

LIMIT = 1 << 30
PROFILE_ID = "urn:run-auditor:bagit-profile:1.0"
PAYLOADS = ("auto", "none", "all")


@dataclass(frozen=True)
class BundleInfo:
    """A written bundle. id: sha256 of tagmanifest-sha256.txt, which names it whatever packs it; size: bytes of the ZIP.

    carried, referenced: data files of the run that are in it by content, and by checksum only.
    redactions: how many secrets were withheld; `evidence/redactions.json` says where. images: of each that the run named, whether it
    is carried, and if not, why.
    """

    path: str
    id: str
    size: int
    carried: tuple[str, ...]
    referenced: tuple[str, ...]
    redactions: int
    images: tuple[RecipeImage, ...] = ()
    wheels_told: tuple[str, ...] = ()
    """Which wheels could not be had, and why."""


def build(
    job: Job,
    evidence: Sequence[Evidence],
    scorecard: Scorecard,
    destination: str | os.PathLike[str],
    *,
    objects: Objects,
    payload: str = "auto",
    limit: int = LIMIT,
    author: str = "",
    affiliation: str = "",
    license_url: str = "",
    wheels: str = "",
    image_policy: str = "digest",
    image_limit: int = carry.LIMIT,
    world: World | None = None,
    log: Head | None = None,
    crate_version: str = VERSIONS[0],
    shared: Shared | None = None,
    accept: Sequence[str] = (),
) -> BundleInfo:
    """Write the bundle of one run to `destination` (a `.crate.zip`).

    objects: content by sha256, or None. payload: `auto` (data of at most 64 kB a file, 100 kB in total), `none`, or `all` up
    to `limit` bytes. author: empty for an anonymous bundle. wheels: what wheelhouse.collect takes: a folder,
    `carry`, `fetch` or `pin`, for a rebuild of the run's packages with no network.
    image_policy: `digest` names container images, `carry` takes those that are on this machine along, up to `image_limit` bytes in
    all, `fetch` also asks registries for those that are not. log: how far the run log goes (auditor.runlog.head): its tail cannot be
    cut off unseen where somebody has the bundle. crate_version: of RO-Crate, 1.1 or 1.3.
    shared: the run as `share` gives it (job, evidence, objects and world must be its), for publishing; what is then still found
    blocks, but for what `accept` names (`rule:file`).
    Raises AuditError when it cannot be written, or a file changes while it is read; Blocked: nothing was written.
    """
    if payload not in PAYLOADS:
        raise AuditError(f"payload {payload!r} is none of {', '.join(PAYLOADS)}", "auto carries small files, none only checksums")
    if crate_version not in VERSIONS:
        raise AuditError(
            f"RO-Crate {crate_version!r} is none of {', '.join(VERSIONS)}", "1.1 is what validators of run crates know"
        )
    if image_policy not in carry.POLICIES:
        raise AuditError(
            f"images {image_policy!r} is none of {', '.join(carry.POLICIES)}", "digest names them, carry takes along what is here"
        )
    world = world or RealWorld()
    redactor = shared.cover if shared else Redactor(world.env)
    told = _told(job, evidence, scorecard, redactor)
    facts = known(told.job, told.evidence)
    chosen = choose(facts, Shelf(objects, world, redactor), payload, limit)
    chosen = pack.fit(chosen, shared) if shared else chosen
    house = pack.wheels(wheels, shared) if shared else wheelhouse.collect(wheels, facts.packages, world)
    with _staging(os.fspath(destination), image_policy) as folder:
        policy = Policy(image_policy, image_limit, folder)
        taken = carry.carry(images(facts), chosen.files, facts, policy, redactor, world)
        lock_path = "environment/requirements.txt" if facts.packages else ""
        how = recipe(facts, chosen.files, taken.images, lock_path, __version__)
        notes = (*told.notes, *chosen.redactions, *taken.redactions)
        if shared:
            pack.no_images(image_policy, taken.images)
            how, notes = pack.paths(how, shared.book), (*shared.notes, *notes)
        redactions = tuple(sorted(notes, key=lambda r: (r.file, r.rule, r.action)))
        items = [
            *_documents(told, how),
            *_log(log),
            *_environment(facts, house),
            *_lists(facts, redactions),
            *chosen.items,
            *taken.items,
        ]
        if shared and (accepted := pack.check(items, shared.cover, world, accept)):
            redactions = (*redactions, *accepted)
            items = [i for i in items if i.path != "evidence/redactions.json"] + [_record(redactions)]
        items += _crate(items, facts, how, told.scorecard, (Author.of(author, affiliation), license_url, crate_version))
        made = bag.write(os.fspath(destination), items, _label(how, world, facts), world)
    data = [f for f in how.files if f.role != "code"]
    return BundleInfo(
        path=made.path,
        id=made.id,
        size=made.size,
        carried=tuple(f.place for f in data if f.carried),
        referenced=tuple(f.place for f in data if not f.carried),
        redactions=sum(r.count for r in redactions),
        images=how.images,
        wheels_told=house.told,
    )


@contextmanager
def _staging(destination: str, policy: str) -> Iterator[str]:
    """A folder for what an engine saves, beside the bundle: there must be room for it there anyway."""
    if policy == "digest":
        yield ""
        return
    try:
        folder = os.path.dirname(os.path.abspath(destination))
        os.makedirs(folder, exist_ok=True)
        staging = tempfile.TemporaryDirectory(dir=folder, prefix=".images-")
    except OSError as error:
        raise AuditError(
            f"the bundle cannot be written to {destination}: {error.strerror or error}", "choose another folder with --output"
        ) from error
    with staging as path:
        yield path


@dataclass(frozen=True)
class Told:
    """What the bundle says of the run, cleaned. rows: evidence with its id, as JSON; notes: what had to be cleaned."""

    job: Job
    evidence: tuple[Evidence, ...]
    rows: tuple[bytes, ...]
    scorecard: Scorecard
    notes: tuple[Redaction, ...]


def _told(job: Job, evidence: Sequence[Evidence], scorecard: Scorecard, redactor: Redactor) -> Told:
    """Evidence was cleaned when it was taken; what a newer rule finds is cleaned now, and scored again."""
    cleaned_job = codec.build(redactor.value(codec.plain(job)), Job)
    notes = [Redaction("job.json", "secret", 1, "replaced")] if cleaned_job != job else []
    cleaned = [_clean(e, redactor) for e in evidence]
    if changed := sum(new != old for new, old in zip(cleaned, evidence, strict=True)):
        notes.append(Redaction("evidence/evidence.json", "secret", changed, "replaced"))
    if notes:
        from reports.score import score

        scorecard = score(cleaned_job, cleaned)
    known_by = {hashlib.sha256(raw := codec.dumps(e)).hexdigest(): (e, raw) for e in cleaned}
    order = sorted(known_by, key=lambda i: (known_by[i][0].taken_at, known_by[i][0].phase, known_by[i][0].probe, i))
    rows = tuple(b'{"id":"%s",' % i.encode() + known_by[i][1][1:] for i in order)
    return Told(cleaned_job, tuple(known_by[i][0] for i in order), rows, scorecard, tuple(notes))


def _clean(evidence: Evidence, redactor: Redactor) -> Evidence:
    return replace(
        evidence, source=redactor.text(evidence.source), reason=redactor.text(evidence.reason), data=redactor.value(evidence.data)
    )


def _documents(told: Told, how: Recipe) -> list[Item]:
    """What was seen, what it means, and how to run it again."""
    formats = registry.formats()
    pages = [(name, path) for name, path in (("html", "report.html"), ("markdown", "report.md")) if name in formats]
    listed = formats["cyclonedx"].of_evidence if "cyclonedx" in formats else None
    return [
        Item("evidence/evidence.json", b"[\n" + b",\n".join(told.rows) + b"\n]\n"),
        Item("job.json", codec.pretty(told.job)),
        Item("scorecard.json", codec.pretty(told.scorecard)),
        Item("replay.json", codec.pretty(how)),
        Item("README.md", readme(how)),
        Item("REPLAY.md", instructions(how)),
        Item("verify.py", (importlib.resources.files("reports.archive") / "verifier.py").read_bytes(), executable=True),
        *(Item(path, formats[name].render(told.scorecard)) for name, path in pages),
        *([Item("sbom.cdx.json", listed(told.job, told.evidence))] if listed else []),
    ]


def _log(head: Head | None) -> list[Item]:
    return [Item("run-log.json", codec.pretty({"seq": head.seq, "hash": head.hash}))] if head else []


def _environment(facts: Known, house: wheelhouse.House) -> list[Item]:
    if not facts.packages:
        return []
    locks = lock.documents(facts.packages, house.wheels, house.told)
    return [*(Item(f"environment/{name}", data) for name, data in locks.items()), *house.items]


def _lists(facts: Known, redactions: Sequence[Redaction]) -> list[Item]:
    items = [Item("manifests/inputs.sha256", sha256sum(facts.inputs)), Item("manifests/outputs.sha256", sha256sum(facts.outputs))]
    if facts.git and facts.git.diff:
        items.append(Item("git/working-tree.diff", facts.git.diff.encode("utf-8", "surrogateescape")))
    return [*items, _record(redactions)]


def _record(redactions: Sequence[Redaction]) -> Item:
    return Item("evidence/redactions.json", codec.pretty(redactions))


def _crate(items: Sequence[Item], facts: Known, how: Recipe, scorecard: Scorecard, owner: tuple[Author, str, str]) -> list[Item]:
    files = {f.carried: f for f in how.files if f.carried}
    parts = [_part(item, files.get(item.path)) for item in sorted(items, key=lambda i: i.path)]
    metadata = crate(facts, how, scorecard, parts, *owner)
    return [Item("ro-crate-metadata.json", metadata), Item("ro-crate-preview.html", preview(how, parts))]


def _part(item: Item, file: RecipeFile | None) -> Part:
    size = item.size if item.source else len(item.data)
    digest = item.sha256 if item.source else hashlib.sha256(item.data).hexdigest()
    return Part(item.path, describe(item.path, file), media_type(item.path), size, digest, file.place if file else "")


def _label(how: Recipe, world: World, facts: Known) -> bag.Label:
    epoch = world.env.get("SOURCE_DATE_EPOCH", "")
    when = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdigit() else datetime.fromisoformat(facts.when).astimezone(UTC)
    info = {
        "Bagging-Date": when.date().isoformat(),
        "Bag-Software-Agent": f"run-auditor {__version__}",
        "BagIt-Profile-Identifier": PROFILE_ID,
        "External-Identifier": f"urn:run-auditor:run:{how.run_id}",
        "External-Description": f"Run {how.name}, {how.scheduler} job {how.job_id}: evidence, audit and what a replay needs",
    }
    profile = (importlib.resources.files("reports.archive") / "bagit_profile.json").read_bytes()
    return bag.Label(info, {"bagit-profile.json": profile}, when)
