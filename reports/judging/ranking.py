"""Which is the best way to have this environment again? A pure function over facts: the ways there are, best first, each with its evidence.

The order says how much of the environment comes back, and how surely the same: an image by digest is all of it, byte for byte; Guix
rebuilds all from one commit; a lock with hashes gives the same files of one language; a Spack lock builds again from source; names without
hashes, tags and module names trust that nobody has changed what stands behind them. A way that is known to be gone stands last.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from auditor.model import Fact
from auditor.scorecard import Way
from auditor.verdict import ReplayVerdict
from probes.packages import PythonPackages
from probes.software import Component
from probes.software.guix import GuixProfile
from probes.software.spack import SpackSpecs
from reports.judging.amounts import several, some, words
from reports.judging.imageways import image_ways
from reports.judging.proofs import step, unequal
from reports.judging.software import choose, components, of
from reports.judging.strays import declared, strays

ORDER = (
    "image-by-digest",
    "image-file",
    "guix",
    "lock-with-hashes",
    "conda-explicit",
    "spack-lock",
    "image-recipe",
    "lock-without-hashes",
    "image-by-tag",
    "module-names",
    "nothing",
)
STRONG = frozenset(ORDER[: ORDER.index("image-recipe")])
"""With these, what comes back is known by digest or is built again from one commit."""
REBUILT = {"rebuilt-from-lock": ("lock-with-hashes", "lock-without-hashes"), "image-by-digest": ("image-by-digest", "image-file")}
"""What a replay calls its environment -> the ways it has thereby tried."""


def ways(facts: Iterable[Fact[Any]]) -> tuple[Way, ...]:
    """At least one: `nothing`, where no fact helps."""
    every = tuple(facts)
    best = choose(every)
    found = [*image_ways(every, best), *_locks(every, best)]
    tried = {name for fact in every if isinstance(fact.value, ReplayVerdict) for name in _tried(fact.value)}
    told = [_confirmed(way) if way.name in tried and way.state != "lost" else way for way in found]
    return tuple(sorted(told, key=_rank)) or (Way("nothing", "recorded", "no image, lock or list of software was seen"),)


def besides(found: Sequence[Way]) -> tuple[Way, ...]:
    """What the best way does not bring back: another image by its tag; without an image, modules too."""
    lost = ("image-by-tag",) if found[0].name.startswith("image-") else ("image-by-tag", "module-names")
    return tuple(way for way in found[1:] if way.name in lost)


def again(found: Sequence[Way]) -> str:
    """The state of all of the environment: no better than its best way, and `partial` where something lies beside it."""
    best = found[0]
    return "" if best.name == "nothing" else "partial" if best.state != "lost" and besides(found) else best.state


def _rank(way: Way) -> tuple[bool, int, str]:
    return way.state == "lost", ORDER.index(way.name), way.evidence


def _tried(verdict: ReplayVerdict) -> tuple[str, ...]:
    done = step(verdict, "environment")[0] == "done" and not unequal(verdict)
    return REBUILT.get(verdict.environment, ()) if done else ()


def _confirmed(way: Way) -> Way:
    return Way(way.name, "confirmed", f"{way.evidence}; a replay had it so", way.how, way.cites)


def _value(best: dict[str, Fact[Any]], kind: type) -> Fact[Any] | None:
    return best.get(kind.__name__)


def _locks(every: Sequence[Fact[Any]], best: dict[str, Fact[Any]]) -> Iterator[Way]:
    parts: dict[str, list[Component]] = {}
    for part in components(every):
        parts.setdefault(part.ecosystem, []).append(part)
    if guix := parts.get("guix"):
        fact = _value(best, GuixProfile)
        commits = [c.commit for c in fact.value.channels if c.commit] if fact else []
        said = f"{several(len(guix), 'Guix package')}{f' of channel commit {commits[0][:12]}' if commits else '; of which commit is not known'}"
        how = "guix time-machine -C channels.scm -- shell -m manifest.scm"
        yield Way("guix", "recorded" if commits else "partial", said, how, _of(best, "guix"))
    yield from _python(parts.get("pypi", []), _value(best, PythonPackages))
    if conda := parts.get("conda"):
        hashed = [p for p in conda if p.digest]
        said = f"{several(len(conda), 'conda package')}, {_all(len(hashed), len(conda))} with hash"
        yield Way(
            "conda-explicit", _state(hashed, conda), said, "conda create --name again --file explicit.txt", _of(best, "conda")
        )
    if spack := parts.get("spack"):
        fact = _value(best, SpackSpecs)
        lock = bool(fact and fact.value.lock_sha256)
        hashed = [p for p in spack if p.digest or p.detail]
        said = f"{several(len(spack), 'Spack package')}, {_all(len(hashed), len(spack))} with the hash of its full spec"
        said += f", in {fact.value.environment}/spack.lock" if fact and lock else "; there is no lock"
        how = "spack -e . install   # beside spack.lock; never concretize -f"
        yield Way("spack-lock", _state(hashed, spack) if lock else "partial", said, how, _of(best, "spack"))
    if modules := parts.get("module"):
        names = [f"{m.name}/{m.version}" if m.version else m.name for m in modules]
        said = f"{several(len(modules), 'module')} by name: {some(names)}; only this site knows what stands behind them"
        yield Way("module-names", "partial", said, f"module load {words(names)}", _of(best, "module"))


def _python(found: Sequence[Component], fact: Fact[PythonPackages] | None) -> Iterator[Way]:
    if not found or fact is None:
        return
    hashed = [p for p in found if p.digest]
    odd = [p.name for p in fact.value.packages if p.source in ("editable", "directory")]
    said = f"{several(len(found), 'Python package')} of {fact.value.prefix}, {_all(len(hashed), len(found))} with the hash of its archive"
    said += f"; {some(odd)} from a folder" if odd else ""
    meant = declared(fact.value)
    said += (
        f"; of {several(len(meant), 'package')} only as {some(meant.values(), 1)} says, and not proved by what is installed"
        if meant
        else ""
    )
    lost = strays(fact.value)
    said += f"; without {some(lost)}, of no package" if lost else ""
    name = "lock-with-hashes" if len(hashed) == len(found) else "lock-without-hashes"
    yield Way(
        name,
        "recorded" if name == "lock-with-hashes" and not odd and not lost else "partial",
        said,
        "pip install --no-deps -r requirements.txt   # of the bundle",
        (fact.evidence_id,),
    )


def _all(some_: int, of: int) -> str:
    return "each" if some_ == of else f"{some_:,} of them" if some_ else "none"


def _state(hashed: Sequence[Component], every: Sequence[Component]) -> str:
    return "recorded" if len(hashed) == len(every) else "partial"


def _of(best: dict[str, Fact[Any]], ecosystem: str) -> tuple[str, ...]:
    return tuple(sorted(f.evidence_id for f in best.values() if any(c.ecosystem == ecosystem for c in of(f.value))))
