"""Which images does a script name? One literal line a row: what a job says, and what we read from it."""

from __future__ import annotations

import pytest

from auditor.model import Job
from auditor.world import RealWorld
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
    ("singularity --quiet --debug exec --pwd /w --home /h:/h x.sif a", ("apptainer", "file", "x.sif", "", "--pwd=/w --home=/h:/h")),
    ("apptainer exec -c -B/a:/b -S /scratch --app tool x.sif a", ("apptainer", "file", "x.sif", "", "-c -B /a:/b -S /scratch")),
    ("apptainer run --overlay o.img --writable-tmpfs -- x.sif a", ("apptainer", "file", "x.sif", "", "--overlay=o.img --writable-tmpfs")),
    ("apptainer exec --env A_TOKEN=x,OMP_NUM_THREADS=2 x.sif a", ("apptainer", "file", "x.sif", "", "--env=A_TOKEN,OMP_NUM_THREADS=2")),
    ("apptainer instance run --net --network none x.sif web", ("apptainer", "file", "x.sif", "", "--net --network=none")),
    ("apptainer exec docker-daemon:lab/x:1 a", ("apptainer", "docker-daemon", "lab/x", "1", "")),
    ("apptainer exec https://x.example/a.sif a", ("apptainer", "file", "https://x.example/a.sif", "", "")),
    ("apptainer build --fakeroot box.sif docker://lab/x:3", ("apptainer", "docker", "lab/x", "3", "")),
    ("apptainer build --sandbox box/ oras://r.io/x:3", ("apptainer", "oras", "r.io/x", "3", "")),
    ("env -i PATH=$PATH apptainer exec --nv x.sif a", ("apptainer", "file", "x.sif", "", "--nv")),
    ("timeout -k 5 10m nohup nice -n 5 apptainer exec x.sif a", ("apptainer", "file", "x.sif", "", "")),
    ("exec apptainer run x.sif", ("apptainer", "file", "x.sif", "", "")),
    ("flock /tmp/l numactl -N 0 taskset -c 0-3 apptainer run x.sif", ("apptainer", "file", "x.sif", "", "")),
    ("ls *.txt | xargs -P 4 -I{} apptainer exec x.sif wc {}", ("apptainer", "file", "x.sif", "", "")),
    ("sudo -u lab sh -c 'cd /a/b; apptainer exec ../x.sif a'", ("apptainer", "file", "/a/x.sif", "", "")),
    ("bash <<'EOF'\napptainer exec x.sif a\nEOF", ("apptainer", "file", "x.sif", "", "")),
    ("bash -c 'apptainer exec $1 a' _ y.sif", ("apptainer", "file", "y.sif", "", "")),
    ("(cd sub && apptainer exec x.sif a)", ("apptainer", "file", "/sub/x.sif", "", "")),
    ("cd /a; cd b; apptainer exec ./x.sif a", ("apptainer", "file", "/a/b/x.sif", "", "")),
    ("cd /a && apptainer exec /x.sif a", ("apptainer", "file", "/x.sif", "", "")),
    ("ARGS=(exec --nv x.sif)\napptainer \"${ARGS[@]}\" python a.py", ("apptainer", "file", "x.sif", "", "--nv")),
    ("RUN='apptainer exec --nv x.sif'\n$RUN python a.py", ("apptainer", "file", "x.sif", "", "--nv")),
    ("with() { apptainer exec \"$1\" \"${@:2}\"; }\nwith y.sif a", ("apptainer", "file", "y.sif", "", "")),
    ("function with { local f=$1; apptainer exec ${f%.sif}.simg a; }\nwith y.sif", ("apptainer", "file", "y.simg", "", "")),
    ("case $X in a) apptainer exec x.sif a;; esac", ("apptainer", "file", "x.sif", "", "")),
    ("while read f; do apptainer exec x.sif $f; done < list", ("apptainer", "file", "x.sif", "", "")),
    ("apptainer exec \"$(dirname /a/b/c)\"/x.sif a", ("apptainer", "file", "/a/b/x.sif", "", "")),
    ("apptainer exec ${NONE:-x.sif} a", ("apptainer", "file", "x.sif", "", "")),
    ("eval apptainer exec x.sif a", ("apptainer", "file", "x.sif", "", "")),
    ("trap 'apptainer exec x.sif save' EXIT", ("apptainer", "file", "x.sif", "", "")),
    ("set -- y.sif z\nshift 0; apptainer exec $1 a", ("apptainer", "file", "y.sif", "", "")),
    ("docker --context lab run --gpus=all --ipc host lab/x@" + D, ("docker", "docker", "lab/x", D, "--gpus=all --ipc=host")),
    ("docker create --name web --network=host -u 0:0 lab/x:1", ("docker", "docker", "lab/x", "1", "--network=host -u 0:0")),
    ("nvidia-docker run --device /dev/nvidia0 -eA lab/x", ("docker", "docker", "lab/x", "", "--device=/dev/nvidia0 -e A")),
    ("nerdctl -n ns run lab/x:2 a", ("docker", "docker", "lab/x", "2", "")),
    ("docker image pull -q alpine:3", ("docker", "docker", "alpine", "3", "")),
    ("podman run --rm --privileged -itv /a:/b:ro quay.io/x/y:1", ("podman", "docker", "quay.io/x/y", "1", "--privileged -v /a:/b:ro")),
    ("podman run --rootfs /a/root sh", ("podman", "directory", "/a/root", "", "--rootfs")),
    ("podman --remote pull docker://lab/x:1", ("podman", "docker", "lab/x", "1", "")),
    ("podman-hpc migrate lab/x:1", ("podman", "docker", "lab/x", "1", "")),
    ("podman-hpc shared-run --mpi lab/x:1 a", ("podman", "docker", "lab/x", "1", "--mpi")),
    ("enroot create -n cuda a.sqsh", ("enroot", "file", "a.sqsh", "", "")),
    ("enroot start --mount .:/mnt a.sqsh nvcc", ("enroot", "file", "a.sqsh", "", "--mount=.:/mnt")),
    ("enroot import docker://lab/x:2", ("enroot", "docker", "lab/x", "2", "")),
    ("srun -N2 --container-image=lab#a/b:1 --container-writable --container-name=x --container-mount-home a",
     ("pyxis", "docker", "lab/a/b", "1", "--container-writable --container-name=x --container-mount-home")),
    ("srun --container-name=left python a", ("pyxis", "instance", "left", "", "--container-name=left")),
    ("export PYXIS_CONTAINER_IMAGE=lab/x:1\nsrun python a", ("pyxis", "docker", "lab/x", "1", "")),
    ("PYXIS_CONTAINER_IMAGE=lab/x:1 srun python a", ("pyxis", "docker", "lab/x", "1", "")),
    ("srun --container=/b/one ./a", ("slurm-oci", "oci", "/b/one", "", "")),
    ("#SBATCH -N1 --container-image nvcr.io#nvidia/x:1 --container-writable", ("pyxis", "docker", "nvcr.io/nvidia/x", "1", "--container-writable")),
    ("SHIFTER=docker:lab/x:1 shifter python a", ("shifter", "docker", "lab/x", "1", "")),
    ("shifter -i lab/x:1 --module=gpu -V /a:/b python a", ("shifter", "docker", "lab/x", "1", "--module=gpu")),
    ("shifterimg -v pull docker:lab/x:1", ("shifter", "docker", "lab/x", "1", "")),
    ("srun --image=lab/x:1 --volume=/a:/b shifter python a", ("shifter", "docker", "lab/x", "1", "--volume=/a:/b")),
    ("sarus --debug pull lab/x:2", ("sarus", "docker", "lab/x", "2", "")),
    ("ch-run --unset-env='*' -c /w ./img -- a", ("charliecloud", "file", "./img", "", "--unset-env=* -c /w")),
    ("ch-image pull python:3.12", ("charliecloud", "docker", "python", "3.12", "")),
    ("ch-convert img.tar.gz /tmp/img", ("charliecloud", "file", "img.tar.gz", "", "")),
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
        "docker compose run web",
        "apptainer exec --help",
        "apptainer instance stop web",
        "enroot list",
        "srun --export=ALL ./a.out x.sif",
        "ch-image list",
        "unused=apptainer",
        "cat > go.sh <<EOF\ndocker run a:$T\nEOF",
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


