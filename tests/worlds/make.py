"""Which jobs do the golden scorecards judge? Four, written with the probes' own types; `ci/golden` turns them into JSON and judges them.

ml_job: a careful training job in a container on a GPU node, whose script was edited while it waited; replayed elsewhere.
poor_job: twelve hand-typed submissions of a script that does everything the tips warn of.
requeued_task: a task of an array, lost with its node, then out of time; much of it was never seen.
engine_run: Snakemake and MLflow in one allocation (in a file of its own).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from auditor.campaign import Campaign, Link, Sibling
from auditor.model import Evidence, Grade, Job, Phase, Status
from auditor.verdict import OutputVerdict, ReplayVerdict, Sameness, Step
from probes.called import CalledFile, CalledFiles
from probes.containers import (
    ApptainerRuntime,
    ContainerIdentities,
    ContainerMarkers,
    ContainerReferences,
    EngineImages,
    ImageIdentity,
    RanImages,
    Reference,
    RegistryImages,
    SifImage,
    SifImages,
    SifSbom,
    SifSignature,
    SifStage,
)
from probes.containers.doors import doors
from probes.data import DataManifest, Skipped
from probes.filesystem import FileSystems, Mount
from probes.folder import FolderState, SourceFile
from probes.formats import FormatFiles
from probes.git import GitState, Untracked
from probes.hardware import Gpu
from probes.kernel import KernelAccounting
from probes.modules import LoadedModules
from probes.packages import PythonPackages
from probes.pointers import DataPointers
from probes.schedulers import StepRecord
from probes.seeds import Determinism, Switch
from probes.software import Component
from probes.software.system_packages import SystemPackages
from probes.software.toolchain import Toolchain
from probes.submission import Directive
from probes.tracking import DataSet, Metric, Model
from probes.tracking.record import Experiments, TrackedSeen
from probes.workflow import SystemsUsed, Use
from probes.workflows import Digest, State
from probes.workflows.record import WorkflowRuns
from tests import factory as f
from tests.factory import NOON, seen, sha, unseen
from tests.worlds.engine_run import engine_run

GIB = 1 << 30
MIB = 1 << 20
NO_ENGINE = "no workflow engine left a record below the work directory"
NO_TRACKER = "no tracker left a record below the work directory"


def at(minutes: int) -> str:
    """Minutes after noon of the test's day, over midnight too."""
    return (datetime.fromisoformat(NOON) + timedelta(minutes=minutes)).isoformat(timespec="seconds")


World = tuple[Job, tuple[Evidence, ...]]

TRAIN_SH = """#!/bin/bash
#SBATCH --job-name=train-surrogate
#SBATCH --partition=gpu
#SBATCH --gres=gpu:a100:1
#SBATCH --cpus-per-task=8
#SBATCH --mem=64G
#SBATCH --time=04:00:00
module load apptainer/1.3.4
export OMP_NUM_THREADS=8
apptainer exec --nv images/torch.sif python train.py --data data/slices.h5 --epochs 40 --seed 42 --out results
"""


def ml_job() -> World:
    job = f.job(
        "48213",
        cluster="lab",
        submission="5f0c1d2e3a4b5968",
        workdir="/scratch/ada/surrogate",
        script=TRAIN_SH,
        script_path="/scratch/ada/surrogate/train.sh",
        argv=("train.sh",),
        user="ada",
        label="paper-fig3",
        inputs=("data/slices.h5",),
        outputs=("results/*",),
    )
    return job, (*_ml_submit(), *_ml_job_side(), *_ml_later(job))


def _options(script: str) -> tuple[Directive, ...]:
    lines = [(n, line) for n, line in enumerate(script.splitlines(), 1) if line.startswith("#SBATCH ")]
    return tuple(Directive(*line.removeprefix("#SBATCH ").partition("=")[::2], n) for n, line in lines)


