"""Are systems, phases, loops and work side by side seen in scripts and code?"""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.model import Absent, Grade, Job
from auditor.world import RealWorld
from probes.script import phases, systems
from probes.workflow import PROBE, SystemsUsed, Use


def collect(folder: Path, script: str) -> SystemsUsed:
    job = Job("slurm", "1", workdir=str(folder), script=script, script_path=f"{folder}/job.sh")
    answer = PROBE.collect(RealWorld(env={}, cwd=str(folder)), job)
    assert isinstance(answer, SystemsUsed)
    return answer


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("snakemake -j 4", ("snakemake", "engine")),
        ("nextflow run main.nf", ("nextflow", "engine")),
        ("python -m mlflow ui", ("mlflow", "tracker")),
        ("srun gmx_mpi mdrun", ("gromacs", "simulation")),
        ("mpirun -np 2 lmp_intel -in x", ("lammps", "simulation")),
        ("apptainer exec x.sif simpleFoam", ("openfoam", "simulation")),
        ("torchrun x.py", ("torchrun", "distributed")),
        ("srun -n 4 ./x", ("srun", "distributed")),
        ("srun -n 1 ./x", None),
        ("srun ./x", None),
        ("pip install torch", ("pip", "download")),
        ("pip list", None),
        ("git clone x", ("git", "download")),
        ("git status", None),
        ("./x data.parquet", ("parquet", "format")),
        ("echo snakemake", None),
    ],
)
def test_a_command_shows_its_system(tmp_path: Path, line: str, expected: tuple[str, str] | None) -> None:
    assert [(u.system, u.family) for u in collect(tmp_path, line).uses if u.system != "mpi"] == ([expected] if expected else [])


def test_srun_is_parallel_when_the_job_asks_for_tasks_and_it_does_not_say_otherwise(tmp_path: Path) -> None:
    uses = collect(tmp_path, "#!/bin/bash\n#SBATCH --ntasks=8\nsrun ./x\nsrun -n1 ./y\n").uses
    assert uses == (Use("srun", "distributed", "command", "job.sh:3"),)


def test_imports_and_files_show_systems_and_where(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import h5py\nfrom torch import distributed\nimport torch.distributed as d\nfrom . import mlflow\n"
    )
    (tmp_path / "dvc.yaml").write_text("")
    (tmp_path / "d.h5").write_text("")
    assert collect(tmp_path, "python train.py\n").uses == (
        Use("hdf5", "format", "import", "train.py:1"),
        Use("torch", "framework", "import", "train.py:2"),
        Use("torch", "framework", "import", "train.py:3"),
        Use("torchrun", "distributed", "import", "train.py:3"),
        Use("hdf5", "format", "file", "d.h5"),
        Use("dvc", "tracker", "file", "dvc.yaml"),
    )


def test_in_python_a_download_is_a_call_and_not_an_import(tmp_path: Path) -> None:
    (tmp_path / "get.py").write_text("import requests\nfrom urllib import request as r\nr.urlretrieve('x', 'y')\n")
    assert collect(tmp_path, "python get.py\n").uses == (Use("python-http", "download", "call", "get.py:3"),)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("01_trainModel.py", "train"),
        ("constrained.py", ""),
        ("predict", "infer"),
        ("run_MD.sh", "simulate"),
        ("preprocess_data", "prepare"),
        ("main.py", ""),
        ("a/fine-tune/x.py", ""),
    ],
)
def test_a_name_speaks_of_a_phase_by_its_parts(name: str, expected: str) -> None:
    assert phases.of_name(name) == expected


def test_a_builtin_of_the_shell_says_nothing(tmp_path: Path) -> None:
    assert collect(tmp_path, 'eval "$(conda shell.bash hook)"\nsource train_env.sh\n').phases == {}


