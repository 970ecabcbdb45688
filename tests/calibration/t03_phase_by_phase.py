"""Good: one phase in the job; in the engine's record GPUs are asked for by training alone."""

from tests.calibration.made import GIB, case, engine, task

CASE = case(
    3, "good", "simulate asks for cores, train for a GPU",
    engine("snakemake", task("simulate", 1, cpus=4, memory=GIB), task("train", 1, (2, 5), cpus=2, gpus=1, memory=8 * GIB)),
    expected="""
        mixed-phases passed
        gpu-held-by-cpu-phase not-applicable
        unlike-steps not-applicable
        gpu-for-cpu-task passed
        open-boundary passed
        entangled-phase unknown
    """,
)  # fmt: skip
