"""What do the labels of a run's images say, and of which image can nobody read them? Shared by the judges of recipes and of commits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from probes.containers import EngineImages, SifImages
from reports.judging.verdicts import Maybe, Unclear, known

LABEL = "org.opencontainers.image."
"""OCI image specification, annotations: source, revision, base.name, base.digest."""


def labels(sif: Maybe[SifImages], engine: Maybe[EngineImages]) -> Iterator[tuple[str, Mapping[str, str]]]:
    files, images = known(sif), known(engine)
    yield from ((i.path, i.labels) for i in files.value.images) if files else ()
    yield from ((i.reference, i.labels) for i in images.value.images) if images else ()


def sealed(sif: Maybe[SifImages]) -> set[str]:
    """Image files whose root file system nobody without the key can read; labels beside it may still be there."""
    files = known(sif)
    return {i.path for i in files.value.images if i.encrypted} if files else set()


def all_looked(*maybes: Maybe[Any]) -> None:
    """Raises Unclear when one of the looks is missing: a fault may hide there."""
    if any(m is None for m in maybes):
        raise Unclear("not every image could be looked into")
