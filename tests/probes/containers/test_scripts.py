"""Which images does a whole job name: its script, the scripts it calls, and the options of sbatch?"""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.model import Absent, Job
from auditor.world import RealWorld
from probes.containers import ContainerReferences
from probes.containers.references import collect
from probes.containers.scripts import MAX_REFERENCES, files, references


def look(folder: Path, **job: object) -> list[tuple[str, int, str]]:
    found = collect(RealWorld(env={"HOME": "/home/a"}, cwd="/"), Job("slurm", "1", workdir=str(folder), **job))  # type: ignore[arg-type]
    return [(r.file, r.line, r.resolved) for r in found.references] if isinstance(found, ContainerReferences) else []


def test_scripts_called_from_beside_it_are_read_too_each_once(tmp_path: Path) -> None:
    (tmp_path / "step.sh").write_text("docker run lab/step:1\nbash step.sh\nsource deep/more.sh\n")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/more.sh").write_text("\napptainer exec more.sif a\n")
    script = "#!/bin/bash\nbash step.sh\nsrun ./step.sh\nbash $UNKNOWN.sh\nbash gone.sh\n"
    assert look(tmp_path, script=script) == [("step.sh", 1, "lab/step:1"), ("deep/more.sh", 2, "more.sif")]


def test_the_options_of_sbatch_and_the_arguments_of_the_script_count(tmp_path: Path) -> None:
    argv = ("--container-image=ubuntu:24.04", "job.sh", "x.sif", "--container-image=not-sbatch-s")
    script = "#!/bin/bash\napptainer exec $1 a\n"
    assert look(tmp_path, script=script, argv=argv, script_path=str(tmp_path / "job.sh")) == [
        ("", 0, "ubuntu:24.04"),
        ("", 2, "x.sif"),
    ]


def test_a_python_batch_script_has_only_its_directives_read(tmp_path: Path) -> None:
    script = "#!/usr/bin/env python3\n#SBATCH --container-image=a:1\nimport os\ndocker = 'run'\n"
    assert look(tmp_path, script=script) == [("", 2, "a:1")]


def test_image_files_are_found_from_the_work_directory_and_home(tmp_path: Path) -> None:
    script = "apptainer exec a.sif x\napptainer exec ~/b.sif x\napptainer exec a.sif y\napptainer exec docker://c x\napptainer exec $V.sif x\n"
    job = Job("slurm", "1", workdir="/work", script=script)
    assert [path for _, path in files(RealWorld(env={"HOME": "/home/a"}), job)] == ["/home/a/b.sif", "/work/a.sif"]


def test_a_job_without_images_and_one_without_a_script_are_absent() -> None:
    world = RealWorld(env={})
    assert collect(world, Job("slurm", "1")) == Absent("the batch script is not known")
    assert collect(world, Job("slurm", "1", script="#!/bin/sh\ntrue\n")) == Absent(
        "neither the script nor what it calls names an image"
    )


@given(st.text(alphabet="docker run apptainerexec$\"'`(){}[]\n;|&<>=#\\-/:.@é", max_size=80))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read_without_an_accident(text: str) -> None:
    for reference in references(text, {"a": "1"}):
        assert reference.text
        assert bool(reference.resolved) != bool(reference.unresolved)


PARTS = [
    "apptainer ", "exec ", "docker run ", "x.sif ", "--nv ", "-B ", "$A", "${A:-", "}", '"', "'", "`", "$(", ")", "{ ", "} ", "f() { ", "f ", "; ",
    "\n", "cd ", "export A=", "if x; then ", "fi; ", "for i in 1 2; do ", "done; ", "case x in a) ", ";; esac; ", "<<E\n", "\nE\n", "bash -c ",
    "xargs -I{} ", "srun --container-image=", "#SBATCH --container-name=", "instance start ", "instance://f ", "snakemake -s ", "nextflow run ",
    "enroot create -n f ", "shifter --image=", "A=(", "\"${A[@]}\" ", "set -- ", "shift; ", "eval ", "source ", "$1 ", "~/", "\\", "\0", "\u00e9",
]  # fmt: skip


@given(
    st.lists(st.sampled_from(PARTS), max_size=30).map("".join),
    st.dictionaries(st.sampled_from(["A", "HOME", "SHIFTER"]), st.text(max_size=9)),
)
@settings(max_examples=400, deadline=None, derandomize=True, database=None)
def test_pieces_of_scripts_in_any_order_are_read_without_an_accident(text: str, environ: dict[str, str]) -> None:
    for reference in references(text, environ, ("one.sif",)):
        assert bool(reference.resolved) != bool(reference.unresolved)
        assert (reference.doors is not None) == (reference.action == "run")


def test_a_job_that_names_more_images_than_anybody_reads_is_cut() -> None:
    assert len(references("".join(f"docker run a:{n}\n" for n in range(2000)), {})) == MAX_REFERENCES


def test_names_are_filled_in_once_more_inside_the_job_and_only_where_variables_hold_them() -> None:
    world = RealWorld(env={"SLURM_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "2"}, cwd="/")
    literal, variable = (
        Job("slurm", "7", workdir="/w", script=f"docker run lab/a:{tag}\n") for tag in ("1", "$SLURM_ARRAY_TASK_ID")
    )
    found = collect(world, variable)
    assert isinstance(found, ContainerReferences)
    assert [r.resolved for r in found.references] == ["lab/a:2"]
    assert collect(world, literal) == Absent("images are named without variables: as at submission")


def test_a_workflow_file_that_cannot_be_read_is_evidence_by_itself(tmp_path: Path) -> None:
    found = collect(RealWorld(env={}, cwd="/"), Job("slurm", "1", workdir=str(tmp_path), script="snakemake\n"))
    assert found == ContainerReferences((), ("Snakefile: no such file, or not readable",))
