"""Decoy: a Snakefile names an image by digest, and Snakemake is started without its switch for containers: nothing runs in it."""

from probes.packages import PythonPackages
from tests.calibration.made import case, scripts
from tests.factory import sha, unseen

IMAGE = f"docker://ghcr.io/lab/train@sha256:{sha('image')}"

CASE = case(
    7, "decoy", "container: in the rule, no --software-deployment-method apptainer on the command line",
    scripts({
        "run.sh": "#!/bin/bash\nsnakemake --cores 4\n",
        "Snakefile": f'rule train:\n    output: "model.pt"\n    container: "{IMAGE}"\n    shell: "python train.py"\n',
    }),
    unseen(PythonPackages, "no Python environment"),
    expected="""
        unnamed-environment failed
        unpinned-image not-applicable
        open-doors not-applicable
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
        host-leaks not-applicable
        outside-paths not-applicable
        stray-code not-applicable
        edited-packages not-applicable
        changed-packages not-applicable
        unused-environment not-applicable
        unversioned-modules unknown
        unnamed-surroundings unknown
        unknown-runtime unknown
        environment-not-rebuilt unknown
    """,
)  # fmt: skip
