"""Bad: a rule of twenty tasks begins each with the same download; no script of the job shows it."""

from tests.calibration.made import case, engine, scripts, task

FETCH = "wget -q https://example.org/weights.pt && python predict.py weights.pt {}.csv"

CASE = case(
    2, "bad", "snakemake; each of 20 predict tasks fetches the weights anew",
    scripts({"run.sh": "#!/bin/bash\nsnakemake -c4\n", "Snakefile": "include: 'rules.smk'\n"}),
    engine(
        "snakemake",
        *(task("predict", n, (n, n + 1), reads=(f"{n}.csv",), makes=(f"{n}.out",), command=FETCH.format(n)) for n in range(20)),
    ),
    expected="""
        undeclared-inputs passed
        download-in-job passed
        fetched-again not-applicable
        far-inputs passed
        unhashed-inputs passed
        dangling-pointers not-applicable
        unstaged-inputs passed
        data-dragging passed
        fetching-tasks failed
        staging-heavy not-applicable
        unfetchable-inputs unknown
    """,
)  # fmt: skip
