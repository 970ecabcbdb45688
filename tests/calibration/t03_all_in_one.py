"""Bad: preparing, simulating and training in one allocation that holds two GPUs all the time."""

from probes.schedulers import StepRecord
from tests.calibration.made import GIB, case, engine, later, scripts, task
from tests.factory import accounting, attempt

STEPS = (
    StepRecord("0", "COMPLETED", 0, 0, GIB // 2, 100.0, 200.0, 1, "python preprocess.py"),
    StepRecord("1", "COMPLETED", 0, 0, 20 * GIB, 300.0, 400.0, 1, "python train.py"),
)

CASE = case(
    3, "bad", "three phases in one script, GPUs held by the first two, steps of 0.5 and 20 GiB; every rule of the engine asks for a GPU",
    scripts({
        "all.sh": "#!/bin/bash\n#SBATCH --gres=gpu:2\nsrun python preprocess.py\nsrun python simulate.py\nsrun python train.py\n",
        "train.py": "import torch\nmodel.fit(x)\n",
    }),
    later(accounting("123", attempt(steps=STEPS), asked_gpus=2)),
    engine("snakemake", task("prepare", 1, gpus=1), task("train", 1, (2, 5), gpus=1)),
    expected="""
        mixed-phases failed
        gpu-held-by-cpu-phase failed
        unlike-steps failed
        gpu-for-cpu-task failed
        open-boundary passed
        entangled-phase unknown
    """,
)  # fmt: skip
