"""What does a campaign's scorecard say, and what can never happen to it?"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import codec
from auditor.campaign import Campaign, CampaignRecord, Group, Member, RunSeen
from auditor.campaigncard import CampaignCard, Fold
from auditor.model import Check, Evidence, Fact, Grade, Need, Outcome, Phase, Tip, Verdict
from auditor.scorecard import Finding
from auditor.store import Store
from probes.git import GitState
from reports.campaigns import fold
from reports.campaigns.fold import Folding, apart
from reports.campaigns.reading import Reader
from reports.campaigns.score import kinds, score
from reports.judging.judge import judge
from reports.judging.record import record
from tests.factory import accounting, at, attempt, file, git_state, job, manifest, seen
from tests.study import driven, study
from tests.worlds.write import WORLDS, stored

PASSED, FAILED, WEAK = Outcome.PASSED, Outcome.FAILED, Outcome.WEAK
UNKNOWN, NOT_APPLICABLE, ERROR = Outcome.UNKNOWN, Outcome.NOT_APPLICABLE, Outcome.ERROR
CHECK = Check("a-check", 1, "Is it so?", (), lambda: Verdict(PASSED, ""), "look again")


def folded(*outcomes: Outcome, left: int = 0) -> Fold:
    """One check over runs with these outcomes."""
    folding = Folding(CHECK, 1)
    for n, outcome in enumerate(outcomes):
        folding.add(
            f"run{n}", str(n), Finding("a-check", 1, 1, "?", outcome, Grade.OBSERVED, f"saw {n}", f"mend {n}", "", "", ())
        )
    return folding.fold([Member(f"run{n}", str(n)) for n in range(len(outcomes))], left)


@pytest.mark.parametrize(
    ("outcomes", "worst", "share", "message"),
    [
        ((PASSED, PASSED), PASSED, 1.0, "all 2 runs, first job 0: saw 0"),
        ((PASSED, FAILED, WEAK), FAILED, 1 / 3, "1 of 3 runs, first job 1: saw 1"),
        ((PASSED, WEAK, UNKNOWN), WEAK, 1 / 3, "1 of 3 runs, first job 1: saw 1"),
        ((PASSED, UNKNOWN), UNKNOWN, 0.5, "1 of 2 runs, first job 1: saw 1"),
        ((PASSED, NOT_APPLICABLE), PASSED, 1.0, "the only run that it applies to, first job 0: saw 0"),
        ((FAILED, PASSED, NOT_APPLICABLE), FAILED, 0.5, "1 of the 2 runs that it applies to, first job 0: saw 0"),
        ((NOT_APPLICABLE, NOT_APPLICABLE), NOT_APPLICABLE, 1.0, "all 2 runs, first job 0: saw 0"),
        ((ERROR, UNKNOWN), ERROR, 0.5, "1 of 2 runs, first job 0: saw 0"),
    ],
)
def test_the_worst_answer_counts_with_its_share(
    outcomes: tuple[Outcome, ...], worst: Outcome, share: float, message: str
) -> None:
    found = folded(*outcomes)

    assert (found.outcome, found.share, found.message) == (worst, share, message)


def test_runs_that_were_not_looked_at_are_not_known() -> None:
    found = folded(PASSED, PASSED, left=8)

    assert (found.outcome, dict(found.counts), found.message) == (
        UNKNOWN,
        {"passed": 2, "unknown": 8},
        "8 of 10 runs: nobody looked at them",
    )


def test_what_sets_failing_runs_apart_is_what_they_share_and_the_others_have_not() -> None:
    bad = [Member(str(n), str(n), partition="gpu", name="train", user="ada") for n in range(12)]
    good = [Member(str(n), str(n), partition="cpu", name="train" if n < 30 else "sim", user="ada") for n in range(40)]

    assert apart(bad, good) == ("partition gpu: 12 of 12 of these, 0 of 40 others",)
    assert apart(bad, []) == apart([], good) == ()


levels = st.lists(
    st.tuples(st.integers(1, 3), st.lists(st.sampled_from(list(Outcome)), min_size=1, max_size=5)), min_size=1, max_size=5
)


def interval(tips: list[list[tuple[int, list[Outcome]]]]) -> tuple[float | None, float | None]:
    """Of tips whose checks have a level and an outcome in each run."""
    made = []
    for rows in tips:
        folds = [replace(folded(*outcomes), level=level) for level, outcomes in rows]
        made.append(fold.tip(Tip(1, "t", "", "", "", ()), folds, ()))
    return fold.interval(made)


@given(st.lists(levels, min_size=1, max_size=6), st.data())
def test_a_new_pass_never_lowers_low_and_a_new_fail_never_raises_high(
    tips: list[list[tuple[int, list[Outcome]]]], data: st.DataObject
) -> None:
    outcomes = data.draw(st.sampled_from([outcomes for rows in tips for _, outcomes in rows]))
    place = data.draw(st.integers(0, len(outcomes) - 1))

    def with_(outcome: Outcome) -> tuple[float, float]:
        outcomes[place] = outcome
        low, high = interval(tips)
        assert low is not None
        assert high is not None
        return low, high

    before = with_(UNKNOWN)
    assert before[0] <= before[1]
    assert with_(PASSED)[0] >= before[0]
    assert with_(FAILED)[1] <= before[1]


# whole campaigns, of recorded evidence

POOL = [e for name in WORLDS for e in stored(name)[1] if e.kind not in ("Campaign", "ReplayVerdict")]


def a_run(number: str, evidence: Iterable[Evidence], **changes: Any) -> RunSeen:
    one = job(number, **changes)
    return RunSeen(one, tuple(evidence), Campaign(one.run_id, (), (), (), 0, 0, 1, (), ()))


def audit(*runs: RunSeen, known: int = 0, **options: Any) -> CampaignCard:
    group = Group("study", ("label",), tuple(r.place.run_id for r in runs), known or len(runs))
    return score(group, runs, **options)


chances = st.integers(0, 2**32).map(random.Random)


@settings(max_examples=40, deadline=None)
@given(chances)
def test_hiding_what_was_seen_of_a_run_never_raises_low(chance: random.Random) -> None:
    once = {(e.kind, e.phase, e.attempt): e for e in chance.sample(POOL, len(POOL))}
    runs = [a_run(str(n), [e for e in once.values() if chance.random() < 0.8]) for n in range(3)]
    hidden = [replace(r, evidence=tuple(e for e in r.evidence if chance.random() < 0.7)) for r in runs]

    full, part = audit(*runs), audit(*hidden)

    assert full.low is None or (part.low or 0.0) <= full.low


def test_runs_of_which_only_a_part_is_known_leave_everything_open() -> None:
    runs = [a_run(str(n), POOL) for n in range(2)]

    assert (audit(*runs, known=3).low, audit(*runs, known=3).record.left) == (0.0, 1)


def test_a_check_of_the_whole_sees_the_record_and_is_a_check_like_any_other() -> None:
    def waste(whole: Fact[CampaignRecord]) -> Verdict:
        lost = sum(m.outcome != "succeeded" for m in whole.value.members)
        return Verdict(FAILED, f"{lost} of {len(whole.value.members)} runs were lost", "mend them")

    check = Check("lost-runs", 1, "Were runs lost?", (Need(CampaignRecord, (Phase.LATER,)),), waste, "sweep")
    tip = Tip(1, "own", "Own", "", "", (CHECK,), (check,))

    card = audit(a_run("1", [seen(accounting("1"), phase=Phase.LATER)]), a_run("2", []), tips={1: tip})

    (only,) = card.tips
    assert [(f.check, f.outcome, f.message, f.cites) for f in only.findings] == [
        ("lost-runs", FAILED, "1 of 2 runs were lost", (card.record_id,))
    ]
    assert (only.low, [f.outcome for f in only.folds]) == (0, [PASSED])


def test_what_one_run_is_told_is_what_the_fold_counts() -> None:
    """The answers that are remembered from run to run are those that each run gets by itself."""
    reader = Reader()
    for name in WORLDS:
        of, evidence = stored(name)
        own = [e for e in evidence if e.kind != "Campaign"]
        place = next(
            (codec.build(e.data, Campaign) for e in evidence if e.kind == "Campaign"),
            Campaign(of.run_id, (), (), (), 0, 0, 1, (), ()),
        )
        made = reader.record(RunSeen(of, tuple(own), place))
        alone = record((*own, seen(place, phase=Phase.LATER, probe="campaign", source="store")), of.attempt)
        from auditor import registry

        for number, tip in registry.tips().items():
            for check in tip.checks:
                told, expected = reader.judge(check, number, made), judge(check, number, alone)
                assert (told.outcome, told.message, told.fix) == (expected.outcome, expected.message, expected.fix)


def test_the_same_data_from_a_weaker_source_is_another_answer() -> None:
    def clean(git: Fact[GitState]) -> Verdict:
        return Verdict(PASSED, git.value.branch)

    tip = Tip(1, "own", "Own", "", "", (Check("a-tree", 2, "Is it clean?", (Need(GitState, (Phase.SUBMIT,)),), clean, "look"),))
    data = seen(git_state())

    card = audit(a_run("1", [data]), a_run("2", [replace(data, grade=Grade.DECLARED)]), tips={1: tip})

    assert dict(card.tips[0].folds[0].counts) == {"passed": 1, "unknown": 1}


def test_the_id_of_evidence_is_put_together_as_it_is_made() -> None:
    reader = Reader()
    for e in POOL[:40]:
        assert reader.record(a_run("1", [e])).pieces[0].id in (e.id, "campaign of " + job("1").run_id)
        assert e.id in {p.id for p in reader.record(a_run("1", [e])).pieces}


# the record: what a reader can recompute


def ended(number: str, state: str = "COMPLETED", minutes: int = 10, start: int = 1, **changes: Any) -> Evidence:
    """Accounting of 4 cores held from minute `start` on; submitted at noon."""
    tried = attempt(0, state, started=at(start), ended=at(start + minutes))
    return seen(
        accounting(number, tried, used_cpus=4, used_seconds=60.0 * minutes, used_cpu_seconds=60.0 * minutes * 2, **changes),
        phase=Phase.LATER,
    )


def test_costs_and_waste_are_sums_that_a_reader_can_redo() -> None:
    card = audit(
        a_run("1", [ended("1")]),
        a_run("2", [ended("2", "FAILED", 5)]),
        a_run("3", [ended("3", "TIMEOUT", 20, start=6)]),
        a_run("4", []),
    )

    t = card.record.totals
    assert (t.succeeded, t.failed, t.timeout, t.unknown) == (1, 1, 1, 1)
    assert (t.core_seconds, t.core_seconds_of) == (4 * 60.0 * 35, 3)
    assert (t.wasted_failed, t.wasted_timeout, t.wasted_cancelled) == (4 * 300.0, 4 * 1200.0, 0.0)
    assert (t.cpu_seconds, t.cpu_of_core_seconds) == (2 * 60.0 * 35, 4 * 60.0 * 35)
    assert (t.waited, t.waited_of, t.concurrent, t.span) == (60.0 + 60.0 + 360.0, 3, 2, 26 * 60.0)


def test_another_submission_of_the_same_work_after_a_failure_is_a_retry() -> None:
    first, again = a_run("1", [ended("1", "FAILED")]), a_run("2", [ended("2")])
    other = a_run("3", [ended("3")], argv=("train.sh", "--lr=2"))

    card = audit(first, again, other)

    assert [m.retry_of for m in card.record.members] == ["", first.place.run_id, ""]
    assert card.record.totals.retried == 1


def test_a_result_is_an_output_that_no_other_run_left_too() -> None:
    def left(*names: str) -> Evidence:
        return seen(manifest(*(file(n, "output") for n in names)), phase=Phase.LATER)

    card = audit(
        a_run("1", [ended("1"), left("own.csv", "same.log")]),
        a_run("2", [ended("2"), left("same.log")]),
        a_run("3", [ended("3", "FAILED"), left("half.csv")]),
    )

    assert (card.record.totals.useful, card.record.totals.results) == (1, 1)


def test_a_row_names_the_evidence_that_its_figures_rest_on() -> None:
    told = ended("1")

    (row,) = audit(a_run("1", [told])).record.members

    assert (row.evidence, row.waited, row.seconds, row.outcome) == ((told.id,), 60.0, 600.0, "succeeded")


def test_times_that_are_none_and_unknown_states_are_not_known_and_break_nothing() -> None:
    odd = attempt(0, "SOMETHING_NEW", started="yesterday", ended="\x1b[31m", submitted="", eligible="")

    (row,) = audit(a_run("1", [seen(accounting("1", odd, used_seconds=None), phase=Phase.LATER)])).record.members

    assert (row.outcome, row.waited, row.seconds) == ("unknown", None, None)


@pytest.fixture(scope="module")
def surrogate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CampaignCard]:
    """The study of tests/study.py with its engine, through a store."""
    with Store.open(str(tmp_path_factory.mktemp("study") / "store.duckdb")) as store:
        store.ingest([*study(rounds=2, tasks=3), *driven("1001", "1002", "1003")])
        found = store.group("surrogate")
        yield score(found.group(), found.runs(kinds()))


def test_phases_of_runs_and_of_engine_tasks_come_with_what_passes_between_them(surrogate: CampaignCard) -> None:
    whole = surrogate.record

    assert [(p.phase, p.runs, p.failed, p.engine_tasks) for p in whole.phases] == [
        ("simulate", 6, 0, 0),
        ("train", 3, 1, 1),
        ("infer", 2, 0, 0),
    ]
    assert [(f.source, f.target, f.by, f.pairs) for f in whole.flows] == [
        ("simulate", "train", "data", 9),
        ("simulate", "train", "dependency", 9),
        ("train", "infer", "data", 2),
        ("train", "infer", "dependency", 2),
        ("infer", "simulate", "data", 3),
    ]
    assert (whole.iterations, len(whole.loop)) == (2, 4)


def test_the_engine_that_drove_it_is_told_with_its_groups(surrogate: CampaignCard) -> None:
    (engine,) = surrogate.record.engines
    by_job = {m.job_id: m for m in surrogate.record.members}

    assert [(g.name, g.tasks, g.phases) for g in engine.groups] == [("train", 1, ("train",)), ("rule_7", 2, ())]
    assert sorted(engine.members) == sorted(by_job[n].run_id for n in ("1001", "1002", "1003"))
    assert [n for n, m in by_job.items() if m.engine == engine.key] == ["900", "1001", "1002", "1003"]
    assert (engine.driver, engine.versioned, engine.constructs) == ((by_job["900"].run_id,), 1, ("retries: 1",))


def test_tracked_runs_are_counted_with_their_phases_and_joined_to_who_made_them(surrogate: CampaignCard) -> None:
    (count,) = surrogate.record.trackers
    (driver,) = (m for m in surrogate.record.members if m.name == "driver")

    assert (count.system, count.runs, count.joined, count.with_metrics, count.with_model) == ("mlflow", 2, 2, 2, 0)
    assert (dict(count.phases), [s.text for s in count.signs]) == ({"train": 1}, ["train.py"])
    assert driver.tracked == ("mlflow:a1", "mlflow:a2")


def test_the_same_runs_give_the_same_bytes(surrogate: CampaignCard, tmp_path: Path) -> None:
    with Store.open(str(tmp_path / "store.duckdb")) as store:
        for one in (*driven("1001", "1002", "1003"), *reversed(list(study(rounds=2, tasks=3)))):
            store.ingest([one])
        found = store.group("surrogate")
        again = score(found.group(), found.runs(kinds()))

    assert codec.dumps(again) == codec.dumps(surrogate)


def test_a_card_survives_json(surrogate: CampaignCard) -> None:
    assert codec.loads(codec.dumps(surrogate), CampaignCard) == surrogate
