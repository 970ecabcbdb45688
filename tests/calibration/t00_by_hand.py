"""Bad: six runs typed one by one, one after another, of a script that simulates and trains; half of them failed, each in its own environment."""

from auditor.campaign import PhaseSum, Tie, Totals
from tests.calibration.made import GIB, member, together, whole

BOTH = ("simulate", "train")
RUNS = tuple(
    member(
        f"r{n}", phases=BOTH, environment=f"e{n}", dirty=True, asked_memory=64 * GIB, bytes_in=900 * GIB, outputs=4000, bytes_out=4000,
        outcome="timeout" if n > 2 else "succeeded",
    )
    for n in range(6)
)  # fmt: skip

CASE = whole(
    "bad", "a loop of hands: each round reads what the last one made; 64 GiB asked for, 3 used; 900 GiB read for ten minutes of one core",
    together(
        *RUNS,
        ties=(Tie("r0", "r1", "data", 1), Tie("r1", "r2", "data", 1)),
        lookalikes=(tuple(r.run_id for r in RUNS),),
        iterations=3, loop=("r0", "r1", "r2"),
        phases=(PhaseSum("simulate", 0, 6, 3, 3), PhaseSum("train", 0, 6, 3, 3)),
        totals=Totals(
            runs=6, core_seconds=36000.0, core_seconds_of=6, cpu_seconds=3000.0, cpu_of_core_seconds=36000.0, wasted_timeout=18000.0,
            waited=6 * 9000.0, waited_of=6, seconds=3600.0, concurrent=1,
        ),
    ),
    expected="""
        apart-ai failed
        carried-data failed
        mixed-runs failed
        idle-hours failed
        idle-requests failed
        unshared-time failed
        loose-sweeps failed
        many-environments failed
        loose-runs failed
        unheld-loop failed
        lost-hours failed
        long-queue failed
        campaign-crumbs failed
        unheld-runs failed
    """,
)  # fmt: skip