def test_phases_come_with_their_signs(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("model.fit(x)\ny = model.predict(x)\nmodel.train()\n")
    script = "gmx grompp -f a\ngmx mdrun\nwget http://x\npython main.py train --lr 1\npython step.py --mode=predict\n"
    assert collect(tmp_path, script).phases == {
        "prepare": ("job.sh:1 gmx grompp", "job.sh:3 wget"),
        "simulate": ("job.sh:2 gmx mdrun",),
        "train": ("job.sh:4 main.py train", "main.py:1 model.fit()"),
        "infer": ("job.sh:5 step.py --mode=predict", "main.py:2 model.predict()"),
    }


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ('python simulate.py\nsbatch "$0"', ('job.sh:2 sbatch "$0"',)),
        ("sbatch --time 1 job.sh", ("job.sh:1 sbatch --time 1 job.sh",)),
        ("sbatch other.sh", ()),
        ("scontrol requeue $SLURM_JOB_ID", ("job.sh:1 scontrol requeue $SLURM_JOB_ID",)),
        ("for i in 1 2\ndo\n  python simulate.py\n  python train.py\ndone", ("job.sh:1 for i in 1 2",)),
        ("for i in 1 2; do python train.py; done\npython simulate.py", ()),
    ],
)
def test_feedback_is_a_loop_around_simulation_and_learning_or_a_job_that_submits_itself(
    tmp_path: Path, script: str, expected: tuple[str, ...]
) -> None:
    assert collect(tmp_path, script).loops == expected


def test_a_loop_in_python_counts_as_well(tmp_path: Path) -> None:
    (tmp_path / "active.py").write_text("while True:\n    simulate(x)\n    model.fit(x)\nfor i in y:\n    simulate(i)\n")
    assert collect(tmp_path, "python active.py").loops == ("active.py:1 while True:",)


@pytest.mark.parametrize(
    ("script", "parallel", "serial"),
    [
        ("for i in 1 2; do srun ./x $i & done; wait", 1, 0),
        ("for i in 1 2; do srun ./x $i; done", 0, 1),
        ("for i in 1 2; do echo $i; done", 0, 0),
        ("for i in 1 2; do sbatch one.sh $i; done", 0, 0),
        ("ls | xargs -P 4 ./x", 1, 0),
        ("parallel -j 4 ./x ::: 1 2", 1, 0),
        ("srun --multi-prog conf", 1, 0),
        ("sleep 5 & wait", 0, 0),
        ("(cd a && ./x) &\n./y", 1, 0),
    ],
)
def test_work_side_by_side_and_one_after_another(tmp_path: Path, script: str, parallel: int, serial: int) -> None:
    seen = collect(tmp_path, script)
    assert (len(seen.parallel), len(seen.serial)) == (parallel, serial)


def test_static_signs_are_only_declared_and_no_script_is_absent() -> None:
    assert PROBE.grade is Grade.DECLARED
    assert PROBE.collect(RealWorld(env={}), Job("slurm", "1")) == Absent("the batch script is not known")


def test_every_system_of_the_twelfth_tip_is_known() -> None:
    wanted = {"snakemake", "nextflow", "cwl", "parsl", "pegasus", "fireworks", "dask", "ray"}
    assert wanted <= {s.name for s in systems.SYSTEMS if s.family == "engine"}


def test_what_a_script_submits_is_work_of_other_jobs(tmp_path: Path) -> None:
    (tmp_path / "train.sh").write_text("wget https://example.org/a\npython train.py\n")
    (tmp_path / "train.py").write_text("import torch\n")
    driver = collect(tmp_path, "a=$(sbatch --parsable prepare.sh)\nsbatch --dependency=afterok:$a train.sh\n")
    itself = collect(tmp_path, "python simulate.py\nsbatch job.sh\n")

    assert (driver.phases, driver.uses) == ({}, ())
    assert itself.phases == {"simulate": ("job.sh:1 simulate.py",)}
    assert itself.loops == ("job.sh:2 sbatch job.sh",)
