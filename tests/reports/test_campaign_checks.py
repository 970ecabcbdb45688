"""What do the tips say of a whole campaign? Literal records of a few runs, one rule at a time."""

from __future__ import annotations

import dataclasses

from auditor import registry
from auditor.campaign import CampaignRecord, EngineGroup, EngineRun, Flow, PhaseSum, Tie, Totals, TrackedCount
from auditor.model import Outcome, Phase
from auditor.scorecard import Finding
from reports.judging.judge import judge
from reports.judging.record import record
from tests.calibration.made import member, together
from tests.factory import seen
from tests.reports.ask import FAILED, NOT_APPLICABLE, PASSED, UNKNOWN, WEAK

HOUR = 3600.0
GIB = 1 << 30


def ask(name: str, of: CampaignRecord) -> Finding:
    (found,) = [(n, c) for n, tip in registry.tips().items() for c in tip.campaign if c.id == name]
    return judge(found[1], found[0], record((seen(of, phase=Phase.LATER, probe="campaign-record"),), 0))


def said(name: str, of: CampaignRecord) -> tuple[Outcome, str]:
    found = ask(name, of)
    return found.outcome, found.message


THREE = (member("a"), member("b"), member("c"))


def test_a_good_verdict_stands_only_on_all_runs() -> None:
    cut = together(*THREE, known=5, left=2)

    assert said("mixed-runs", together(*THREE)) == (PASSED, "one phase each: 3 train")
    assert said("mixed-runs", cut) == (UNKNOWN, "one phase each: 3 train; but 2 runs of 5 were not looked at")


def test_ai_is_joined_to_the_rest_by_data_by_order_or_not_at_all() -> None:
    phases = (PhaseSum("simulate", 2, 0, 2, 0), PhaseSum("train", 1, 0, 1, 0))
    both = together(member("a", phases=("simulate",)), member("b"), phases=phases)

    assert said("apart-ai", dataclasses.replace(both, flows=(Flow("simulate", "train", "data", 2, 3),))) == (
        PASSED,
        "simulate -> train: 2 pairs of runs by 3 files",
    )
    assert said("apart-ai", dataclasses.replace(both, flows=(Flow("simulate", "train", "dependency", 2),))) == (
        WEAK,
        "simulate -> train by dependency; no file is known to go between train and simulate",
    )
    assert said("apart-ai", both) == (FAILED, "nothing goes between train and simulate: neither a file nor an order")
    assert said("apart-ai", together(member("a"), phases=phases[1:]))[0] == NOT_APPLICABLE
    assert said("apart-ai", together(member("a", phases=()), phases=phases[1:])) == (
        UNKNOWN,
        "of 1 run (9a) nothing tells which phase it is",
    )


def test_a_run_of_two_phases_is_named() -> None:
    mixed = together(member("a", phases=("simulate", "train")), member("b"))

    assert said("mixed-runs", mixed) == (FAILED, "1 of 2 runs (50 %) hold several phases: 9a (simulate, train)")
    assert ask("mixed-runs", mixed).fix == (
        "jid=$(sbatch --parsable simulate.sh)\njid=$(sbatch --parsable --dependency=afterok:$jid train.sh)"
    )


def test_runs_that_wait_for_nobody_overlap_or_should() -> None:
    in_a_row = together(*THREE, totals=Totals(concurrent=1))

    assert said("unshared-time", in_a_row) == (
        FAILED,
        "at most 1 run of 3 at the same time; 3 wait for no other one (9a, 9b, 9c)",
    )
    assert said("unshared-time", together(*THREE, totals=Totals(concurrent=3)))[0] == PASSED
    chained = together(*THREE, totals=Totals(concurrent=1), ties=(Tie("a", "b", "data"), Tie("b", "c", "data")))
    assert said("unshared-time", chained) == (
        NOT_APPLICABLE,
        "1 of 3 runs wait for no other one: from 3 on there is something to overlap",
    )


