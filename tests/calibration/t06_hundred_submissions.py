"""Bad: twelve hand-made submissions that differ in a number, four GPUs and no launcher, and every rank a tracked run of its own."""

from probes.tracking import Metric, TrackedRun
from probes.workflows import State
from tests.calibration.made import HOME, campaign, case, later, run, tracked
from tests.factory import accounting, at

TWINS = tuple(run(str(n), n, n + 10) for n in range(11))
RANKS = tuple(
    TrackedRun(
        "mlflow", f"r{n}", f"{HOME}/mlruns", State.SUCCEEDED, "FINISHED", experiment="net", started=at(1, n), ended=at(10),
        parameters={"lr": "0.1"}, metrics=(Metric("loss", 0.1, 9),),
    )
    for n in range(4)
)  # fmt: skip

CASE = case(
    6, "bad", "12 look-alikes, 4 GPUs for one process, 4 tracked runs with the same parameters begun within 4 s",
    later(accounting(asked_gpus=4, used_cpus=1)),
    campaign(*TWINS, lookalikes=tuple(t.run_id for t in TWINS)),
    tracked(*RANKS),
    expected="""
        idle-devices failed
        lookalike-submissions failed
        unbounded-array not-applicable
        tiny-tasks not-applicable
        rank-duplicates failed
        unscaled-training not-applicable
        needless-barrier not-applicable
        tied-task unknown
    """,
)  # fmt: skip
