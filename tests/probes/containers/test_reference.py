"""Which images does a script name? One literal line a row: what a job says, and what we read from it."""

from __future__ import annotations

import pytest

from auditor.model import Job
from probes.containers.scripts import named, references
from tests.fakes import EmptyWorld

D = "sha256:" + "ab" * 32


def read(
    text: str, environ: dict[str, str] | None = None, arguments: tuple[str, ...] = ()
) -> list[tuple[str, str, str, str, str]]:
    """runtime, transport, name with registry, tag or digest, options kept."""
    return [
        (
            r.runtime,
            r.transport,
            f"{r.registry}/{r.name}".lstrip("/") if r.registry else r.name,
            r.tag or r.digest,
            " ".join(r.options),
        )
        for r in references(text, environ or {}, arguments)
    ]


LINES = [
    ("apptainer exec train.sif python train.py", ("apptainer", "file", "train.sif", "", "")),
    ("singularity run /images/tf.simg", ("apptainer", "file", "/images/tf.simg", "", "")),
    ("/opt/apptainer/bin/apptainer shell box/", ("apptainer", "directory", "box/", "", "")),
    ("apptainer -q exec --nv x.sif python a.py", ("apptainer", "file", "x.sif", "", "--nv")),
    ("apptainer exec -B /data:/in,/scratch --cleanenv x.sif cat", ("apptainer", "file", "x.sif", "", "-B /data:/in,/scratch --cleanenv")),
    ("apptainer exec -eC --bind=/d x.sif a", ("apptainer", "file", "x.sif", "", "-e -C --bind=/d")),
    ("apptainer exec docker://python:3.11-slim python -V", ("apptainer", "docker", "python", "3.11-slim", "")),
    (f"apptainer exec docker://ghcr.io/lab/app@{D} a", ("apptainer", "docker", "ghcr.io/lab/app", D, "")),
    ("apptainer run oras://reg.lab:5000/x/app:1", ("apptainer", "oras", "reg.lab:5000/x/app", "1", "")),
    ("apptainer exec library://lolcow a", ("apptainer", "library", "lolcow", "", "")),
    (f"apptainer exec library://a/b/c:sha256.{'ab' * 32} a", ("apptainer", "library", "a/b/c", D, "")),
    ("singularity exec shub://v/hello a", ("apptainer", "shub", "v/hello", "", "")),
    ("apptainer exec instance://web ls", ("apptainer", "instance", "web", "", "")),
    ("apptainer instance start --bind /d x.sif web", ("apptainer", "file", "x.sif", "", "--bind=/d")),
    ("apptainer pull --force out.sif docker://r.io/a/b:2", ("apptainer", "docker", "r.io/a/b", "2", "")),
    ("apptainer exec docker-archive:app.tar a", ("apptainer", "docker-archive", "app.tar", "", "")),
    ("apptainer exec oci:layout:v1 a", ("apptainer", "oci", "layout", "v1", "")),
    ("./model.sif --epochs 3", ("apptainer", "file", "./model.sif", "", "")),
    ("srun -n 4 --mpi=pmi2 apptainer exec x.sif ./a.out", ("apptainer", "file", "x.sif", "", "")),
    ("mpirun -np 2 singularity exec x.sif ./a", ("apptainer", "file", "x.sif", "", "")),
    ("OMP_NUM_THREADS=4 time apptainer exec x.sif a", ("apptainer", "file", "x.sif", "", "")),
    ("docker run --rm -it ubuntu:22.04 bash", ("docker", "docker", "ubuntu", "22.04", "")),
    ("docker run -v $PWD:/w -w /w --gpus all nvcr.io/nvidia/pytorch:24.01-py3 python a.py",
     ("docker", "docker", "nvcr.io/nvidia/pytorch", "24.01-py3", "-v /:/w -w /w --gpus=all")),
    (f"docker run python:3.12@{D}", ("docker", "docker", "python", "3.12", "")),
    ("docker run -e WANDB_API_KEY=abc -e OMP_NUM_THREADS=2 lab/x", ("docker", "docker", "lab/x", "", "-e WANDB_API_KEY -e OMP_NUM_THREADS=2")),
    ("docker container run --name n -itd localhost:5000/app", ("docker", "docker", "localhost:5000/app", "", "")),
    ("docker exec -it trainer python a.py", ("docker", "instance", "trainer", "", "")),
    ("docker pull alpine", ("docker", "docker", "alpine", "", "")),
    ("sudo podman run --userns=keep-id docker.io/library/r-base:4.3", ("podman", "docker", "docker.io/library/r-base", "4.3", "--userns=keep-id")),
    ("podman-hpc run --gpu reg.io/x:1 a", ("podman", "docker", "reg.io/x", "1", "--gpu")),
    ("ch-run -b /data:/mnt --set-env=E.env -w /var/tmp/img -- python3 a", ("charliecloud", "file", "/var/tmp/img", "", "-b /data:/mnt --set-env=E.env -w")),
    ("ch-run img.sqfs -- a", ("charliecloud", "file", "img.sqfs", "", "")),
    ("enroot import -o a.sqsh docker://user@nvcr.io#nvidia/cuda:12.1", ("enroot", "docker", "nvcr.io/nvidia/cuda", "12.1", "")),
    ("enroot start --rw --mount /d:/d cuda python a", ("enroot", "instance", "cuda", "", "--rw --mount=/d:/d")),
    ("srun --container-image=nvcr.io#nvidia/pytorch:23.10-py3 --container-mounts=/d:/d python a",
     ("pyxis", "docker", "nvcr.io/nvidia/pytorch", "23.10-py3", "--container-mounts=/d:/d")),
    ("srun --container-image /images/x.sqsh python a", ("pyxis", "file", "/images/x.sqsh", "", "")),
    ("#SBATCH --container-image=ubuntu:24.04 # why", ("pyxis", "docker", "ubuntu", "24.04", "")),
    ("#SBATCH --image=docker:lab/app:1.0", ("shifter", "docker", "lab/app", "1.0", "")),
    ("#SBATCH --container=/scratch/bundle", ("slurm-oci", "oci", "/scratch/bundle", "", "")),
    ("shifter --image=docker:python:3.9 --volume=/a:/b python a", ("shifter", "docker", "python", "3.9", "--volume=/a:/b")),
    ("srun shifter --image=id:" + "ab" * 32 + " a", ("shifter", "docker", "ab" * 32, D, "")),
    ("sarus run --mpi --mount=type=bind,source=/a,destination=/b lab/app:2 a",
     ("sarus", "docker", "lab/app", "2", "--mpi --mount=type=bind,source=/a,destination=/b")),
    ("if ! apptainer exec x.sif true; then exit 1; fi", ("apptainer", "file", "x.sif", "", "")),
    ("V=$(apptainer exec x.sif cat /version)", ("apptainer", "file", "x.sif", "", "")),
    ('srun bash -c "cd /w && apptainer exec --nv x.sif python a.py"', ("apptainer", "file", "/w/x.sif", "", "--nv")),
    ("run() { apptainer exec x.sif \"$@\"; }", ("apptainer", "file", "x.sif", "", "")),
    ("apptainer exec \\\n  --nv \\\n  x.sif python a.py", ("apptainer", "file", "x.sif", "", "--nv")),
    ("apptainer exec $APPTAINER_OPTS x.sif a", ("apptainer", "file", "x.sif", "", "$APPTAINER_OPTS")),
    ("apptainer exec x.sif a > log 2>&1 &", ("apptainer", "file", "x.sif", "", "")),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), LINES, ids=[line.split("\n")[0][:60] for line, _ in LINES])
