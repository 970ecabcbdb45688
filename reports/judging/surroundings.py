"""In what did the run run? Images with their digests, ways to have it again, what the host let in, and the software that matters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from auditor.model import Fact
from auditor.scorecard import Count, Software, Surroundings
from probes.software import Component
from reports.judging.imagesseen import images
from reports.judging.leaks import leaks
from reports.judging.outside import outside
from reports.judging.ranking import again, ways
from reports.judging.record import Record
from reports.judging.software import choose, components, key

MOST = 40
"""Images, and pieces of software, that a page names; whole lists are in the evidence."""
MATTER = ("interpreter", "blas", "mpi", "libc", "cuda", "rocm", "driver", "compiler", "module", "kernel")
"""Ecosystems whose every piece is named: all results pass through these. The others are counted."""


def surroundings(seen: Record, facts: Iterable[Fact[Any]]) -> Surroundings:
    """facts: the current ones of the run."""
    every = tuple(facts)
    best = choose(every)
    parts = components(every)
    host = outside(every)
    counts = Counter((part.ecosystem, key(part) in host) for part in parts)
    found = ways(every)
    return Surroundings(
        again=again(found),
        images=tuple(images(seen, every, best))[:MOST],
        ways=found,
        leaks=leaks(every)[:MOST],
        counts=tuple(Count(name, counts[name, of_host], of_host) for name, of_host in sorted(counts)),
        software=tuple(Software(p.ecosystem, p.name, p.version, p.digest, key(p) in host) for p in notable(parts)),
    )


def notable(parts: Iterable[Component]) -> tuple[Component, ...]:
    """The pieces that all results pass through, in the order in which their difference matters."""
    chosen = [part for part in parts if part.ecosystem in MATTER]
    return tuple(sorted(chosen, key=lambda p: (MATTER.index(p.ecosystem), p.name, p.version)))[:MOST]
