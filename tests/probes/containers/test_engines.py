"""Which images do the workflow files of a job name, and is the engine told to use them?"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.model import Job
from auditor.world import RealWorld, RecordedWorld
from probes.containers import State
from probes.containers.engines import groovy, snakemake
from probes.containers.scripts import Found, files, look


def job(folder: Path, line: str, files: dict[str, str], **environ: str) -> Found:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    world = RealWorld(env={"HOME": f"{folder}/home", **environ}, cwd="/")
    return look(world, Job("slurm", "1", workdir=str(folder), script=f"#!/bin/bash\n{line}\n"))


def images(found: Found) -> list[tuple[str, str, str, str]]:
    """step, runtime, resolved or what is missing, enabled."""
    return [(r.step, r.runtime, r.resolved or " ".join(r.unresolved), r.enabled) for r in found.references]


SNAKEFILE = '''
"""container: "docker://not/this" """
IMAGE = "docker://lab/base"
TAG = "1.2"
containerized: "docker://lab/all:3"
rule all:
    input: "a.txt"
rule train:
    output: "a.txt"
    container:
        f"{IMAGE}:{TAG}"
    shell:
        """
        container: "docker://nor/this"
        """
rule free:
    container: None
    shell: "true"
rule chosen:
    singularity: config["image"]
    shell: "true"
include: "rules/more.smk"
include: config["rules"]
'''


def test_a_snakefile_names_images_for_all_rules_and_for_each(tmp_path: Path) -> None:
    files = {
        "workflow/Snakefile": SNAKEFILE,
        "workflow/rules/more.smk": 'checkpoint deep:\n    container: IMAGE + ":9"\n    run: 1\n',
    }
    found = job(tmp_path, "snakemake --cores 1 --use-singularity", files)
    assert images(found) == [
        ("", "apptainer", "docker://lab/all:3", "yes"),
        ("train", "apptainer", "docker://lab/base:1.2", "yes"),
        ("chosen", "apptainer", 'config["image"]', "yes"),
        ("deep", "apptainer", "docker://lab/base:9", "yes"),
    ]
    assert [(r.engine, r.file, r.line) for r in found.references[:2]] == [
        ("snakemake", "workflow/Snakefile", 5),
        ("snakemake", "workflow/Snakefile", 10),
    ]
    assert found.unread == (f'include: config["rules"]: not a file\'s name as such ({tmp_path}/workflow/Snakefile, line 23)',)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("snakemake -c1", "no"),
        ("snakemake --use-conda --sdm conda", "no"),
        ("snakemake --use-apptainer", "yes"),
        ("snakemake --sdm conda apptainer --cores 4", "yes"),
        ("snakemake --software-deployment-method=apptainer", "yes"),
        ("srun -n1 python -m snakemake --use-singularity -j 4", "yes"),
        ("snakemake --profile slurm", "yes"),
        ("snakemake --profile plain", "no"),
        ("snakemake --profile gone", "unknown"),
        ("snakemake $OPTIONS", "unknown"),
        ('OPTIONS="--use-singularity -j4"; snakemake $OPTIONS', "yes"),
        ("snakemake -s Snakefile --use-singularity", "yes"),
        ("cd sub && snakemake -s ../Snakefile --use-singularity", "yes"),
    ],
)
def test_the_switch_of_snakemake_is_read_from_the_command_line_and_the_profile(tmp_path: Path, line: str, expected: str) -> None:
    files = {
        "Snakefile": 'container: "docker://lab/a:1"\n',
        "slurm/config.yaml": "jobs: 4\nsoftware-deployment-method:\n  - conda\n  - apptainer\n",
        "plain/config.v8+.yaml": "jobs: 4\nuse-singularity: false\n",
    }
    assert images(job(tmp_path, line, files)) == [("", "apptainer", "docker://lab/a:1", expected)]


def test_the_arguments_that_snakemake_hands_on_open_doors(tmp_path: Path) -> None:
    line = 'snakemake --use-singularity --singularity-args "--nv -B /data" --directory out'
    [found] = job(tmp_path, line, {"Snakefile": 'container: "images/a.sif"\n'}).references
    assert found.options == (f"--home={tmp_path}/out", "--nv", "-B /data")
    assert found.resolved == f"{tmp_path}/out/images/a.sif"
    assert found.doors is not None
    assert (found.doors.gpu.by, found.doors.binds, found.doors.home.state) == ("--nv", ("/data",), State.SHUT)
    assert found.doors.environment.by == "snakemake starts it with options of its own"


CONFIG = """
// container = 'not/this'
params.version = '2.1'
params { other = "x" }
docker.registry = 'quay.io'
process {
    container = 'lab/base:1'   /* process.container = 'nor/this' */
    withName: 'FIT|PREDICT' { container = "lab/fit:${params.version}" }
    withLabel:gpu { container = { params.gpu ? 'a' : 'b' } }
}
profiles {
    standard { docker.enabled = true }
    cluster {
        singularity { enabled = true; autoMounts = true; runOptions = '--nv -B /scratch' }
        includeConfig 'conf/cluster.config'
    }
    other { podman.enabled = true }
}
"""
MAIN = """
include { FIT } from './modules/fit'
process PLAIN {
    container 'lab/plain:1'
    script:
    \"\"\"
    container 'nor/that'
    \"\"\"
}
workflow { FIT() }
"""
FIT = """
process FIT {
    tag "x"
    container "${ workflow.containerEngine == 'singularity' && !task.ext.pull ?
        'https://depot.example/fit:0.1' :
        'biocontainers/fit:0.1' }"
    input: path x
    script: "true"
}
"""
FILES = {
    "main.nf": MAIN,
    "nextflow.config": CONFIG,
    "modules/fit.nf": FIT,
    "conf/cluster.config": "process.container = '/images/base.sif'",
}


def test_nextflow_s_settings_and_scripts_name_images_by_the_engine_that_is_on(tmp_path: Path) -> None:
    found = job(tmp_path, "nextflow run main.nf", FILES)
    assert images(found) == [
        ("", "docker", "quay.io/lab/base:1", "yes"),
        ("withName:FIT|PREDICT", "docker", "quay.io/lab/fit:2.1", "yes"),
        ("withLabel:gpu", "docker", "{ params.gpu ? 'a' : 'b' }", "yes"),
        ("PLAIN", "docker", "quay.io/lab/plain:1", "yes"),
        ("FIT", "docker", "quay.io/biocontainers/fit:0.1", "yes"),
    ]
    assert [(r.file, r.line) for r in found.references] == [
        ("nextflow.config", 7), ("nextflow.config", 8), ("nextflow.config", 9), ("main.nf", 4), ("modules/fit.nf", 4),
    ]  # fmt: skip


def test_a_profile_of_nextflow_switches_engine_and_images(tmp_path: Path) -> None:
    found = job(tmp_path, "srun nextflow -q run . -profile cluster -resume --version 7", FILES)
    assert images(found) == [
        ("", "apptainer", "/images/base.sif", "yes"),
        ("withName:FIT|PREDICT", "apptainer", "docker://lab/fit:7", "yes"),
        ("withLabel:gpu", "apptainer", "{ params.gpu ? 'a' : 'b' }", "yes"),
        ("PLAIN", "apptainer", "docker://lab/plain:1", "yes"),
        ("FIT", "apptainer", "https://depot.example/fit:0.1", "yes"),
    ]
    assert {r.options for r in found.references} == {("--nv", "-B /scratch")}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("nextflow run plain.nf", ("", "lab/a:1", "no")),
        ("nextflow run plain.nf -profile $P", ("", "lab/a:1", "unknown")),
        ("nextflow run plain.nf -with-singularity", ("apptainer", "docker://lab/a:1", "yes")),
        ("nextflow run plain.nf -c more.config", ("charliecloud", "lab/a:1", "yes")),
        ("nextflow -C more.config run plain.nf", ("charliecloud", "lab/a:1", "yes")),
        ("nextflow run plain.nf -c more.config -without-docker", ("", "lab/a:1", "no")),
        ("nextflow run plain.nf -c gone.config", ("", "lab/a:1", "unknown")),
    ],
)
def test_the_switch_of_nextflow_is_read_from_the_command_line_and_the_files(
    tmp_path: Path, line: str, expected: tuple[str, str, str]
) -> None:
    files = {
        "plain.nf": "process A {\n  container 'lab/a:1'\n  script: 'true'\n}\n",
        "more.config": "charliecloud { enabled = true }",
    }
    assert [found[1:] for found in images(job(tmp_path, line, files))] == [expected]


def test_an_image_typed_for_nextflow_counts_and_a_project_that_is_not_here_is_said(tmp_path: Path) -> None:
    found = job(tmp_path, "nextflow run lab/pipeline -r 1.0 -with-docker lab/all:2", {})
    assert images(found) == [("", "docker", "lab/all:2", "yes")]
    assert found.unread == ("lab/pipeline/main.nf: no such file, or not readable",)


CWL = """cwlVersion: v1.2
class: Workflow
steps:
  one: {run: tool.cwl, in: [], out: []}