def test_a_sweep_of_an_engine_is_less_of_a_fault_than_one_of_hands_and_corrections_are_none() -> None:
    sweep = together(*THREE, lookalikes=(("a", "b", "c"),))
    by_engine = together(*(dataclasses.replace(m, engine="snakemake r1 /w") for m in THREE), lookalikes=(("a", "b", "c"),))
    again = together(member("a", outcome="failed"), member("b", outcome="failed"), member("c"), lookalikes=(("a", "b", "c"),))

    assert said("loose-sweeps", sweep) == (FAILED, "1 sweep typed one by one, the largest of 3 submissions: 9a, 9b, 9c")
    assert ask("loose-sweeps", sweep).fix.startswith("#SBATCH --array=0-2%1")
    assert said("loose-sweeps", by_engine)[0] == WEAK
    assert said("loose-sweeps", again) == (PASSED, "no 3 separate submissions differ only in numbers")


def test_a_loop_is_held_by_an_engine_by_dependencies_or_by_hands() -> None:
    hands = together(*THREE, iterations=3, loop=("a", "b", "c"))
    engine = EngineRun("k", "parsl", "2026.1", "r1", "/w", "", "succeeded", "", loops=(("simulate", "train"),), iterations=(4,))

    assert said("unheld-loop", hands) == (
        FAILED,
        "3 rounds along the data (9a, 9b, 9c), each a submission of its own: nothing but hands holds them together",
    )
    chained = dataclasses.replace(hands, members=tuple(dataclasses.replace(m, dependency="afterok:1") for m in THREE))
    assert said("unheld-loop", chained)[0] == WEAK
    assert said("unheld-loop", dataclasses.replace(hands, engines=(engine,))) == (
        PASSED,
        "simulate -> train in parsl r1: 4 rounds",
    )
    assert said("unheld-loop", together(*THREE))[0] == NOT_APPLICABLE
    assert said("unheld-loop", together(*THREE, cycles=("a", "b")))[0] == UNKNOWN


def test_runs_that_depend_on_each_other_want_an_engine() -> None:
    tied = together(*THREE, ties=(Tie("a", "b", "data"),))

    assert said("unheld-runs", tied) == (
        FAILED,
        "0 of 2 runs that depend on each other belong to an engine's run; by hand: 9a, 9b",
    )
    assert said("unheld-runs", together(*THREE))[0] == NOT_APPLICABLE
    held = dataclasses.replace(tied, members=tuple(dataclasses.replace(m, engine="k") for m in THREE))
    assert said("unheld-runs", held) == (PASSED, "2 of 2 runs that depend on each other belong to an engine's run")


def test_data_is_carried_in_proportion_to_work() -> None:
    assert said("carried-data", together(*THREE)) == (PASSED, "6.0 GiB read and written for 0.5 core-hours of 3 runs")
    heavy = together(member("a", bytes_in=500 * GIB), member("b"))
    assert said("carried-data", heavy) == (
        FAILED,
        "503.0 GiB read and written for 0.333 core-hours of 2 runs: most of the work is carrying data; most of it by 9a",
    )
    assert said("carried-data", together(member("a", bytes_in=None)))[0] == UNKNOWN


def test_idle_cores_and_memory_over_all_runs() -> None:
    busy = Totals(core_seconds=10 * HOUR, cpu_seconds=8 * HOUR, cpu_of_core_seconds=10 * HOUR)

    assert said("idle-hours", together(*THREE, totals=busy)) == (PASSED, "8 of 10 core-hours busy (80 %)")
    idle = dataclasses.replace(busy, cpu_seconds=1 * HOUR)
    wide = (member("a", used_cores=16), member("b"))
    assert said("idle-hours", together(*wide, totals=idle)) == (
        FAILED,
        "1 of 10 core-hours busy (10 %); most idle: 9a, 2.53 core-hours",
    )
    assert said("idle-hours", together(*THREE))[0] == UNKNOWN
    greedy = together(member("a", asked_memory=64 * GIB), member("b", asked_memory=64 * GIB), member("c"))
    assert said("idle-requests", greedy) == (
        FAILED,
        "2 of 3 runs used less than half of the memory they asked for: 9a 3.0 GiB of 64.0 GiB",
    )
    assert ask("idle-requests", greedy).fix == "#SBATCH --mem=4G   # for the like of 9a"
    assert said("idle-requests", together(*THREE))[0] == PASSED