def _image(content: str, mtime_ns: int) -> ContainerIdentities:
    return ContainerIdentities(
        (
            ImageIdentity(
                "images/torch.sif",
                "ok",
                "larger than the budget: known by size, time and id",
                "",
                3_900_000_000,
                "uuid:7d0e",
                "",
                mtime_ns,
            ),
        )
    )


def _train(content: str) -> CalledFiles:
    files = {"train.py": content, "model.py": "class Net: ..."}
    return CalledFiles(
        tuple(
            CalledFile(f"/scratch/ada/surrogate/{n}", "train.sh" if n == "train.py" else "train.py", 10, sha(t), len(t), "ok")
            for n, t in files.items()
        ),
        (),
    )


def _sif() -> SifImages:
    return SifImages(
        (
            SifImage(
                path="/scratch/ada/surrogate/images/torch.sif",
                size=3_900_000_000,
                file_sha256=sha("torch.sif"),
                uuid="7d0e",
                architecture="amd64",
                created=at(-600),
                partition_sha256=sha("squashfs"),
                fs_type="squashfs",
                definition="Bootstrap: docker\nFrom: docker.io/pytorch/pytorch:2.8.0-cuda12.8-cudnn9-runtime\n",
                definition_sha256=sha("definition"),
                bootstrap="docker",
                base="docker.io/pytorch/pytorch:2.8.0-cuda12.8-cudnn9-runtime",
                base_pinned=False,
                labels={"org.label-schema.build-arch": "amd64"},
                objects=("definition", "labels", "squashfs"),
                signatures=(SifSignature("pgp", "8C3F00D1E2A4B6C85D7E9F0A1B2C3D4E5F607182", True, "sha256", "group 1", True),),
                stages=(
                    SifStage(
                        "",
                        "docker",
                        "docker.io/pytorch/pytorch:2.8.0-cuda12.8-cudnn9-runtime",
                        False,
                        False,
                        ("requirements.txt",),
                    ),
                ),
                sboms=(SifSbom("torch.spdx.json", "spdx-json", sha("torch.spdx.json"), 212_480),),
            ),
        )
    )


def _ml_submit() -> tuple[Evidence, ...]:
    reference = Reference(
        "apptainer", "images/torch.sif", "images/torch.sif", "file", "", "images/torch.sif", "", "", 10, (), ("--nv",)
    )
    submission = f.submission(
        TRAIN_SH,
        "train.sh",
        cwd="/scratch/ada/surrogate",
        script_path="/scratch/ada/surrogate/train.sh",
        directives=_options(TRAIN_SH),
        declared_inputs=("data/slices.h5",),
        declared_outputs=("results/*",),
        label="paper-fig3",
    )
    systems = SystemsUsed(
        uses=(
            Use("torch", "framework", "import", "train.py:4"),
            Use("h5py", "format", "import", "train.py:5"),
            Use("mlflow", "tracker", "import", "train.py:6"),
        ),
        phases={"train": ("train.sh:10 python train.py", "train.py:31 loss.backward()")},
        loops=(),
        parallel=(),
        serial=(),
    )
    seeds = Determinism(
        seeds=(
            Switch("--seed", "42", "argument", "train.sh:10"),
            Switch("torch.manual_seed", "args.seed", "called-file", "train.py:18"),
        ),
        switches=(Switch("OMP_NUM_THREADS", "8", "script", "train.sh:9"),),
        stochastic=("train.py:22 torch.randperm",),
    )
    git = f.git_state(
        "3f9d2c17a8b04e5d6c7f8091a2b3c4d5e6f70819",
        root="/scratch/ada/surrogate",
        remote="https://git.example.org/ada/surrogate.git",
    )
    before = f.manifest(f.file("data/slices.h5", size=48 * GIB), root="/scratch/ada/surrogate", bytes_hashed=48 * GIB)
    host = "login2"
    return (
        seen(submission, host=host),
        seen(_train("lr = 1e-3"), host=host),
        seen(git, host=host, source="git in /scratch/ada/surrogate"),
        seen(seeds, host=host, grade=Grade.DECLARED),
        seen(systems, host=host, grade=Grade.DECLARED),
        seen(ContainerReferences((replace(reference, doors=doors(reference, {})),)), host=host, grade=Grade.DECLARED),
        seen(_image("torch.sif", 1), host=host),
        seen(_sif(), host=host, grade=Grade.VERIFIED),
        seen(ApptainerRuntime("1.3.4", {"images/torch.sif": {"org.label-schema.build-arch": "amd64"}}), host=host),
        unseen(EngineImages, "no image of a Docker or Podman engine is named", host=host),
        unseen(PythonPackages, "Python runs inside the container image images/torch.sif", host=host),
        seen(f.modules("apptainer/1.3.4"), host=host),
        seen(before, host=host),
        unseen(FolderState, "the code lies in a git repository", host=host),
        seen(f.environment(LANG="C.UTF-8"), host=host),
        seen(_system(), host=host),
        seen(_toolchain(), host=host),
    )