# dockerPull: not/this
requirements:
  DockerRequirement:
    dockerPull: debian:12
"""


@pytest.mark.parametrize(
    ("options", "runtime", "name", "enabled"),
    [
        ("", "docker", "debian:12", "yes"),
        ("--outdir out --singularity", "apptainer", "docker://debian:12", "yes"),
        ("--podman", "podman", "debian:12", "yes"),
        ("--no-container", "docker", "debian:12", "no"),
    ],
)
def test_cwl_documents_name_images_and_cwltool_uses_docker_by_default(
    tmp_path: Path, options: str, runtime: str, name: str, enabled: str
) -> None:
    files = {"flow.cwl": CWL, "tool.cwl": '{"class": "CommandLineTool", "hints": [{"dockerPull": "lab/tool:1"}]}'}
    found = images(job(tmp_path, f"cwltool {options} flow.cwl in.yml", files))
    assert found == [("", runtime, name, enabled), ("", runtime, name.replace("debian:12", "lab/tool:1"), enabled)]


def test_a_workflow_file_that_is_not_there_or_too_large_is_said(tmp_path: Path) -> None:
    (tmp_path / "big.smk").write_text("#" * (257 << 10))
    assert job(tmp_path, "snakemake", {}).unread == ("Snakefile: no such file, or not readable",)
    assert job(tmp_path, "snakemake -s big.smk", {}).unread[0] == "big.smk: larger than 256 KiB"


def test_files_that_include_each_other_end(tmp_path: Path) -> None:
    files = {"Snakefile": 'include: "a.smk"\ncontainer: "docker://a"\n', "a.smk": 'include: "Snakefile"\n'}
    assert images(job(tmp_path, "snakemake", files)) == [("", "apptainer", "docker://a", "no")]


@pytest.mark.parametrize(
    ("line", "copy"),
    [
        ("snakemake --use-singularity", ".snakemake/singularity/74fa22431db5f1546a5325a300c8b411.simg"),
        ("snakemake --sdm apptainer --apptainer-prefix /cache -d out", "/cache/74fa22431db5f1546a5325a300c8b411.simg"),
        ("nextflow run main.nf -with-singularity", "work/singularity/lab-a-1.img"),
        ("nextflow run main.nf -with-apptainer -w /scratch/w", "/scratch/w/apptainer/lab-a-1.img"),
        ("export NXF_SINGULARITY_CACHEDIR=/c; nextflow run main.nf -with-singularity", "/c/lab-a-1.img"),
        ("nextflow run main.nf -with-docker", ""),
    ],
)
def test_the_file_that_an_engine_makes_of_an_image_is_known_by_its_rule(tmp_path: Path, line: str, copy: str) -> None:
    written = {"Snakefile": 'container: "docker://lab/a:1"\n', "main.nf": "process A {\n  container 'lab/a:1'\n}\n"}
    [found] = job(tmp_path, line, written).references
    assert found.copy == (f"{tmp_path}/{copy}" if copy and not copy.startswith("/") else copy)


def test_an_image_file_is_run_as_it_is(tmp_path: Path) -> None:
    [found] = job(tmp_path, "snakemake --use-singularity", {"Snakefile": 'container: "file:///images/a.sif"\n'}).references
    assert (found.text, found.resolved, found.transport, found.copy) == ("file:///images/a.sif", "/images/a.sif", "file", "")


def test_a_copy_that_is_there_is_an_image_file_of_the_job(tmp_path: Path) -> None:
    (tmp_path / "main.nf").write_text("process A {\n  container 'lab/a:1'\n}\n")
    world = RealWorld(env={}, cwd="/")
    run = Job("slurm", "1", workdir=str(tmp_path), script="nextflow run main.nf -with-singularity")
    assert files(world, run) == ()
    (tmp_path / "work/singularity").mkdir(parents=True)
    (tmp_path / "work/singularity/lab-a-1.img").write_bytes(b"x")
    assert [path for _, path in files(world, run)] == [f"{tmp_path}/work/singularity/lab-a-1.img"]


@pytest.mark.parametrize(
    "text", ["{" * 5000, "'" * 5001, '"""', "a = " * 3000, "process { " * 3000, "((((", "\x00", "container '", "/*"]
)
def test_broken_groovy_and_python_are_read_to_their_end(text: str) -> None:
    list(groovy.settings(text))
    list(snakemake.lines(text))


GROOVY = [
    "process ", "A ", "{", "}", "container ", "= ", "'a'", '"${x}"', '"""', "'", '"', "\n", "(", ")", "[", "docker.enabled=true", "profiles ",
    "//", "/*", "?", ":",
]  # fmt: skip


PYTHON = [
    "rule a:", "\n", "    ", "container: ", "include: ", '"docker://a"', "'", '"""', "f'{A}'", "A = 'x'", "(", ")", "[", "None", "\\", "\t",
    "use rule a as b with:",
]  # fmt: skip


@settings(max_examples=200, deadline=None, derandomize=True, database=None)
@given(st.lists(st.sampled_from(GROOVY), max_size=30).map("".join), st.lists(st.sampled_from(PYTHON), max_size=30).map("".join))
def test_pieces_of_workflow_files_in_any_order_are_read_without_an_accident(config: str, snakefile: str) -> None:
    files = {"/w/main.nf": config, "/w/nextflow.config": config, "/w/Snakefile": snakefile}
    world = RecordedWorld(
        {}, {k: v.encode() for k, v in files.items()}, {}, frozenset(), datetime(2026, 1, 1, tzinfo=UTC), "n", "/w"
    )
    found = look(world, Job("slurm", "1", workdir="/w", script="nextflow run main.nf\nsnakemake\n"))
    assert all(bool(r.resolved) != bool(r.unresolved) for r in found.references)
