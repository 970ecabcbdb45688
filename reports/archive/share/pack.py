"""What of a shared run goes into the bundle, and is it fit to be seen? Data that names somebody stays out; a last look blocks the rest."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from auditor.model import AuditError
from auditor.world import World
from reports.archive import wheelhouse
from reports.archive.bag import Item
from reports.archive.cleaned import Redaction
from reports.archive.payload import Payload
from reports.archive.recipe import Recipe, RecipeFile, RecipeImage
from reports.archive.share.book import Book, Kind
from reports.archive.share.cover import Cover
from reports.archive.share.scan import Blocked, Finding, findings
from reports.archive.share.shapes import named_secret
from reports.archive.share.share import Shared

NAMES = "by reference: it names people, machines or folders"
SEARCHED = 256 << 20
"""Bytes of a data file that is looked through; a larger one stays out."""


def fit(chosen: Payload, shared: Shared) -> Payload:
    """Code is marked for what was done to it; a data file that cannot be published as it is stays out: changed, it would be another."""
    items = {i.path: i for i in chosen.items}
    bad: dict[str, str] = {}
    for path in dict.fromkeys(f.carried for f in chosen.files if f.carried and f.role in ("input", "expected")):
        if rule := _rule(items[path], shared) if not path.startswith("code/") else "":
            bad[path] = rule
    files = tuple(_marked(f, items, bad, shared) for f in chosen.files)
    left = tuple(Redaction(f.place, bad[f.carried], 1, "left-out") for f in chosen.files if f.carried in bad)
    return Payload(tuple(i for i in chosen.items if i.path not in bad), files, (*chosen.redactions, *left))


def _rule(item: Item, shared: Shared) -> str:
    """Why it stays out; empty: it does not."""
    if named_secret(item.path):
        return "secret"
    size = item.size if item.source else len(item.data)
    if size > SEARCHED:
        return "not-searchable (too large)"
    data = b"".join(map(bytes, shared.world.chunks(item.source))) if item.source else item.data
    return next((f.rule for f in findings(item.path, data, shared.cover)), "")


def _marked(file: RecipeFile, items: dict[str, Item], bad: dict[str, str], shared: Shared) -> RecipeFile:
    if file.carried in bad:
        return replace(file, carried="", reason=NAMES)
    if file.role not in ("code", "input") or not file.carried:
        return file
    return replace(file, mapped=file.sha256 in shared.mapped, redacted=file.redacted or file.sha256 in shared.cut)


def paths(how: Recipe, book: Book) -> Recipe:
    """The recipe with what a replay needs to give folders a place."""
    public = sorted(p for k, _, p in book.items() if k is Kind.FOLDER)
    return replace(how, paths={p: "" if p == how.workdir else f"/shared/{p[2:].lower()}" for p in public})


def check(items: Iterable[Item], cover: Cover, world: World, accepted: Sequence[str] = ()) -> tuple[Redaction, ...]:
    """Look at everything that is about to be written. accepted: `rule:file`, looked at by a person; returned as they were used.

    Raises Blocked.
    """
    found: list[Finding] = []
    for item in items:
        if item.source and item.size > SEARCHED:
            continue  # a data file that `fit` let pass, or an image, of which the caller was told
        data = b"".join(map(bytes, world.chunks(item.source))) if item.source else item.data
        found += findings(item.path, data, cover)
    blocking = [f for f in found if f"{f.rule}:{f.file}" not in accepted]
    if blocking:
        raise Blocked(blocking)
    return tuple(Redaction(f.file, f.rule, f.count, "accepted") for f in found)


def wheels(how: str, shared: Shared) -> wheelhouse.House:
    """Wheels are looked for where the packages really lie."""
    house = wheelhouse.collect(how, shared.packages, shared.world)
    return replace(house, told=tuple(shared.cover.text(t) for t in house.told))


def no_images(policy: str, images: Sequence[RecipeImage]) -> None:
    """Raise AuditError: an image is full of names of whoever built it, and is carried as it is."""
    if policy != "digest" and any(i.carried for i in images):
        raise AuditError(
            "a shared bundle carries no container images: they cannot be searched for names",
            "leave out --images; they are named by digest",
        )