def _system() -> SystemPackages:
    names = ("base-files 12.4", "bash 5.2.15-2", "libc6 2.36-9", "libnuma1 2.0.16-1", "libpmix2 4.2.2-1", "openssl 3.0.15-1")
    parts = tuple(Component("deb", *text.split(), detail="amd64") for text in names)
    return SystemPackages("dpkg", "debian 12", at(-9000), sha("list"), sha("status"), len(parts), parts)


def _toolchain() -> Toolchain:
    return Toolchain(
        (
            Component("compiler", "gcc", "12.2.0", "", "/usr/bin/gcc"),
            Component("mpi", "openmpi", "4.1.4", "", "/usr/bin/ompi_info"),
            Component("libc", "glibc", "2.36", "", "/lib/x86_64-linux-gnu/libc.so.6"),
        )
    )


def _ml_job_side() -> tuple[Evidence, ...]:
    start = {"phase": Phase.START, "host": "gpu017", "taken_at": at(38)}
    machine = f.hardware(cpus=64, memory=512 * GIB, gpus=(Gpu(0, "NVIDIA A100-SXM4-80GB", 80 * GIB),), gpu_driver="570.86.15")
    places = FileSystems(
        (
            Mount("/scratch/ada/surrogate", "workdir", "/scratch", "lustre", "parallel"),
            Mount("/tmp", "tmp", "/tmp", "xfs", "local"),
        )
    )
    left = Skipped("data/slices.h5", "input", "budget", 48 * GIB, f.file("x").mtime_ns)
    inputs = f.manifest(root="/scratch/ada/surrogate", skipped=(left,), complete=False)
    kernel = KernelAccounting("job", "/slurm/uid_1000/job_48213", 9 * GIB, 64 * GIB, 0, 47_520.0, 49 * GIB, 2 * GIB)
    return (
        seen(_train("lr = 3e-4"), **start),
        seen(_image("torch.sif", 1), **start),
        seen(f.modules("apptainer/1.3.4"), **start),
        seen(f.environment(LANG="C.UTF-8", OMP_NUM_THREADS="8", CUDA_VISIBLE_DEVICES="0"), **start),
        seen(machine, **start),
        seen(places, **start),
        seen(ContainerMarkers(""), **start),
        unseen(RanImages, "the job's script runs on the host", **start),
        unseen(ContainerReferences, "images are named without variables: as at submission", **start),
        seen(inputs, **start),
        seen(kernel, phase=Phase.END, host="gpu017", taken_at=at(158)),
    )