def test_one_script_in_two_environments_is_two_experiments() -> None:
    split = together(member("a"), member("b", environment="e2"))

    assert said("many-environments", split) == (
        FAILED,
        "the same script ran in 2 environments: e1 (1 run: 9a), e2 (1 run: 9b)",
    )
    assert said("many-environments", together(*THREE)) == (PASSED, "1 script, each in one environment")
    assert said("many-environments", together(member("a"), member("b", environment="")))[0] == UNKNOWN


def test_a_dirty_tree_or_an_empty_tracked_run_is_a_loose_run() -> None:
    counts = (TrackedCount("mlflow", 10, with_parameters=10, with_metrics=9),)

    assert said("loose-runs", together(*THREE, trackers=counts)) == (
        PASSED,
        "3 of 3 runs at a clean commit (1 commit); 9 of 10 tracked runs with parameters and metrics",
    )
    assert said("loose-runs", together(member("a", dirty=True), member("b"))) == (
        FAILED,
        "1 of 2 runs at a clean commit (1 commit); dirty: 9a",
    )
    assert said("loose-runs", together(member("a", commit="", dirty=None)))[0] == UNKNOWN


def test_lost_hours_are_a_share_of_all_and_results_are_counted() -> None:
    totals = Totals(runs=3, core_seconds=10 * HOUR, core_seconds_of=3, wasted_timeout=4 * HOUR, useful=2, results=5)
    lost = together(member("a", outcome="timeout"), member("b"), member("c"), totals=totals)

    assert said("lost-hours", lost) == (
        FAILED,
        "40 % of 10 core-hours came to nothing (time-outs 4); 5 results of 2 runs, 0.5 a core-hour: 9a",
    )
    assert ask("lost-hours", lost).fix.startswith("#SBATCH --time=00:45:00\n#SBATCH --signal=B:USR1@300")
    assert said("lost-hours", together(*THREE, totals=dataclasses.replace(totals, wasted_timeout=0.0)))[0] == PASSED
    assert said("lost-hours", together(member("a"), totals=Totals(runs=1)))[0] == NOT_APPLICABLE


def test_a_queue_longer_than_the_work() -> None:
    waits = Totals(runs=3, waited=3 * 8000.0, waited_of=3, seconds=3 * 600.0)

    assert said("long-queue", together(*THREE, totals=waits)) == (
        FAILED,
        "3 runs waited 2.2 h and ran 10 min each on average",
    )
    assert said("long-queue", together(*THREE, totals=dataclasses.replace(waits, waited=300.0)))[0] == PASSED
    assert said("long-queue", together(*THREE))[0] == UNKNOWN


def test_many_small_outputs_of_all_runs_together() -> None:
    small = together(member("a", outputs=9000, bytes_out=9000), member("b", outputs=2000, bytes_out=2000))

    assert said("campaign-crumbs", small) == (FAILED, "11,000 outputs of 2 runs, 10.7 KiB, 1 bytes each; most of them of 9a")
    assert said("campaign-crumbs", together(*THREE)) == (PASSED, "6 outputs of 3 runs, 3.0 GiB, 512.0 MiB each")
    assert said("campaign-crumbs", together(member("a", outputs=None)))[0] == UNKNOWN


def test_a_campaign_inside_an_engine_is_judged_by_its_groups() -> None:
    groups = (
        EngineGroup("sim", 4, {"succeeded": 4}, 4, 0, 4, 60.0, 0.0, ("simulate",)),
        EngineGroup("fit", 1, {"succeeded": 1}, 1, 0, 1, 60.0, 0.0, ("train",)),
    )
    engine = EngineRun(
        "k", "snakemake", "9", "r1", "/w", "", "succeeded", "", groups=groups, flows=(Flow("sim", "fit", "file", 4),)
    )
    phases = (PhaseSum("simulate", 0, 0, 0, 0, engine_tasks=4), PhaseSum("train", 0, 0, 0, 0, engine_tasks=1))

    assert said("apart-ai", together(member("a"), engines=(engine,), phases=phases)) == (
        PASSED,
        "sim -> fit in snakemake r1: 4 pairs of tasks",
    )
