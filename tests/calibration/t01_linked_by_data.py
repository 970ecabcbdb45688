"""Good: simulate, train and predict in one Snakemake run, each reading what the one before made; a model with a validation score."""

from tests.calibration.made import campaign, case, engine, files, link, run, scripts, task

CASE = case(
    1, "good", "train reads what simulate made; predict reads the model; the next run reads the prediction",
    scripts({"train.sh": "#!/bin/bash\n#SBATCH --time=00:30:00\npython train.py\n", "train.py": "import torch\nmodel.fit(x)\n"}),
    engine(
        "snakemake",
        task("simulate", 1, (1, 3), makes=("traj.csv",)),
        task("train", 1, (3, 6), reads=("traj.csv",), makes=("model.pt",)),
        task("predict", 1, (6, 7), reads=("model.pt",), makes=("pred.csv",)),
        task("simulate", 2, (7, 9), reads=("pred.csv",), makes=("traj2.csv",)),
    ),
    campaign(run("b", 20, 30), links=(link("me", "b"),)),
    files("results/model.pt", "results/validation_metrics.json"),
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
