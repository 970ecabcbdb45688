"""Good: a script that only starts an engine, whose record holds the training, what it reads, and what reads it."""

from tests.calibration.made import case, engine, files, scripts, task

CASE = case(
    1, "good", "nothing in run.sh but snakemake; train reads traj, predict reads model.pt, scores go to a file",
    scripts({"run.sh": "#!/bin/bash\nsnakemake --cores 4\n", "Snakefile": "include: 'rules.smk'\n"}),
    engine(
        "snakemake", task("simulate", makes=("traj",)), task("train", reads=("traj",), makes=("model.pt",)),
        task("predict", reads=("model.pt",), makes=("pred.csv",)),
    ),
    files("model.pt", "pred.csv", "benchmarks/train.tsv", "validation.json"),
    expected="""
        hidden-ai passed
        isolated-run passed
        unlinked-ai passed
        unpinned-model not-applicable
        unvalidated-model passed
        lost-results passed
        unproved-results unknown
    """,
)  # fmt: skip
