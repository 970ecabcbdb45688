"""Good: run in an image named by its digest, shut off from the home folder."""

from tests.calibration.made import case, scripts
from tests.factory import sha

IMAGE = f"docker://ghcr.io/lab/train@sha256:{sha('image')}"

CASE = case(
    7, "good", "apptainer exec --containall with an image by digest",
    scripts({"run.sh": f"#!/bin/bash\napptainer exec --containall --no-home {IMAGE} python train.py\n"}),
    expected="""
        unnamed-environment passed
        unpinned-image passed
        open-doors passed
        unidentified-environment unknown
        moved-image unknown
        drifted-tag not-applicable
        unobtainable-environment unknown
        missing-recipe unknown
        loose-recipe unknown
        unknown-base unknown
        foreign-revision unknown
        wrong-architecture unknown
        bad-signature unknown
        host-leaks unknown
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
