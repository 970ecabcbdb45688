"""Which containers were seen to run? The looks as the job started and after it, as one; of one container the trace that says most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from auditor.model import Fact
from probes.containers import ImageFacts, RanImage, RanImages
from reports.judging.imagefacts import facts
from reports.judging.verdicts import Maybe


def content(image: ImageFacts) -> str:
    """The strongest digest that identifies what is in an image; empty: none is known."""
    return image.manifest or image.index or image.file or image.config or image.partition or image.tree


def told(image: ImageFacts) -> int:
    """How many digests a trace gives: what is read when the run is over says more than what is seen from inside."""
    return sum(bool(digest) for digest in (image.manifest, image.index, image.file, image.config, image.partition, image.tree))


def called(one: RanImage) -> str:
    """What to call it: as it was typed, else by its own name, else by where it was."""
    around = "around the job" if one.how == "inside" else "that ran"
    return one.typed or one.image.reference or f"the {one.runtime} image {around}".replace("  ", " ")


def traces(every: Iterable[Fact[Any]]) -> tuple[tuple[RanImage, str], ...]:
    """Each container once, with the id of the evidence that saw it; in the order in which they were seen."""
    found: dict[tuple[str, str], tuple[RanImage, str]] = {}
    for fact in every:
        for one in fact.value.images if isinstance(fact.value, RanImages) else ():
            key = (one.typed or one.image.reference or one.evidence, "" if one.typed else content(facts(one)))
            if key not in found or told(facts(one)) > told(facts(found[key][0])):
                found[key] = (one, fact.evidence_id)
    return tuple(found.values())


def both(start: Maybe[RanImages], later: Maybe[RanImages]) -> Maybe[RanImages]:
    """One fact of the two looks; None where one of them is missing: what it saw may speak against a pass."""
    if start is None or later is None:
        return None
    seen = [fact for fact in (start, later) if isinstance(fact, Fact)]
    if not seen:
        return later
    return replace(seen[0], value=RanImages(tuple(one for one, _ in traces(seen))))
