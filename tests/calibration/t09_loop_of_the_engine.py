"""Good: three rounds of simulate, train, predict in one engine run; the loop shows in its graph."""

from tests.calibration.made import case, engine, scripts, task

ROUNDS = tuple(
    t
    for n in range(1, 4)
    for t in (
        task("simulate", n, (3 * n, 3 * n + 1), reads=(f"pred{n - 1}",), makes=(f"traj{n}",)),
        task("train", n, (3 * n + 1, 3 * n + 2), reads=(f"traj{n}",), makes=(f"model{n}",)),
        task("predict", n, (3 * n + 2, 3 * n + 3), reads=(f"model{n}",), makes=(f"pred{n}",)),
    )
)

CASE = case(
    9, "good", "pred1 feeds simulate 2, pred2 feeds simulate 3: a loop of three names, three rounds",
    scripts({"run.sh": "#!/bin/bash\nsnakemake --cores 4\n", "Snakefile": "rule simulate:\n    output: 'x'\n"}),
    engine("snakemake", *ROUNDS),
    expected="""
        self-submission passed
        endless-loop not-applicable
        uncounted-iterations passed
        built-on-failure passed
        handmade-rounds not-applicable
        unrepeated-iteration unknown
    """,
)  # fmt: skip
