"""Borderline: a script that only starts Snakemake; simulate and train are tasks of their own, all in one allocation."""

from tests.calibration.made import case, engine, scripts, task

CASE = case(
    3, "borderline", "snakemake --cores 4 in the job, two phases among its tasks, no job numbers of their own",
    scripts({"run.sh": "#!/bin/bash\nsnakemake --cores 4\n", "Snakefile": "include: 'rules.smk'\n"}),
    engine("snakemake", task("simulate", cpus=1), task("train", 1, (2, 5), cpus=1)),
    expected="""
        mixed-phases weak
        gpu-held-by-cpu-phase not-applicable
        unlike-steps not-applicable
        gpu-for-cpu-task not-applicable
        open-boundary passed
        entangled-phase unknown
    """,
)  # fmt: skip