def _ml_tracked(job: Job) -> Experiments:
    """What MLflow kept of the training; the wrapper had told it the run's id."""
    return Experiments(
        (
            TrackedSeen(
                "mlflow",
                "4f1d2c3b4a5968778695a4b3c2d1e0f1",
                f"{job.workdir}/mlflow.db",
                State.SUCCEEDED,
                "status FINISHED, with an end time",
                experiment="surrogate",
                started=at(39),
                ended=at(157),
                source="train.py",
                commit="3f9d2c17a8b04e5d6c7f8091a2b3c4d5e6f70819",
                parameters={"data": "data/slices.h5", "epochs": "40", "seed": "42"},
                metrics=(Metric("train_loss", 0.021, 40, 0.021, 1.4, 40), Metric("val_loss", 0.034, 40, 0.033, 1.5, 40)),
                datasets=(DataSet("slices", "data/slices.h5", "train", (Digest("sha256", sha("data/slices.h5")),)),),
                models=(Model("surrogate", "made", "model.pt", "pytorch", "surrogate/3", 412 * MIB),),
                seeds={"seed": "42"},
                tags={"audit.run_id": job.run_id},
                relation="task",
            ),
        ),
        1,
    )


def _ml_later(job: Job) -> tuple[Evidence, ...]:
    step = StepRecord("batch", "COMPLETED", 0, 0, 8 * GIB, 47_500.0, 7200.0, 1, "train.sh")
    record = f.accounting(
        "48213",
        f.attempt(started=at(38), ended=at(158), nodes=("gpu017",), steps=(step,)),
        name="train-surrogate",
        partition="gpu",
        workdir=job.workdir,
        asked_cpus=8,
        used_cpus=8,
        asked_memory=64 * GIB,
        used_memory=8 * GIB,
        asked_seconds=14_400,
        asked_gpus=1,
        gpu_type="a100",
        used_cpu_seconds=47_500.0,
        used_seconds=7200.0,
        rungs={"used_memory": "sacct", "used_seconds": "sacct", "asked_memory": "sacct"},
    )
    outputs = (
        f.file("results/model.pt", "output", size=412 * MIB),
        f.file("results/metrics.json", "output", size=2048),
        f.file("results/checkpoints/epoch-30.ckpt", "output", size=1200 * MIB),
    )
    files = f.manifest(f.file("data/slices.h5", size=48 * GIB), *outputs, root=job.workdir, directories=3)
    later = {"phase": Phase.LATER, "host": "login2", "taken_at": at(165)}
    return (
        seen(record, source="sacct", **later),
        seen(files, **later),
        unseen(FormatFiles, "no data file of a format that tells of its layout", **later),
        unseen(RanImages, "an image file leaves no trace of having run", **later),
        unseen(RegistryImages, "no image of a registry is named", **later),
        unseen(DataPointers, "no pointer of DVC, git-annex or git-LFS lies in the work directory", **later),
        unseen(PythonPackages, "Python runs inside the container image images/torch.sif", **later),
        unseen(WorkflowRuns, NO_ENGINE, probe="workflow-runs", **later),
        seen(_ml_tracked(job), probe="experiments", **later),
        seen(_ml_campaign(job), probe="campaign", **later),
        seen(
            _ml_replay(job),
            probe="replay",
            grade=Grade.VERIFIED,
            phase=Phase.LATER,
            host="ws3",
            taken_at="2026-11-25T09:20:00+00:00",
        ),
    )


def _ml_campaign(job: Job) -> Campaign:
    data, model = sha("data/slices.h5"), sha("results/model.pt")
    simulate = Sibling(
        "51a0e6d2b7c34f80", "48190", "simulate", "COMPLETED", "aa00", "simulate.sh", at(-300), at(-290), at(-60), "cpu",
        core_seconds=220_800.0,
    )  # fmt: skip
    predict = Sibling(
        "c2f4a19e07d86b35",
        "48240",
        "predict",
        "COMPLETED",
        "bb00",
        "predict.sh",
        at(160),
        at(162),
        at(171),
        "gpu",
        "afterok:48213",
        core_seconds=4320.0,
    )
    links = (
        Link(simulate.run_id, job.run_id, "data/slices.h5", data),
        Link(job.run_id, predict.run_id, "results/model.pt", model),
    )
    return Campaign(job.run_id, ("data", "label"), (simulate, predict), links, 0, 0, 0, (), ())


