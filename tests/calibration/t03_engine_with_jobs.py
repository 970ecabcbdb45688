"""Good: the same Snakemake with the Slurm executor: each task is a job with a request of its own."""

from tests.calibration.made import case, engine, scripts, task

CASE = case(
    3, "good", "snakemake --executor slurm: job numbers 801 and 802",
    scripts({"run.sh": "#!/bin/bash\nsnakemake --executor slurm --jobs 2\n", "Snakefile": "include: 'rules.smk'\n"}),
    engine("snakemake", task("simulate", cpus=4, native="801"), task("train", 1, (2, 5), cpus=2, gpus=1, native="802")),
    expected="""
        mixed-phases passed
        gpu-held-by-cpu-phase not-applicable
        unlike-steps not-applicable
        gpu-for-cpu-task passed
        open-boundary passed
        entangled-phase unknown
    """,
)  # fmt: skip
