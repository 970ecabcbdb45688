"""Good: four GPUs under torchrun, one tracked run for all ranks, 3.6 times as fast as the run on one."""

from probes.tracking import Metric, TrackedRun
from probes.workflows import State
from tests.calibration.made import HOME, SCRIPT, campaign, case, later, run, scripts, tracked
from tests.factory import accounting, at

ONE = TrackedRun(
    "mlflow", "r", f"{HOME}/mlruns", State.SUCCEEDED, "FINISHED", experiment="net", started=at(1), parameters={"lr": "0.1"},
    metrics=(Metric("val_loss", 0.1, 9),),
)  # fmt: skip

CASE = case(
    6, "good", "torchrun with 4 ranks on 4 cores in 10 minutes; the look-alike on one core took 36",
    scripts({"train.sh": "#!/bin/bash\n#SBATCH --gres=gpu:4\ntorchrun --nproc-per-node=4 train.py\n", "train.py": SCRIPT["train.py"]}),
    later(accounting(asked_gpus=4, asked_cpus=4, used_cpus=4, used_cpu_seconds=2300.0)),
    campaign(run("a", -60, -24, core_hours=0.6), lookalikes=("a",)),
    tracked(ONE),
    expected="""
        idle-devices passed
        lookalike-submissions passed
        unbounded-array not-applicable
        tiny-tasks not-applicable
        rank-duplicates passed
        unscaled-training passed
        needless-barrier not-applicable
        tied-task unknown
    """,
)  # fmt: skip
