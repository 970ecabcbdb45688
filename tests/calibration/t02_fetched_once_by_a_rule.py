"""Good: one task of the engine fetches, checks and keeps; another only says in its text how one would."""

from tests.calibration.made import case, engine, scripts, task

CASE = case(
    2, "good", "rule get runs wget once; simulate prints the words wget and curl, and reads what get made",
    scripts({"run.sh": "#!/bin/bash\nsnakemake -c4\n", "Snakefile": "include: 'rules.smk'\n"}),
    engine(
        "snakemake", task("get", 1, (1, 1.1), makes=("data.csv",), command="wget -q https://example.org/data.csv"),
        *(task("simulate", n, (2, 9), reads=("data.csv",), makes=(f"{n}.out",), command="echo 'wget or curl'; ./sim {n}") for n in (1, 2)),
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
        fetching-tasks passed
        staging-heavy not-applicable
        unfetchable-inputs unknown
    """,
)  # fmt: skip