def test_a_line_of_a_job_names_its_image(line: str, expected: tuple[str, str, str, str, str]) -> None:
    assert [expected] == read(f"#!/bin/bash\n{line}\n")


@pytest.mark.parametrize(
    "line",
    [
        "# apptainer exec old.sif a",
        "echo apptainer exec x.sif",
        "module load apptainer",
        "command -v docker",
        "docker ps -a",
        "docker build -t x .",
        "apptainer build x.sif recipe.def",
        "apptainer --version",
        "cat <<EOF > run.sh\napptainer exec x.sif a\nEOF",
        "echo 'docker run ubuntu'",
        "python image.sif.py",
        "##SBATCH --container-image=old",
    ],
)
def test_a_line_that_starts_no_container_names_none(line: str) -> None:
    assert read(f"#!/bin/bash\n{line}\n") == []


SCRIPT = """#!/bin/bash
#SBATCH --job-name=x
export SIF=$HOME/images/train.sif
TAG=1.2
apptainer exec --nv "$SIF" python train.py
docker run lab/app:${TAG:-latest} a
docker run lab/app:${OTHER:-latest} a
docker run lab/app:$SLURM_ARRAY_TASK_ID a
apptainer exec "$2" a
"""


def test_variables_come_from_the_script_the_environment_and_the_arguments() -> None:
    found = references(SCRIPT, {"HOME": "/home/a"}, ("one", "two.sif"))
    assert [(r.line, r.text, r.resolved, r.unresolved) for r in found] == [
        (5, "$SIF", "/home/a/images/train.sif", ()),
        (6, "lab/app:${TAG:-latest}", "lab/app:1.2", ()),
        (7, "lab/app:${OTHER:-latest}", "lab/app:latest", ()),
        (8, "lab/app:$SLURM_ARRAY_TASK_ID", "", ("SLURM_ARRAY_TASK_ID",)),
        (9, "$2", "two.sif", ()),
    ]


