"""Bad: the newest of a tag, with doors open for writing."""

from tests.calibration.made import case, scripts

CASE = case(
    7, "bad", "apptainer exec --writable docker://lab/train:latest",
    scripts({"run.sh": "#!/bin/bash\napptainer exec --writable docker://lab/train:latest python train.py\n"}),
    expected="""
        unnamed-environment passed
        unpinned-image failed
        open-doors failed
    """,
)  # fmt: skip