def _ml_replay(job: Job) -> ReplayVerdict:
    model = OutputVerdict(
        "results/model.pt",
        Sameness.EQUIVALENT,
        "numbers",
        "largest difference 2.1e-07, tolerance 1e-05",
        sha("results/model.pt"),
        sha("model again"),
    )
    metrics = OutputVerdict(
        "results/metrics.json",
        Sameness.EQUIVALENT,
        "json",
        "largest difference 4e-08, tolerance 1e-05",
        sha("results/metrics.json"),
        sha("metrics again"),
    )
    steps = tuple(Step(name, "done", detail) for name, detail in (
        ("unpack", "1,204 files, every checksum recomputed"),
        ("inputs", "1 of 1 found by digest"), ("environment", "image by digest"), ("run", "exit code 0 in 2.1 h"), ("compare", "2 outputs"),
    ))  # fmt: skip
    return ReplayVerdict(
        sha("bundle"), job.run_id, Sameness.EQUIVALENT, "", (model, metrics), steps, "local", False, "apptainer", "image-by-digest",
        "2026-11-25T07:10:00+00:00", "2026-11-25T09:19:00+00:00", "0.1.0",
    )  # fmt: skip


POOR_SH = """#!/bin/bash
# everything in one go
export PYTHONPATH=$HOME/mylibs
wget -q https://data.example.org/latest/set.zip
unzip -qo set.zip
for i in $(seq 0 9); do
  docker run --rm --privileged tensorflow/tensorflow:latest python simulate.py $i
done
python train.py --lr 0.01
while true; do python check.py || sbatch run7.sh; sleep 60; done
"""


def poor_job() -> World:
    job = f.job(
        "910",
        submission="0badc0de00000001",
        workdir="/home/bob/stuff",
        script=POOR_SH,
        script_path="/home/bob/stuff/run7.sh",
        argv=("--gres=gpu:4", "run7.sh"),
        user="bob",
    )
    return job, (*_poor_submit(), *_poor_rest(job))


def _poor_submit() -> tuple[Evidence, ...]:
    systems = SystemsUsed(
        uses=(Use("wget", "download", "command", "run7.sh:4"), Use("tensorflow", "framework", "import", "train.py:1")),
        phases={"simulate": ("run7.sh:7 python simulate.py",), "train": ("run7.sh:9 python train.py",)},
        loops=("run7.sh:10 while true; do python check.py || sbatch run7.sh; sleep 60; done",),
        parallel=(),
        serial=("run7.sh:6 for i in $(seq 0 9); do",),
    )
    image = Reference(
        "docker",
        "tensorflow/tensorflow:latest",
        "tensorflow/tensorflow:latest",
        "docker",
        "docker.io",
        "tensorflow/tensorflow",
        "latest",
        "",
        7,
        (),
        ("--privileged",),
    )
    git = f.git_state(
        "77aa" * 10, root="/home/bob/stuff", remote="", pushed=None, dirty=True, diff="…", diff_cut=True, changed=("train.py", "run7.sh"),
        untracked=(Untracked("simulate.py", 900, sha("simulate")), Untracked("check.py", 120, sha("check"))),
    )  # fmt: skip
    host = "login1"
    packages = replace(
        f.packages("numpy==1.26.4", "tensorflow==2.15.0"), prefix="/usr", interpreter="/usr/bin/python3", chosen_by="PATH",
        leaks=("PYTHONPATH=/home/bob/mylibs",),
    )  # fmt: skip
    return (
        seen(
            f.submission(
                POOR_SH,
                "--gres=gpu:4",
                "run7.sh",
                cwd="/home/bob/stuff",
                script_path="/home/bob/stuff/run7.sh",
                directives=(Directive("--gres", "gpu:4", 0),),
            ),
            host=host,
        ),
        seen(systems, host=host, grade=Grade.DECLARED),
        seen(Determinism((), (), ("train.py:12 np.random.rand", "simulate.py:3 random.gauss")), host=host, grade=Grade.DECLARED),
        seen(git, host=host),
        seen(f.called({"train.py": "old", "simulate.py": "s"}), host=host),
        seen(ContainerReferences((replace(image, doors=doors(image, {})),)), host=host, grade=Grade.DECLARED),
        seen(
            ContainerIdentities((ImageIdentity(image.text, "ok", "", image_id="sha256:" + sha("monday"), engine="docker"),)),
            host=host,
        ),
        seen(packages, host=host),
        unseen(SifImages, "the script names no image file", host=host),
        unseen(ApptainerRuntime, "neither `apptainer` nor `singularity` is on the path", host=host),
        unseen(DataManifest, "no inputs are declared; outputs are looked for once the run is over", host=host),
        seen(f.modules("cuda"), host=host),
    )