def test_a_variable_that_branches_set_differently_names_each_image_and_says_so() -> None:
    text = 'S=a.sif\nif [ -n "$GPU" ]; then\n  S=b.sif\nfi\napptainer exec $S x\n'
    assert [(r.text, r.resolved, r.sure) for r in references(text, {})] == [("a.sif", "a.sif", False), ("b.sif", "b.sif", False)]


def test_a_loop_variable_names_each_image_for_sure() -> None:
    found = references("for T in 1 2; do S=a:$T; docker run $S; done\n", {"T": "9"})
    assert [(r.text, r.sure) for r in found] == [("a:1", True), ("a:2", True)]


def test_a_command_s_answer_and_a_secret_are_not_known() -> None:
    text = "docker run lab/app:$(git rev-parse HEAD)\ndocker run lab/app:$API_TOKEN\n"
    found = references(text, {"API_TOKEN": "hunter2hunter2"})
    assert [r.unresolved for r in found] == [("$(git rev-parse HEAD)",), ("API_TOKEN",)]


def test_options_held_by_a_variable_are_split_as_the_shell_does() -> None:
    assert read('O="--nv --bind /d"\nE=\napptainer exec $O $E x.sif a\n') == [
        ("apptainer", "file", "x.sif", "", "--nv --bind=/d")
    ]


def test_what_sbatch_itself_is_told_counts_too() -> None:
    job = Job(
        "slurm",
        "1",
        argv=("--parsable", "--container-image", "ubuntu:24.04", "job.sh"),
        script="#!/bin/sh\n",
        script_path="/w/job.sh",
    )
    [found] = named(EmptyWorld(), job)
    assert (found.runtime, found.name, found.tag, found.line) == ("pyxis", "ubuntu", "24.04", 0)


@pytest.mark.parametrize(
    "text", ["'", '"', "`", "$(", "${", "\\", "<<", "<<A", "a <<'X", "\x00\xff", "apptainer", "apptainer exec", "$(" * 5000]
)
def test_broken_text_is_read_without_an_accident(text: str) -> None:
    assert references(text, {}) == ()


def test_variables_that_grow_without_end_are_not_followed() -> None:
    text = "A=xxxxxxxx\n" + "A=$A$A\n" * 100 + "docker run $A\n"
    assert [(r.resolved, r.unresolved) for r in references(text, {})] == [("", ("A",))]
