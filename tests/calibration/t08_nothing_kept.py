"""Bad: no version control, random numbers without a seed, nothing but a log, and another commit in the tracker than none."""

from probes.folder import FolderState
from probes.git import GitState
from tests.calibration.made import case, files, scripts
from tests.factory import unseen

CASE = case(
    8, "bad", "no git, no seed, no metrics, no model",
    scripts({"train.sh": "#!/bin/bash\npython train.py\n", "train.py": "import torch, random\nx = random.random()\nmodel.fit(x)\n"}),
    unseen(GitState, "no git repository at /home/ada/train"),
    unseen(FolderState, "no source file"),
    files("slurm.log", inputs=()),
    expected="""
        unknown-command passed
        unversioned-code failed
        unset-seed failed
        dirty-tree failed
        unpushed-commit failed
        changed-while-queued passed
        lost-metrics failed
        untracked-run not-applicable
        wrong-commit not-applicable
        unidentified-data weak
        loose-model failed
        unrepeated-result unknown
    """,
)  # fmt: skip