def _poor_rest(job: Job) -> tuple[Evidence, ...]:
    start = {"phase": Phase.START, "host": "gpu001", "taken_at": at(700)}
    later = {"phase": Phase.LATER, "host": "login1", "taken_at": at(2200)}
    image = ImageIdentity("tensorflow/tensorflow:latest", "ok", "", image_id="sha256:" + sha("tuesday"), engine="docker")
    files = tuple(f.file(f"out/sample_{n:05d}.txt", "output", size=812) for n in range(1100))
    record = f.accounting(
        "910",
        f.attempt(state="TIMEOUT", started=at(700), ended=at(2140), exit_code=0, succeeded=False, nodes=("gpu001",), steps=tuple(
            StepRecord(str(n), "COMPLETED", 0, 0, 300 * MIB, 40.0, 8000.0, 1, f"simulate.py {n}") for n in range(4)
        )),
        name="run7.sh", user="bob", workdir=job.workdir, asked_nodes=1, asked_cpus=32, used_cpus=32, asked_memory=256 * GIB, used_memory=3 * GIB,
        asked_seconds=86_400, asked_gpus=4, used_cpu_seconds=90_000.0, used_seconds=86_400.0, dependency="afterany:909",
    )  # fmt: skip
    twins = tuple(
        Sibling(
            sha(f"twin{n}")[:16],
            str(900 + n),
            f"run{n}.sh",
            "COMPLETED",
            sha(f"s{n}")[:16],
            "run#.sh",
            at(n * 60),
            at(n * 60 + 1),
            at(n * 60 + 50),
            "gpu",
        )
        for n in range(11)
    )
    campaign = Campaign(job.run_id, ("dependency",), twins, (), 0, 0, 1, (), tuple(t.run_id for t in twins))
    replay = ReplayVerdict(
        sha("poor"), job.run_id, Sameness.NOT_RUN, "the image tensorflow/tensorflow:latest has no digest", (), (
            Step("unpack", "done", "12 files, every checksum recomputed"), Step("inputs", "failed", "set.zip: no digest, and its URL answers 404"),
        ), "local", True, "none", "", at(3000), at(3001), "0.1.0",
    )  # fmt: skip
    return (
        seen(f.called({"train.py": "new", "simulate.py": "s"}), **start),
        seen(ContainerIdentities((image,)), **start),
        seen(LoadedModules("Lmod", f.modules("cuda").modules, ("/modules",)), **start),
        seen(f.environment(OMP_NUM_THREADS="64", PYTHONPATH="/home/bob/mylibs"), **start),
        seen(f.hardware(), **start),
        seen(FileSystems((Mount("/home/bob/stuff", "workdir", "/home", "nfs4", "network"),)), **start),
        seen(ContainerMarkers(""), **start),
        unseen(RanImages, "the job's script runs on the host", **start),
        unseen(ContainerReferences, "images are named without variables: as at submission", **start),
        unseen(DataManifest, "no inputs are declared; outputs are looked for once the run is over", **start),
        seen(
            KernelAccounting("process", "", None, None, None, 12.0, 800 * GIB, 90 * GIB),
            phase=Phase.END,
            host="gpu001",
            taken_at=at(2139),
        ),
        unseen(WorkflowRuns, NO_ENGINE, probe="workflow-runs", **later),
        unseen(Experiments, NO_TRACKER, probe="experiments", **later),
        seen(record, source="sacct", **later),
        unseen(RanImages, "no socket of a local docker engine", **later),
        unseen(RegistryImages, "NotAsked: ask_registries is off", status=Status.FAILED, **later),
        seen(f.manifest(*files, root=job.workdir, directories=2), **later),
        seen(campaign, probe="campaign", **later),
        seen(replay, probe="replay", grade=Grade.VERIFIED, **later),
    )


