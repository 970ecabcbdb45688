"""Good: one array of 200 tasks of ten minutes, at most 20 at a time."""

from tests.calibration.made import campaign, case, later, run
from tests.factory import accounting

TASKS = tuple(run(str(n), 1, 11, job_id=f"7_{n}") for n in range(4))

CASE = case(
    6, "good", "array of 200, throttle 20, tasks of ten minutes",
    later(accounting("7_9", array_throttle=20)),
    campaign(*TASKS, why=("array",), array_size=200, array_throttle=20),
    expected="""
        idle-devices not-applicable
        lookalike-submissions passed
        unbounded-array passed
        tiny-tasks passed
        rank-duplicates not-applicable
        unscaled-training not-applicable
        needless-barrier not-applicable
        tied-task unknown
    """,
)  # fmt: skip
