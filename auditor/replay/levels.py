"""How far does a replay go, and what does each level prove and leave open? The same sentences in plan, terminal, JSON and verdict."""

from __future__ import annotations

from auditor.model import AuditError
from auditor.verdict import Level, Sameness

ORDER = tuple(Level)
PROVES = {
    Level.VERIFY: "the bundle is whole: every checksum was recomputed",
    Level.INPUTS: "every file that the run needs is at hand, the inputs with the recorded sha256",
    Level.ENVIRONMENT: "its software can be had again",
    Level.SMOKE: "the script starts in that environment and ends well at a smaller scale",
    Level.FULL: "the run ends as it did, and each output is compared with the original's",
    Level.REPEAT: "runs of this bundle agree with each other, apart from what the learnt rules name",
}
LEAVES = {
    Level.INPUTS: "whether the inputs and the code can be had here",
    Level.ENVIRONMENT: "whether its software can be had again",
    Level.SMOKE: "whether it runs here at all",
    Level.FULL: "whether its outputs come out the same: nothing is compared below the level `full`",
    Level.REPEAT: "whether it agrees with itself from run to run (--repeat 2)",
}
BEYOND = "whether it comes out the same with other data, seeds or machines"


def level(text: str, repeat: int) -> Level:
    """The level that was meant; `--repeat` alone means `repeat`. Raises AuditError."""
    if repeat < 0 or repeat > 100:
        raise AuditError(f"{repeat} runs of one bundle", "--repeat takes 2 to 100")
    try:
        found = Level(text) if text else Level.REPEAT if repeat > 1 else Level.FULL
    except ValueError:
        raise AuditError(f"there is no level {ascii(text)[:40]}", f"levels are: {', '.join(ORDER)}") from None
    if repeat > 1 and found is not Level.REPEAT:
        raise AuditError(f"level {found} runs at most once", "leave out --level, or --repeat")
    return found


def rounds(found: Level, repeat: int) -> int:
    """How often the bundle runs."""
    return max(repeat, 2) if found is Level.REPEAT else int(includes(found, Level.SMOKE))


def includes(found: Level, other: Level) -> bool:
    """Does `found` do what `other` does? A full run needs no smoke run before it."""
    return ORDER.index(found) >= ORDER.index(other)


def proves(found: Level) -> tuple[str, ...]:
    """What it will have proved when all goes well, a sentence a level."""
    return tuple(PROVES[one] for one in ORDER if includes(found, one) and (one is not Level.SMOKE or found is Level.SMOKE))


def leaves(found: Level) -> tuple[str, ...]:
    """What it cannot prove, whatever comes out."""
    return (*(LEAVES[one] for one in ORDER if not includes(found, one)), BEYOND)


def told(found: Level, came: Level | None, sameness: Sameness) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was proved and what was not, by the last level that was whole (None: not even the first)."""
    if came is None:
        return (), (*proves(found), *leaves(found))
    done = [s for s in proves(found) if s in proves(came)]
    missed = [s for s in proves(found) if s not in done]
    if came in (Level.FULL, Level.REPEAT) and sameness is Sameness.DIFFERENT:
        missed.append("that the outputs are the original's: they differ")
    return tuple(done), (*missed, *leaves(found))