SWEEP_SH = """#!/bin/bash
#SBATCH --array=0-199
#SBATCH --time=02:00:00
#SBATCH --mem=4G
#SBATCH --ntasks=1
#SBATCH --requeue
./solve --case $SLURM_ARRAY_TASK_ID
"""


def requeued_task() -> World:
    job = f.job(
        "7002_17",
        submission="77e0000000000017",
        workdir="/project/flow",
        script=SWEEP_SH,
        script_path="/project/flow/sweep.sh",
        argv=("sweep.sh",),
        user="eve",
        attempt=1,
    )
    record = f.accounting(
        "7002_17",
        f.attempt(0, "NODE_FAIL", started=at(2), ended=at(30), succeeded=False, exit_code=None, reason="node cpu044 stopped answering"),
        f.attempt(1, "TIMEOUT", submitted=at(31), eligible=at(33), started=at(40), ended=at(160), succeeded=False, exit_code=0),
        name="sweep", user="eve", workdir=job.workdir, asked_memory=4 * GIB, used_memory=None, asked_seconds=7200, used_seconds=7200.0, used_cpu_seconds=None,
        gaps=("MaxRSS: the step was killed before its last sample", "TotalCPU: empty in sacct"),
    )  # fmt: skip
    tasks = tuple(
        Sibling(
            sha(f"task{n}")[:16],
            f"7002_{n}",
            "sweep",
            "COMPLETED",
            "77e0000000000017",
            "sweep.sh",
            at(0),
            at(2 + n),
            at(72 + n),
            "cpu",
        )
        for n in range(16)
    )
    campaign = Campaign(job.run_id, ("array",), tasks, (), 200, 0, 0, (), ())
    program = CalledFiles((CalledFile("/project/flow/solve", "sweep.sh", 7, sha("solve"), 120_000, "ok"),), ())
    first = {"phase": Phase.START, "host": "cpu044", "taken_at": at(2)}
    later = {"phase": Phase.LATER, "host": "login1", "taken_at": at(200)}
    return job, (
        seen(f.submission(SWEEP_SH, "sweep.sh", cwd="/project/flow", script_path="/project/flow/sweep.sh", directives=_options(SWEEP_SH)), host="login1"),
        seen(program, host="login1"),
        unseen(GitState, "neither the job's code nor its work directory lies in a git repository", host="login1"),
        seen(FolderState("/project/flow", (SourceFile("sweep.sh", len(SWEEP_SH), sha(SWEEP_SH)),), sha("tree"), ()), host="login1"),
        unseen(ContainerReferences, "neither the script nor what it calls names an image", host="login1"),
        unseen(ContainerIdentities, "no image is named", host="login1"),
        unseen(PythonPackages, "nothing in the script or its environment speaks of Python", host="login1"),
        seen(program, **first),
        seen(f.environment(LANG="C"), **first),
        unseen(CalledFiles, "TimeoutError: the file system did not answer", status=Status.FAILED, **{**first, "host": "cpu051", "taken_at": at(40)}, attempt=1),
        seen(record, source="sacct", **later),
        unseen(DataManifest, "PermissionError: /project/flow/out", status=Status.FAILED, **later),
        seen(campaign, probe="campaign", **later),
    )  # fmt: skip


WORLDS: dict[str, Callable[[], World]] = {
    "ml_job": ml_job,
    "poor_job": poor_job,
    "requeued_task": requeued_task,
    "engine_run": engine_run,
}
