"""Bad: the newest of a tag, with doors open for writing."""

from tests.calibration.made import case, scripts

CASE = case(
    7, "bad", "apptainer exec --writable docker://lab/train:latest",
    scripts({"run.sh": "#!/bin/bash\napptainer exec --writable docker://lab/train:latest python train.py\n"}),
    expected="""
        unnamed-environment passed
        unpinned-image failed
        open-doors failed
        unidentified-environment unknown
        moved-image unknown
        drifted-tag unknown
        unobtainable-environment weak
        missing-recipe unknown
        loose-recipe unknown
        unknown-base unknown
        foreign-revision unknown
        wrong-architecture unknown
        bad-signature unknown
        host-leaks weak
        outside-paths unknown
        stray-code unknown
        edited-packages unknown
        changed-packages unknown
        unused-environment not-applicable
        unversioned-modules unknown
        unnamed-surroundings unknown
        unknown-runtime unknown
        environment-not-rebuilt unknown
    """,
)  # fmt: skip
