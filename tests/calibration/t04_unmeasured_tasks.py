"""Borderline: a third of the cores busy; the engine asked for cores and measured nothing."""

from tests.calibration.made import case, engine, later, task
from tests.factory import accounting

CASE = case(
    4, "borderline", "0.9 of 3 cores busy; Snakemake without benchmark files",
    later(accounting(asked_cpus=3, used_cpus=3)),
    engine("snakemake", task("simulate", 1, (1, 11), cpus=4)),
    expected="""
        unstated-needs passed
        idle-memory passed
        idle-cores weak
        unseen-gpu not-applicable
        idle-gpu not-applicable
        unfit-partition passed
        overasked-tasks unknown
        oversubscribed-threads passed
        bound-to-one-machine unknown
    """,
)  # fmt: skip
