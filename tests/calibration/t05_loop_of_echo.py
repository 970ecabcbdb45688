"""Decoy: a loop that only prints; and a chain, in which nothing can overlap because each task reads the last one's output."""

from tests.calibration.made import case, engine, scripts, task

CASE = case(
    5, "decoy", "for i in 1 2 3; do echo; and a graph of width 1",
    scripts({"run.sh": "#!/bin/bash\nfor i in 1 2 3; do\n  echo round $i\n  mkdir -p out/$i\ndone\npython simulate.py\n"}),
    engine("snakemake", *(task("simulate", n, (n, n + 1), reads=(f"s{n - 1}",), makes=(f"s{n}",)) for n in range(1, 6)), workers=8),
    expected="""
        serial-loop passed
        queued-singly not-applicable
        steps-in-a-row not-applicable
        unreached-width not-applicable
        dependent-run unknown
    """,
)  # fmt: skip