def test_a_name_from_a_command_is_unresolved_and_every_one_is_said() -> None:
    lines = {
        "apptainer exec $(basename $X) a": ("$(basename $X)",),
        "apptainer exec ${A}/${B:-$C}.sif a": ("A", "B", "C"),
        "ls | xargs -I{} docker run {}": ("what xargs reads",),
        "cd $X; apptainer exec x.sif a": ("the folder it runs in",),
        "read S; apptainer exec $S a": ("S",),
        "apptainer exec ${LIST[$N]} a": ("LIST", "N"),
        "for S in /i/*.sif; do apptainer exec $S a; done": ("the files that /i/*.sif finds",),
        "apptainer exec x-[0-9].sif a": ("the files that x-[0-9].sif finds",),
    }
    assert {line: r.unresolved for line in lines for r in references(line, {})} == lines


def test_what_the_job_made_itself_is_linked_to_where_it_came_from() -> None:
    text = """apptainer instance start --nv base.sif web
apptainer exec instance://web python a.py
cd /scratch
apptainer pull app.sif docker://lab/app:1
apptainer exec ./app.sif a
apptainer build own.sif own.def
apptainer run own.sif
docker run -d --name db postgres:16
docker exec db psql
docker build -t lab/mine:1 .
docker run lab/mine:1
enroot import -o c.sqsh docker://lab/c
enroot create -n c c.sqsh
enroot start c a
srun --container-image=lab/p:1 --container-name=p true
srun --container-name=p a
apptainer pull docker://lab/q:2
apptainer exec q_2.sif a
"""
    assert [(r.line, r.resolved, r.origin, r.action) for r in references(text, {})] == [
        (1, "base.sif", "", "run"),
        (2, "base.sif", "base.sif", "run"),
        (4, "docker://lab/app:1", "", "fetch"),
        (5, "/scratch/app.sif", "docker://lab/app:1", "run"),
        (7, "/scratch/own.sif", "/scratch/own.def", "run"),
        (8, "postgres:16", "", "run"),
        (9, "postgres:16", "postgres:16", "run"),
        (11, "lab/mine:1", "/scratch/Dockerfile", "run"),
        (12, "docker://lab/c", "", "fetch"),
        (13, "/scratch/c.sqsh", "docker://lab/c", "fetch"),
        (14, "/scratch/c.sqsh", "/scratch/c.sqsh", "run"),
        (15, "lab/p:1", "", "run"),
        (16, "lab/p:1", "lab/p:1", "run"),
        (17, "docker://lab/q:2", "", "fetch"),
        (18, "/scratch/q_2.sif", "docker://lab/q:2", "run"),
    ]


