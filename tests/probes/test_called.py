"""Are the files that a batch script runs found, hashed and followed?"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from auditor.model import Absent, Job
from auditor.world import RealWorld
from probes.called import PROBE, CalledFile, CalledFiles


def collect(folder: Path, script: str, env: dict[str, str] | None = None, **job: object) -> CalledFiles:
    world = RealWorld(env={"PATH": os.environ["PATH"], **(env or {})}, cwd=str(folder))
    answer = PROBE.collect(world, Job("slurm", "1", workdir=str(folder), script="#!/bin/bash\n" + script, **job))  # type: ignore[arg-type]
    assert isinstance(answer, CalledFiles)
    return answer


def names(found: CalledFiles, folder: Path) -> list[str]:
    return [os.path.relpath(f.path, folder) for f in found.files]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("python train.py", ["train.py"]),
        ("python3 -u -X dev dir/x.py args", ["dir/x.py"]),
        ("python -m dir.x", ["dir/x.py"]),
        ("srun -n4 ./prog", ["prog"]),
        ("bash step.sh", ["step.sh"]),
        ("bash -eu -o pipefail step.sh", ["step.sh"]),
        ("source env.sh", ["env.sh"]),
        (". ./env.sh", ["env.sh"]),
        ("Rscript --vanilla x.R", ["x.R"]),
        ("R CMD BATCH --no-save x.R out", ["x.R"]),
        ("julia -p 4 --project=. x.jl", ["x.jl"]),
        ("mpirun -np 4 python train.py", ["train.py"]),
        ("env A=1 time python train.py", ["train.py"]),
        ("exec python train.py", ["train.py"]),
        ("A=1 python train.py > log 2>&1 &", ["train.py"]),
        ("cd dir && python x.py", ["dir/x.py"]),
        ("DIR=dir; python $DIR/x.py", ["dir/x.py"]),
        ("python ${NAME:-train}.py", ["train.py"]),
        ('python "$CODE/x.py"', ["dir/x.py"]),
        ("python $SLURM_SUBMIT_DIR/train.py", ["train.py"]),
        ("srun \\\n  python \\\n  train.py", ["train.py"]),
        ("for f in step env; do bash $f.sh; done", ["step.sh", "env.sh"]),
        ("for f in dir/*.py; do python $f; done", ["dir/x.py"]),
        ("cat <<END\npython no.py\nEND\npython train.py # python no.py", ["train.py"]),
        ("true | python train.py; ls", ["train.py"]),
        ("bash -c 'cd dir; python x.py'", ["dir/x.py"]),
        ("bash < step.sh", ["step.sh"]),
        ("make", ["Makefile"]),
        ("snakemake -s Makefile -j4", ["Makefile"]),
        ("lmp -in in.lj", ["in.lj"]),
        ("python train.py $X $(date)", ["train.py"]),
        ("echo train.py; ls -l", []),
        ("cat /proc/cpuinfo; /bin/ls", []),
    ],
)
def test_the_called_file_is_found(tmp_path: Path, line: str, expected: list[str]) -> None:
    for name in ("train.py", "dir/x.py", "prog", "step.sh", "env.sh", "x.R", "x.jl", "Makefile", "in.lj"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    assert names(collect(tmp_path, line, {"CODE": f"{tmp_path}/dir"}), tmp_path) == expected


def test_a_called_file_is_told_with_its_content_place_and_kind(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_bytes(b"print(1)\n")
    sha = hashlib.sha256(b"print(1)\n").hexdigest()
    path = f"{tmp_path}/train.py"
    assert collect(tmp_path, "\npython train.py\n", script_path="/w/job.sh") == CalledFiles(
        (CalledFile(path, "/w/job.sh", 3, sha, 9, "ok", "python"),), ()
    )


def test_scripts_are_followed_two_steps_down_and_local_imports_with_them(tmp_path: Path) -> None:
    files = {
        "one.sh": 'python "$(dirname "$0")/two.py"\nbash deep/three.sh\n',
        "two.py": "import json, helper\nfrom pkg import part\nif True:\n    def f():\n        import late\n",
        "helper.py": "import two\n",
        "late.py": "",
        "pkg/__init__.py": "",
        "pkg/part.py": "from . import other\nfrom .. import nowhere\n",
        "pkg/other.py": "",
        "deep/three.sh": "bash four.sh",
        "four.sh": "",
        "json.py": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    found = collect(tmp_path, "bash one.sh\n")
    assert names(found, tmp_path) == [
        "one.sh", "two.py", "json.py", "helper.py", "pkg/__init__.py", "pkg/part.py", "pkg/other.py", "late.py", "deep/three.sh",
    ]  # fmt: skip
    assert {f.how for f in found.files} == {"shell", "python", "import"}


def test_the_program_of_ones_own_is_found_in_path_and_the_systems_is_not(tmp_path: Path) -> None:
    for folder in ("bin", "venv/bin"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / folder.replace("/", "-")).write_text("#!/bin/sh\n")
    (tmp_path / "venv/pyvenv.cfg").write_text("")
    path = f"{tmp_path}/bin:{tmp_path}/venv/bin:{os.environ['PATH']}"
    assert names(collect(tmp_path, "bin; venv-bin; ls", {"PATH": path}), tmp_path) == ["bin/bin"]


def test_a_file_that_is_not_there_or_too_big_says_so(tmp_path: Path) -> None:
    with open(tmp_path / "big", "wb") as file:
        file.truncate(33 << 20)
    (tmp_path / "folder").mkdir()
    found = collect(tmp_path, "./big; python none.py; ./folder")
    assert [(os.path.basename(f.path), f.state, f.sha256) for f in found.files] == [
        ("big", "too-big", ""), ("none.py", "absent", ""), ("folder", "unreadable", ""),
    ]  # fmt: skip


def test_names_that_only_the_run_knows_are_listed_as_written(tmp_path: Path) -> None:
    found = collect(tmp_path, 'python "$STEP.py"\napptainer exec a.sif python /opt/x.py\ncd $SOMEWHERE\npython y.py')
    assert (found.files, found.unresolved) == ((), ('"$STEP.py"', "y.py", "/opt/x.py (inside a.sif)"))


def test_an_array_task_finds_its_own_file(tmp_path: Path) -> None:
    (tmp_path / "step_7.py").write_text("")
    line = "python step_$SLURM_ARRAY_TASK_ID.py"
    assert collect(tmp_path, line).unresolved == ("step_$SLURM_ARRAY_TASK_ID.py",)
    assert names(collect(tmp_path, line, {"SLURM_ARRAY_TASK_ID": "7"}), tmp_path) == ["step_7.py"]


def test_arguments_of_the_script_are_known_when_they_were_typed(tmp_path: Path) -> None:
    (tmp_path / "b.py").write_text("")
    assert names(collect(tmp_path, "python $2", script_path="/w/job.sh", argv=("-n", "2", "job.sh", "a", "b.py")), tmp_path) == [
        "b.py"
    ]


def test_names_that_are_not_utf8_survive(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.py")
    (tmp_path / name).write_text("")
    assert names(collect(tmp_path, f"python {name}"), tmp_path) == [name]


def test_without_a_script_there_is_nothing_to_say() -> None:
    assert PROBE.collect(RealWorld(), Job("slurm", "1")) == Absent("the batch script is not known")
