"""Borderline: nobody declared an input, and the engine's record names the two files that its tasks read and none made."""

from auditor.model import Phase
from probes.data import DataManifest
from tests.calibration.made import case, engine, files, scripts, task
from tests.factory import unseen

NONE = "no inputs are declared; outputs are looked for once the run is over"

CASE = case(
    2, "borderline", "snakemake -c2 without --auditor-input; train reads data/a.csv and data/b.csv, predict what train made",
    scripts({"run.sh": "#!/bin/bash\nsnakemake -c2\n", "Snakefile": "include: 'rules.smk'\n"}, inputs=()),
    unseen(DataManifest, NONE, phase=Phase.SUBMIT),
    unseen(DataManifest, NONE, phase=Phase.START),
    files("model.pt", "pred.csv", inputs=("data/a.csv", "data/b.csv")),
    engine(
        "snakemake", task("train", reads=("data/a.csv", "data/b.csv"), makes=("model.pt",), command="python train.py"),
        task("predict", reads=("model.pt",), makes=("pred.csv",), command="python predict.py"),
    ),
    expected="""
        undeclared-inputs weak
        download-in-job passed
        fetched-again not-applicable
        far-inputs passed
        unhashed-inputs weak
        dangling-pointers not-applicable
        unstaged-inputs passed
        data-dragging passed
        fetching-tasks passed
        staging-heavy not-applicable
        unfetchable-inputs unknown
    """,
)  # fmt: skip
