"""In what did two runs' environments differ, in the order in which it matters? Groups with one line each; long tails folded. Pure.

The order is that of what decides what: an image holds everything below it, so it is told first, with its rung of the identity ladder;
the interpreter decides which packages load at all; BLAS, MPI, CUDA and the C library do the arithmetic under every package (their results
differ from build to build and by processor: manuals of oneMKL, "Conditional Numerical Reproducibility", and of OpenBLAS); then packages that the
code imports or that were asked for by name, before those that only came along; among them a new major version before a minor before a
patch (semver.org; PEP 440 orders the numbers); then modules, drivers and the switches that choose code paths on the processor.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from auditor.scorecard import Change
from probes.containers import ImageFacts, Level
from reports import differences as of
from reports.judging.amounts import some
from reports.judging.ladder import Same, same
from reports.judging.record import Record
from reports.judging.traces import content
from reports.sides import Side, both_looked, cited, side
from reports.versions import SIZES, alike, size

MOST = 200
"""Changes of one group that are named; the rest is counted."""
NATIVE = ("blas", "mpi", "cuda", "rocm", "libc", "library", "compiler")
BELOW = ("driver", "kernel")
NOTABLE = 4


@dataclass(frozen=True)
class Group:
    """Differences of one sort. name: `image`, `interpreter`, `library`, `package`, `other-package`, `module`, `driver`, `dispatch`."""

    name: str
    summary: str
    changes: tuple[Change, ...]
    more: int = 0
    """So many changes are not named."""


def explain(one: Record, two: Record) -> tuple[Group, ...]:
    """Only groups in which something that both runs know differs."""
    a, b = side(one), side(two)
    groups = (_images(a, b), _interpreter(a, b), *_packages(a, b), _dispatch(a, b))
    order = ("image", "interpreter", "library", "package", "other-package", "module", "driver", "dispatch")
    return tuple(sorted((g for g in groups if g.changes), key=lambda g: order.index(g.name)))


def _images(a: Side, b: Side) -> Group:
    pairs = _paired(a.images, b.images)
    changes, levels = [], []
    for name, (before, was), (after, now) in pairs:
        told = same(before, after)
        old, new = content(before) or was, content(after) or now
        if (
            told.level is Level.BYTE_SAME
            or not (old and new)
            or (old == new and told.level is not Level.SAME_LAYERS_OTHER_SETTINGS)
        ):
            continue
        settings = told.level is Level.SAME_LAYERS_OTHER_SETTINGS and old == new
        changes.append(
            Change("image", name, "its settings" if settings else old, told.why if settings else new, cited(a, b, *IMAGE_KINDS))
        )
        levels.append(f"{name}: {_level(told, by_content=bool(content(before) or content(after)))}")
    changes += _lone(a, b, {name for name, _, _ in pairs})
    lone = [c for c in changes if of.GONE in (c.before, c.after)]
    only = f"{some(c.name for c in lone)} in one run only{', the other ran in no image' if a.bare or b.bare else ''}"
    return _group("image", changes, "; ".join((*levels[:NOTABLE], *([only] if lone else []))))


IMAGE_KINDS = ("RanImages", "ContainerIdentities", "SifImages", "EngineImages")


def _level(told: Same, by_content: bool) -> str:
    """by_content: a digest is known at all; sizes and ids tell of two sightings of one file, digests of two kinds tell nothing."""
    if told.level is not Level.UNKNOWN:
        return f"{told.level.replace('-', ' ')} ({told.why})"
    return f"not known whether it is the same ({told.why})" if by_content else "another one, as far as sizes and ids tell"


Known = tuple[ImageFacts, str]


def _paired(a: Mapping[str, Known], b: Mapping[str, Known]) -> list[tuple[str, Known, Known]]:
    """By name; where each run has one image only, these two, whatever they are called."""
    if len(a) == len(b) == 1 and a.keys() != b.keys():
        (one,), (two,) = a, b
        return [(f"{one} / {two}", a[one], b[two])]
    return [(name, a[name], b[name]) for name in a if name in b]


def _lone(a: Side, b: Side, paired: set[str]) -> Iterator[Change]:
    bare = (a.bare and bool(b.images)) or (b.bare and bool(a.images))
    if any(" / " in name for name in paired) or not (bare or a.cites.keys() & b.cites.keys() & set(IMAGE_KINDS)):
        return
    for name in dict.fromkeys((*a.images, *b.images)):
        if name not in paired:
            was, now = (
                content(s.images[name][0]) or s.images[name][1] or "there" if name in s.images else of.GONE for s in (a, b)
            )
            yield Change("image", name, was, now, cited(a, b, *IMAGE_KINDS))


def _interpreter(a: Side, b: Side) -> Group:
    if not (a.interpreter and b.interpreter) or a.interpreter == b.interpreter:
        return Group("interpreter", "", ())
    change = Change("interpreter", "Python", a.interpreter, b.interpreter, cited(a, b, "PythonPackages"))
    return _group("interpreter", [change], f"{a.interpreter} → {b.interpreter} ({size(a.interpreter, b.interpreter)})")


def _packages(a: Side, b: Side) -> Iterator[Group]:
    """Everything that is listed by name: native libraries, packages that lead, the others, modules, drivers."""
    shelves: dict[str, list[Change]] = {name: [] for name in ("library", "package", "other-package", "module", "driver")}
    leading = a.leading | b.leading
    if a.python and b.python:
        cites = cited(a, b, "PythonPackages")
        for name in dict.fromkeys((*a.python, *b.python)):
            change = Change("package", name, a.python.get(name, of.GONE), b.python.get(name, of.GONE), cites)
            shelves["package" if name.lower() in leading or not leading else "other-package"].append(change)
    for kind, name in dict.fromkeys((*a.parts, *b.parts)):
        if sources := both_looked(a, b, kind):
            was, now = a.parts.get((kind, name), of.GONE), b.parts.get((kind, name), of.GONE)
            shelf = (
                "library" if kind in NATIVE else "driver" if kind in BELOW else "module" if kind == "module" else "other-package"
            )
            shown = name if kind == "module" else f"{kind} {name}"
            shelves[shelf].append(
                Change("package" if shelf == "other-package" else shelf, shown, was, now, cited(a, b, *sorted(sources)))
            )
    for shelf, every in shelves.items():
        changed = sorted((c for c in every if not alike(c.before, c.after)), key=lambda c: SIZES.index(size(c.before, c.after)))
        yield _group(shelf, changed, _counted(shelf, changed))


def _dispatch(a: Side, b: Side) -> Group:
    if not (a.dispatch and b.dispatch):
        return Group("dispatch", "", ())
    pairs = (
        (name, a.dispatch.get(name, of.GONE), b.dispatch.get(name, of.GONE)) for name in dict.fromkeys((*a.dispatch, *b.dispatch))
    )
    changes = [Change("dispatch", name, was, now, cited(a, b, "CpuDispatch")) for name, was, now in pairs if was != now]
    return _group("dispatch", changes, f"the processor's code paths: {some(f'{c.name} {c.before} → {c.after}' for c in changes)}")


def _group(name: str, changes: Sequence[Change], summary: str) -> Group:
    return Group(name, summary if changes else "", tuple(changes[:MOST]), max(0, len(changes) - MOST))


NOUNS = {
    "library": "native library",
    "package": "package",
    "other-package": "other package",
    "module": "module",
    "driver": "driver or kernel",
}


def _counted(shelf: str, changes: Sequence[Change]) -> str:
    """`3 packages: numpy 1.26 → 2.0 (major), scipy …; 1 major, 2 minor`."""
    if not changes:
        return ""
    sizes = Counter("one run only" if of.GONE in (c.before, c.after) else size(c.before, c.after) for c in changes)
    noun = NOUNS[shelf]
    counted = f"{len(changes):,} {noun if len(changes) == 1 else noun.replace('library', 'librarie').replace('driver or', 'drivers or') + 's'}"
    if shelf == "other-package":
        return f"{counted}: {', '.join(f'{sizes[s]:,} {s}' for s in (*SIZES, 'one run only') if sizes[s])}"
    return f"{counted}: {some((f'{c.name} {_step(c)}' for c in changes), NOTABLE)}"


def _step(change: Change) -> str:
    """`1.26 → 2.0`; of one version whose content differs that version, once."""
    was, now = _brief(change.before), _brief(change.after)
    return f"{was} → {now}" if was != now else f"{was} with other files"


def _brief(state: str) -> str:
    """The version alone."""
    return state if state == of.GONE else re.sub(r" \(.*|(?: |^)sha256:.*", "", state.split(", ", maxsplit=1)[0]) or state
