"""How do two rungs' records of one job become one? The better rung's word stands; the other fills its gaps."""

from __future__ import annotations

from dataclasses import fields, replace

from probes.schedulers import Attempt, JobAccounting
from probes.schedulers.build import EMPTY, ENDED, succeeded

_OWN = frozenset({"attempts", "final", "rungs", "gaps"})
_FILLED_IN = frozenset({"stdout", "stderr"})
"""scontrol tells the path, sacct (since 24.05) the pattern it was made from."""


def merge(first: JobAccounting, second: JobAccounting) -> JobAccounting:
    """`first` is sacct or the job completion file, `second` scontrol: exact, but of the last attempt only."""
    filled = {
        f.name: getattr(second, f.name)
        for f in fields(first)
        if f.name not in _OWN
        and getattr(second, f.name) not in EMPTY
        and (f.name in _FILLED_IN or getattr(first, f.name) in EMPTY)
    }
    attempts = _attempts(first.attempts, second.attempts)
    rungs = dict(first.rungs) | {name: second.rungs[name] for name in filled if name in second.rungs}
    if attempts and attempts[-1].exit_exact and attempts[-1].exit_code is not None and second.attempts:
        rungs["exit_code"] = second.rungs.get("exit_code", rungs.get("exit_code", ""))
    newest = _is_newer(first.attempts, second.attempts)
    return replace(
        first,
        **filled,
        attempts=attempts,
        rungs={name: rung for name, rung in rungs.items() if rung},
        gaps=tuple(dict.fromkeys((*first.gaps, *second.gaps))),
        final=first.final and not newest,
    )


def _is_newer(first: tuple[Attempt, ...], second: tuple[Attempt, ...]) -> bool:
    """Has the job gone on since the first rung's last row?"""
    if not second:
        return False
    if not first:
        return True
    last, other = first[-1], second[-1]
    another = other.started != last.started and other.ended != last.ended
    return last.state in ENDED and other.number > last.number and (last.state == "REQUEUED" or another)


def _attempts(first: tuple[Attempt, ...], second: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    if not second:
        return first
    if _is_newer(first, second):
        return (*first, second[-1])
    return (*first[:-1], _attempt(first[-1], second[-1]))


def _attempt(one: Attempt, exact: Attempt) -> Attempt:
    """One attempt as both saw it; the number of restarts and the exit code are scontrol's."""
    both_ended = one.state in ENDED and exact.state in ENDED
    code = (exact.exit_code, exact.signal) if both_ended and exact.exit_code is not None else (one.exit_code, one.signal)
    late = one.state not in ENDED and exact.state in ENDED
    known = replace(
        one,
        state=exact.state if late else one.state,
        state_text=exact.state_text if late else one.state_text,
        number=max(one.number, exact.number),
        reason=exact.reason or one.reason,
        exit_code=code[0],
        signal=code[1],
        exit_exact=one.exit_exact or both_ended,
        derived_exit_code=one.derived_exit_code or exact.derived_exit_code,
        nodes=one.nodes or exact.nodes,
        started=one.started or exact.started,
        ended=one.ended or exact.ended,
    )
    pair = None if code[0] is None or code[1] is None else (code[0], code[1])
    return replace(known, succeeded=succeeded(known.state, pair, known.derived_exit_code, known.steps))
