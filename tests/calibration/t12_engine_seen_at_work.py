"""Good: Snakemake, seen to run inside the job to its end, its Snakefile in the commit, with retries."""

from probes.workflows import Construct, Definition, Digest
from tests.calibration.made import campaign, case, engine, run, scripts, task
from tests.factory import sha

RULES = 'rule simulate:\n    output: "traj.csv"\n    shell: "python simulate.py"\n'

CASE = case(
    12, "good", "snakemake --cores 4 --retries 2, its record says that all jobs finished",
    scripts({"run.sh": "#!/bin/bash\n#SBATCH --time=01:00:00\nsnakemake --cores 4 --retries 2\n", "Snakefile": RULES}),
    engine(
        "snakemake", task("simulate"), task("train", needs=("simulate-1",)),
        definitions=(Definition("Snakefile", "workflow", (Digest("sha256", sha(RULES)),)),),
        constructs=(Construct("retries", "--retries 2"),),
    ),
    campaign(run("b", 20, 30)),
    expected="""
        no-engine passed
        shell-dag passed
        unversioned-definition passed
        handmade-chain not-applicable
        unseen-engine passed
        unfinished-workflow passed
        unresumable-workflow passed
        unkept-definition passed
        never-rerun unknown
    """,
)  # fmt: skip
