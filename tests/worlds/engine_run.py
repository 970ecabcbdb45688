"""What does a job look like that only starts an engine? Snakemake with simulations, a training and predictions, and MLflow beside it.

Good: steps tied by files, a loop with a count, metrics and a model in the tracker. Not so good: eight simulations two by two, cores asked for and
not used, a download in each prediction, one try lost, all phases in one allocation, and a commit that the tree was not.
"""

from __future__ import annotations

from dataclasses import replace

from auditor.model import Evidence, Job, Phase
from probes.data import DataManifest
from probes.hardware import Gpu
from probes.packages import PythonPackages
from probes.pointers import DataPointers
from probes.tracking import DataSet, Metric, Model, TrackedRun
from probes.workflows import Construct, Definition, Digest, Environment, Place, State, Task
from tests import factory
from tests.calibration.made import GIB, HOME, campaign, disks, engine, kernel, later, scripts, start, submit, task, tracked
from tests.factory import accounting, at, file, git_state, hardware, manifest, sha, unseen

RUN_SH = """#!/bin/bash
#SBATCH --time=02:00:00 --mem=32G --cpus-per-task=16 --gres=gpu:1
snakemake --cores 16
"""
SNAKEFILE = "configfile: 'config.yaml'\ninclude: 'rules.smk'\n"
RULES = "rule train:\n    output: 'model.pt'\n    conda: 'envs/md.yaml'\n    shell: 'python train.py --lr 0.001 --seed 7'\n"
PREDICT = "wget -nv https://example.org/reference.csv && python predict.py --model model.pt {}"
RUN = "1f0c2d7e5b5a4c58a3d2c1b09e7f6a55"


def tasks() -> list[Task]:
    """Noon and on: one download, eight simulations in four waves, training, four predictions, and a simulation designed by them."""
    first = task("get", 1, (1, 2), makes=("data/start.pdb",), command="wget -nv https://example.org/start.pdb -O data/start.pdb")
    runs = [
        task(
            "simulate", n, (2 + 10 * (n // 2), 12 + 10 * (n // 2)), reads=("data/start.pdb",), makes=(f"traj/{n}.xtc",), cpus=8,
            cpu_seconds=960.0, memory=4 * GIB, peak=3 * GIB, command=f"gmx mdrun -ntomp 8 -deffnm {n}",
        )
        for n in range(8)
    ]  # fmt: skip
    train = task(
        "train", 1, (42, 62), reads=tuple(f"traj/{n}.xtc" for n in range(8)), makes=("model.pt",), cpus=8, gpus=1, cpu_seconds=7200.0,
        memory=16 * GIB, peak=12 * GIB, command="python train.py --lr 0.001 --seed 7",
    )  # fmt: skip
    made = [
        task(
            "predict", n, (62 + n, 63 + n), reads=("model.pt",), makes=(f"pred/{n}.csv",), cpus=1, cpu_seconds=50.0,
            tries=2 if n == 3 else 1, reason="URLError: timed out" if n == 3 else "", command=PREDICT.format(n),
        )
        for n in range(4)
    ]  # fmt: skip
    return [first, *runs, train, *made]


def engine_run() -> tuple[Job, tuple[Evidence, ...]]:
    files = {"run.sh": RUN_SH, "Snakefile": SNAKEFILE, "rules.smk": RULES}
    job = factory.job("812", script=RUN_SH, script_path=f"{HOME}/run.sh", argv=("run.sh",), workdir=HOME)
    nothing = "no inputs are declared; outputs are looked for once the run is over"
    outputs = [file(f"traj/{n}.xtc", "output", size=GIB) for n in range(8)] + [file("model.pt", "output", size=40 << 20)]
    outputs += [file(f"pred/{n}.csv", "output", size=20_000) for n in range(4)]
    dirty = replace(git_state(pushed=True), dirty=True, changed=("rules.smk",))
    run = TrackedRun(
        "mlflow", RUN, f"{HOME}/mlflow.db", State.SUCCEEDED, "status FINISHED", version="3.14", name="graceful-newt", experiment="design",
        started=at(43), ended=at(61), source="train.py", commit="a" * 40, parameters={"lr": "0.001", "seed": "7"},
        metrics=(Metric("train_loss", 0.11, 40), Metric("val_loss", 0.19, 40)),
        datasets=(DataSet("trajectories", f"{HOME}/traj", "train", (Digest("md5", "9e107d9d"),)),),
        models=(Model("net", "made", "model.pt", "pytorch", "net v3", 40 << 20),),
    )  # fmt: skip
    record = engine(
        "snakemake", *tasks(), version="9.27.1", id="812e0a", ended=at(67), workers=16, command="snakemake --cores 16",
        definitions=(Definition("Snakefile", "workflow", (Digest("sha256", sha(SNAKEFILE), "content"),)),),
        constructs=(Construct("loop", "checkpoint predict"), Construct("retries", "retries: 2")),
        environments=(
            Environment("conda", "envs/md.yaml", Place("rules.smk", "line 12"), None, Place(".snakemake/log/812.log", "line 31")),
        ),
    )  # fmt: skip
    return job, (
        *scripts(files, inputs=(), outputs=()),
        submit(dirty),
        unseen(DataManifest, nothing, phase=Phase.SUBMIT),
        unseen(DataManifest, nothing, phase=Phase.START),
        unseen(PythonPackages, "nothing in the script or its environment speaks of Python"),
        unseen(DataPointers, "no pointer file", phase=Phase.SUBMIT),
        unseen(DataPointers, "no pointer file", phase=Phase.LATER),
        submit(factory.called({"Snakefile": SNAKEFILE})),
        start(factory.called({"Snakefile": SNAKEFILE})),
        start(factory.environment(OMP_NUM_THREADS="8")),
        start(hardware(gpus=(Gpu(0, "NVIDIA A100-SXM4-40GB", 40 * GIB),))),
        disks(),
        kernel(cpu=15_100.0, read=9 * GIB, written=9 * GIB, peak=12 * GIB),
        later(manifest(file("data/start.pdb"), *outputs)),
        later(
            accounting(
                "812", asked_cpus=16, used_cpus=16, asked_gpus=1, asked_memory=32 * GIB, used_memory=12 * GIB, asked_seconds=7200,
                used_seconds=4020.0, used_cpu_seconds=15_100.0,
            )
        ),
        campaign(),
        record,
        tracked(run),
    )  # fmt: skip
