"""How do the runs of a replay become its verdict, with what it proved and what it did not?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from auditor import __version__
from auditor.replay import judge, levels, rulesfile, slurm
from auditor.replay.machine import fingerprint, same_machine
from auditor.replay.rounds import Round, agreement, learnt, worst
from auditor.replay.rulesfile import OutputRule
from auditor.verdict import Level, OutputVerdict, ReplayVerdict, RoundVerdict, Sameness

if TYPE_CHECKING:
    from auditor.replay.stages import Replay

RULES = "rules.json"
"""What a repeat learnt, in the replay's folder."""


def judged(replay: Replay, made: Sequence[Round]) -> ReplayVerdict:
    """The verdict over all rounds."""
    return _smoke(replay, made[0]) if replay.plan.level is Level.SMOKE else _full(replay, made)


def _smoke(replay: Replay, one: Round) -> ReplayVerdict:
    """Ended well, or stopped by us while it ran: more is not claimed."""
    declared = bool(replay.plan.smoke and replay.plan.smoke.declared)
    stopped = one.ended.timed_out
    if one.ended.exit_code and not stopped:
        reason = f"the smaller run ended with exit code {one.ended.exit_code}; stderr.txt in the replay's folder tells more"
        return end(replay, Sameness.NOT_COMPARED, reason)
    if not stopped:
        replay.came = Level.SMOKE
    how = "ran until it was stopped, and had not ended" if stopped else "ended well"
    said = "declared" if declared else "proposed, not declared by its author"
    return end(replay, Sameness.NOT_COMPARED, f"the smaller run ({said}) {how}; no output was compared")


def _full(replay: Replay, made: Sequence[Round]) -> ReplayVerdict:
    plan, recipe = replay.plan, replay.plan.recipe
    new = learnt(recipe, made, plan.rules)
    said = (*plan.rules, *new)
    if len(made) > 1:
        rulesfile.write(replay.folder / RULES, plan.bundle, recipe.run_id, new)
    per_round = [judge.outputs(recipe, replay.crate, r.layout, r.folder, r.job, said) for r in made]
    outputs = worst(per_round) if len(made) > 1 else per_round[0]
    one_by_one = [judge.verdict(recipe, o, r.ended) for o, r in zip(per_round, made, strict=True)]
    sameness, reason = one_by_one[0] if len(made) == 1 else _all(one_by_one)
    agreed = [agreement(recipe, made[0], other, said) for other in made[1:]]
    rounds = (RoundVerdict(1, made[0].ended.exit_code, *one_by_one[0]), *agreed) if agreed else ()
    if odd := [r for r in agreed if r.sameness is Sameness.DIFFERENT]:
        sameness, reason = Sameness.DIFFERENT, f"it does not agree with itself: run {odd[0].number}, {odd[0].reason}"
    if sameness is not Sameness.NOT_RUN:
        whole = agreed and all(r.sameness in (Sameness.IDENTICAL, Sameness.EQUIVALENT) for r in agreed)
        replay.came = Level.REPEAT if whole else Level.FULL
    reason += _fed(replay) + _unread(outputs)
    replay.say("compare", reason)
    return end(replay, sameness, reason, outputs, rounds, said)


def _all(verdicts: Sequence[tuple[Sameness, str]]) -> tuple[Sameness, str]:
    """The worst over all runs; one that proved nothing spoils the rest."""
    order = (Sameness.DIFFERENT, Sameness.NOT_RUN, Sameness.EQUIVALENT, Sameness.IDENTICAL)
    sameness, reason = min(verdicts, key=lambda v: order.index(v[0]))
    return sameness, f"in {len(verdicts)} runs: {reason}"


def _fed(replay: Replay) -> str:
    other = [f"{f.place} of run {f.maker}" for ran in replay.rounds[:1] for f in ran.fed if not f.same]
    return f"; it read what other replays made, and that was not the recorded content: {', '.join(other[:5])}" if other else ""


def _unread(outputs: Sequence[OutputVerdict]) -> str:
    left = judge.unread(outputs)
    return f"; not compared closer: {'; '.join(left[:3])}" if left else ""


def end(
    replay: Replay,
    sameness: Sameness,
    reason: str,
    outputs: tuple[OutputVerdict, ...] = (),
    rounds: tuple[RoundVerdict, ...] = (),
    rules: Sequence[OutputRule] = (),
) -> ReplayVerdict:
    plan, world = replay.plan, replay.world
    on_slurm = plan.on == "slurm"
    cluster = slurm.cluster(world) if on_slurm else ""
    here = fingerprint(world)
    proved, not_proved = levels.told(plan.level, replay.came, sameness)
    images = replay.rounds[-1].images if replay.rounds else replay.images.verdicts
    return ReplayVerdict(
        bundle=plan.bundle,
        run_id=plan.recipe.run_id,
        sameness=sameness,
        reason=reason,
        outputs=outputs,
        steps=tuple(replay.steps),
        where=f"slurm:{cluster}" if on_slurm else "local",
        same_machine=cluster in ("", plan.recipe.cluster) if on_slurm else same_machine(plan.recipe, here),
        sandbox=plan.sandbox.kind,
        environment=replay.software.kind,
        started_at=replay.began,
        ended_at=world.now().isoformat(timespec="seconds"),
        auditor=__version__,
        images=images,
        environment_equal=replay.software.equal,
        level=plan.level,
        reached=replay.came is plan.level and sameness is not Sameness.DIFFERENT,
        proved=proved,
        not_proved=not_proved,
        smoke=replay.smaller,
        rounds=rounds,
        rules=tuple(str(rule) for rule in rules),
        unread=judge.unread(outputs),
        fed=replay.rounds[0].fed if replay.rounds else (),
        machine=here,
        partition=plan.site.partition,
        account=plan.site.account,
    )
