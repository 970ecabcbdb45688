"""Good: nine runs under Snakemake: simulations, a training that reads them, all at one clean commit in one image; little waste, short waits."""

from auditor.campaign import EngineRun, Flow, PhaseSum, Tie, Totals, TrackedCount
from tests.calibration.made import member, together, whole

SIMS = tuple(member(f"s{n}", phases=("simulate",), shape="sim", engine="k") for n in range(8))
TRAIN = member("t", engine="k")

CASE = whole(
    "good", "8 simulations at the same time, one training that reads what they made, started by one engine",
    together(
        *SIMS, TRAIN,
        ties=tuple(Tie(s.run_id, "t", "data", 1) for s in SIMS),
        arrays={"90": 8},
        phases=(PhaseSum("simulate", 8, 0, 8, 0), PhaseSum("train", 1, 0, 1, 0)),
        flows=(Flow("simulate", "train", "data", 8, 8),),
        engines=(EngineRun("k", "snakemake", "9", "r1", "/w", "", "succeeded", "", members=tuple(s.run_id for s in SIMS)),),
        trackers=(TrackedCount("mlflow", 1, with_parameters=1, with_metrics=1),),
        totals=Totals(
            runs=9, core_seconds=5400.0, core_seconds_of=9, cpu_seconds=4500.0, cpu_of_core_seconds=5400.0, waited=540.0, waited_of=9,
            seconds=5400.0, concurrent=8, useful=9, results=18,
        ),
    ),
    expected="""
        apart-ai passed
        carried-data passed
        mixed-runs passed
        idle-hours passed
        idle-requests passed
        unshared-time passed
        loose-sweeps passed
        many-environments passed
        loose-runs passed
        unheld-loop not-applicable
        lost-hours passed
        long-queue passed
        campaign-crumbs passed
        unheld-runs passed
    """,
)  # fmt: skip
