"""Why do these two runs differ? Controls, stabilisers where they are needed, search, certificate; whatever stops it is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from auditor import __version__
from auditor.bisection import Bisection, Proof
from auditor.replay import slurm
from auditor.replay.bisect import certificate, journal, proofs, stabilisers
from auditor.replay.bisect.agree import Agreement, agreement
from auditor.replay.bisect.experiment import Bench, write_site
from auditor.replay.bisect.factor import Answer, Factor
from auditor.replay.bisect.memo import Memo
from auditor.replay.bisect.outcome import Outcome, Yardstick
from auditor.replay.bisect.prepare import Prepared, prepare
from auditor.replay.bisect.search import search
from auditor.replay.bisect.software import Shelf
from auditor.replay.bisect.still import Loose, hold
from auditor.replay.bisect.told import again, broken, cause
from auditor.replay.bisect.trials import Spent, Trials
from auditor.verdict import Sameness
from auditor.world import RealWorld, World

__all__ = ["Prepared", "find", "prepare"]
MORE = 5
"""Runs of a control whose first runs do not agree."""
VOTES = 3


def _quiet(_text: str) -> None:
    pass


def find(ready: Prepared, progress: Callable[[str], None] = _quiet, world: World | None = None) -> Bisection:
    """Do it. Runs that are in the folder already are not made again. Never raises for what an experiment does."""
    world = world or RealWorld()
    runs = ready.folder / "runs"
    write_site(ready.folder / stabilisers.FOLDER)
    shelf = Shelf(ready.kind, ready.folder / "envs", {"a": ready.a, "b": ready.b}, ready.a.plan.sandbox, Lock(), _alike(ready))
    options = ready.options
    bench = Bench(
        ready.a,
        ready.b,
        ready.cpu,
        shelf,
        runs,
        ready.folder / stabilisers.FOLDER,
        ready.outputs,
        options.on,
        options.seconds,
        world,
    )
    yardstick = Yardstick(runs, ready.outputs, ready.rules)
    trials = Trials(bench, yardstick, options.runs, options.seconds, options.max_jobs, progress, before=journal.spent(runs))
    return _Bisection(ready, trials, world).go()


def _alike(ready: Prepared) -> bool:
    """No difference is one of packages."""
    return not any(sort in ("package", "python") for f in ready.differences.factors for sort, _ in f.slots)


@dataclass
class _Bisection:
    """One bisection: what is known so far."""

    ready: Prepared
    trials: Trials
    world: World
    memo: Memo | None = None
    best: frozenset[Factor] = frozenset()
    proofs: tuple[Proof, ...] = ()
    notes: tuple[str, ...] = ()
    certified: bool = False

    def go(self) -> Bisection:
        began = self._now()
        try:
            reason = self._go() if self.ready.options.runs else "the budget is 0 runs: only the differences are told"
        except Spent as error:
            reason = self._unfinished(str(error))
        return self._result(reason, began)

    @property
    def every(self) -> frozenset[Factor]:
        return frozenset(self.ready.differences.factors)

    def _go(self) -> str:
        if reason := self._controls():
            return reason
        assert self.trials.typical
        a, b = self.trials.typical
        if self.trials.yardstick.same(a, b):
            return self._equal()
        self.trials.purpose = "search"
        self.memo = memo = Memo(self.trials.oracle, self._votes)
        memo.known |= {frozenset(): Answer.A, self.every: Answer.B}
        self.best = search(sorted(self.every, key=lambda f: f.id), memo)
        return self._certify(memo)

    # -- controls

    def _controls(self) -> str:
        """Runs of A and of B; why it cannot go on, empty when it can."""
        sides = [("A", frozenset[Factor]())] + ([("B", self.every)] if self.every else [])
        self.trials.ahead((taken, self.ready.options.controls) for _, taken in sides)
        seen = [self._agree(taken) for _, taken in sides]
        for (name, _), (_, outcome), case in zip(sides, seen, (self.ready.a, self.ready.b), strict=False):
            if reason := broken(case, outcome, self.trials.yardstick):
                return f"{name} does not run again here: {reason}"
        self._votes = 1 if all(found.steady for found, _ in seen) else VOTES
        loose = [Loose(*side, made.exit_code) for side, (found, made) in zip(sides, seen, strict=True) if not found.usable]
        if loose and not self.trials.held:
            return self._hold(loose)
        if loose:
            return f"held still, {loose[0].name} does not agree with itself after all"
        self.trials.typical = (seen[0][1], seen[-1][1])
        if self._votes > 1:
            self.notes += (f"the controls are shaky: each set was run up to {VOTES} times and the majority counts",)
        self.notes += tuple(
            again(c, o, self.trials.yardstick) for c, (_, o) in zip((self.ready.a, self.ready.b), seen, strict=False)
        )
        return "" if self.every else self._alike(seen[0][0])

    def _agree(self, taken: frozenset[Factor]) -> tuple[Agreement, Outcome]:
        """As many runs as asked for, more where they do not agree; the agreement and the run that is like most."""
        made = [self.trials.next(taken) for _ in range(max(2, self.ready.options.controls))]
        found = agreement(made, self.trials.yardstick.like)
        if not found.steady:
            made += [self.trials.next(taken) for _ in range(MORE - len(made))]
            found = agreement(made, self.trials.yardstick.like)
        for one in made:
            self.trials.note(taken, one, "agrees" if self.trials.yardstick.like(one, made[found.typical]) else "differs")
        return found, made[found.typical]

    def _hold(self, loose: list[Loose]) -> str:
        """Find what must be held still; then the controls again, with it."""
        self.trials.purpose = "stabiliser"
        found = hold(loose, self.trials)
        if isinstance(found, str):
            return found
        self.trials.held, proof = found
        self.proofs += (proof,)
        self.trials.purpose = "control"
        return self._controls()

    # -- answers

    def _equal(self) -> str:
        if self.trials.held:
            return f"A and B differ by chance: held still ({self._held_told()}), they come out the same"
        if self.trials.typical and self.trials.yardstick.sameness(*self.trials.typical) is Sameness.EQUIVALENT:
            return "A and B come out the same within the tolerance; add --exact to ask for the last digits"
        more = (
            f"; {len(self.ready.differences.not_applied)} differences cannot be carried over here"
            if self.ready.differences.not_applied
            else ""
        )
        return f"A and B come out the same here, so that what made them differ is not among what can be carried over{more}"

    def _alike(self, found: Agreement) -> str:
        if self.trials.held:
            return f"nothing that can be carried over differs; the run does not agree with itself, unless held still: {self._held_told()}"
        return f"nothing that can be carried over differs between A and B, and the run agrees with itself ({found.of} runs)"

    def _held_told(self) -> str:
        return ", ".join(s.name for s in stabilisers.chosen(self.trials.held))

    def _certify(self, memo: Memo) -> str:
        self.trials.purpose = "certificate"
        wanted = certificate.claims(self.best, self.every)
        self.trials.ahead((c.taken, memo.votes) for c in wanted if c.fresh)
        checked = certificate.check(wanted, memo)
        times = max(2, self.ready.options.controls)
        self.proofs += proofs.of_controls(self.trials.done, self.every, times) + proofs.of_claims(self.trials.done, checked)
        if refused := certificate.refusal(checked):
            return refused
        self.certified = True
        return f"A differs from B because of {', '.join(f.name for f in sorted(self.best, key=lambda f: (-f.prior, f.id)))}"

    def _unfinished(self, why: str) -> str:
        """The smallest set that is known to do, and what is left to try."""
        if self.memo is None:
            return f"{why} before the search began"
        done = [s for s, a in self.memo.known.items() if a is Answer.B]
        self.best = self.best or min(done, key=len, default=self.every)
        return f"{why}; what made the difference is among {len(self.best)} of {len(self.every)} differences"

    def _result(self, reason: str, began: str) -> Bisection:
        ready, trials = self.ready, self.trials
        on_slurm = ready.options.on == "slurm"
        runs, seconds = journal.spent(Path(trials.bench.runs))
        tolerances = dict.fromkeys(str(ready.rules[n].tolerance) for n in ready.outputs)
        return Bisection(
            a=ready.a.recipe.run_id,
            b=ready.b.recipe.run_id,
            certified=self.certified,
            reason=reason,
            causes=tuple(cause(f, ready.a, ready.b) for f in sorted(self.best, key=lambda f: (-f.prior, f.id))),
            proofs=self.proofs,
            trials=tuple(trials.done),
            stabilisers=tuple(s.name for s in stabilisers.chosen(trials.held)),
            differences=len(self.every),
            not_applied=ready.differences.not_applied,
            outputs=ready.outputs,
            notes=tuple(n for n in self.notes if n),
            where=f"slurm:{slurm.cluster(self.world)}" if on_slurm else "local",
            sandbox=ready.a.plan.sandbox.kind,
            rules="; ".join(tolerances),
            search_runs=sum(t.purpose == "search" for t in trials.done),
            runs=runs,
            seconds=round(seconds, 1),
            started_at=began,
            ended_at=self._now(),
            auditor=__version__,
        )

    _votes: int = 1

    def _now(self) -> str:
        return self.world.now().isoformat(timespec="seconds")
