"""Borderline: a simulation holds a GPU, and nothing says whether it uses it."""

from tests.calibration.made import case, later, scripts
from tests.factory import accounting

CASE = case(
    3, "borderline", "simulate.py under one GPU; its code is not to be had",
    scripts({"sim.sh": "#!/bin/bash\n#SBATCH --gres=gpu:1\npython simulate.py\n"}),
    later(accounting(asked_gpus=1)),
    expected="""
        mixed-phases passed
        gpu-held-by-cpu-phase unknown
        unlike-steps not-applicable
        gpu-for-cpu-task not-applicable
        open-boundary passed
        entangled-phase unknown
    """,
)  # fmt: skip
