"""Decoy: a simulation that holds a GPU and uses it (GROMACS with -nb gpu): not a CPU phase, whatever its name."""

from tests.calibration.made import case, engine, later, scripts, task
from tests.factory import accounting

CASE = case(
    3, "decoy", "gmx mdrun -nb gpu on one GPU, alone and as a task of an engine",
    scripts({"md.sh": "#!/bin/bash\n#SBATCH --gres=gpu:1\ngmx mdrun -nb gpu -deffnm md\n"}),
    later(accounting(asked_gpus=1)),
    engine("snakemake", task("simulate", 1, gpus=1, command="gmx mdrun -nb gpu -deffnm md")),
    expected="""
        mixed-phases passed
        gpu-held-by-cpu-phase passed
        unlike-steps not-applicable
        gpu-for-cpu-task passed
        open-boundary passed
        entangled-phase unknown
    """,
)  # fmt: skip
