"""Borderline: the same training on one and on eight cores: 80 and 60 minutes; and an engine whose steps all wait for the slowest."""

from tests.calibration.made import campaign, case, engine, later, run, task
from tests.factory import accounting

NARROW = run("a", -100, -20, core_hours=80 / 60, shape="b" * 8)

CASE = case(
    6, "borderline", "8 times the cores for 1.3 times the speed; every train waits for every simulate, one of which takes five times as long",
    later(accounting(asked_cpus=8, used_cpus=8, used_seconds=3600.0, used_cpu_seconds=20000.0)),
    campaign(NARROW, lookalikes=("a",)),
    engine(
        "parsl",
        *(task("simulate", n, (1, 11 if n == 0 else 3)) for n in range(5)),
        *(task("train", n, (11, 12), needs=tuple(f"simulate-{i}" for i in range(5))) for n in range(5)),
    ),
    expected="""
        idle-devices not-applicable
        lookalike-submissions passed
        unbounded-array not-applicable
        tiny-tasks not-applicable
        rank-duplicates not-applicable
        unscaled-training weak
        needless-barrier weak
        tied-task unknown
    """,
)  # fmt: skip