def test_only_what_sbatch_exports_reaches_the_script() -> None:
    def resolved(option: str) -> list[str]:
        text = f"#!/bin/bash\n#SBATCH {option}\napptainer exec $HOME/$S a\n"
        return [r.resolved for r in references(text, {"HOME": "/h", "S": "a.sif", "SLURM_JOB_ID": "9"})]

    assert [resolved(o) for o in ("-n1", "--export=ALL,S=b.sif", "--export=NONE", "--export=S", "--export=S=b.sif,T")] == [
        ["/h/a.sif"], ["/h/a.sif"], [""], ["/h/a.sif"], ["/h/b.sif"],
    ]  # fmt: skip


def test_the_number_of_the_submitting_job_is_not_the_run_s() -> None:
    job = Job("slurm", "12_3", workdir="/w", script="apptainer exec $SLURM_JOB_ID.$SLURM_ARRAY_TASK_ID.sif a")
    outside, within = {"SLURM_JOB_ID": "7"}, {"SLURM_JOB_ID": "15", "SLURM_ARRAY_JOB_ID": "12", "SLURM_ARRAY_TASK_ID": "3"}
    assert [r.unresolved for r in named(RealWorld(env=outside), job)] == [("SLURM_JOB_ID",)]
    assert [r.resolved for r in named(RealWorld(env=within), job)] == ["15.3.sif"]


def test_variables_of_sbatch_and_srun_name_bundles() -> None:
    job = Job("slurm", "1", workdir="/w", script="#!/bin/sh\nsrun a\n")
    env = {"SBATCH_CONTAINER": "/b/one", "SLURM_CONTAINER": "/b/two"}
    assert [(r.line, r.text, r.resolved) for r in named(RealWorld(env=env), job)] == [
        (0, "$SBATCH_CONTAINER", "/b/one"),
        (2, "$SLURM_CONTAINER", "/b/two"),
    ]


def test_what_stands_in_a_container_s_command_is_not_taken_for_one_of_its_own() -> None:
    assert [r.name for r in references("docker run lab/x docker run lab/y", {})] == ["lab/x"]
