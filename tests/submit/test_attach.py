"""Which variables does a run get so that engines leave a record? As few as possible, merged, written down; and the same output without them."""

from __future__ import annotations

import ast
import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from auditor.model import Absent, Job
from auditor.submit import attach_ray, peek
from auditor.submit.attach import RUN, attach, tidy
from auditor.submit.attach_ways import CWLTOOL, DASK, MLFLOW, RAY, SNAKEMAKE
from auditor.world import RealWorld
from probes import attached

SUBMISSION = "0123456789abcdef"


def given(
    home: Path, *named: str, mode: str = "auto", text: bytes = b"", environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    quiet = {"PATH": "/nowhere", "HOME": "/nowhere", "DASK_ROOT_CONFIG": "/nowhere"}
    return attach({**quiet, **(environ or {})}, named, text, mode, SUBMISSION, str(home))


def note(home: Path) -> Mapping[str, str]:
    """Variable → why it was set, or left."""
    said = json.loads((home / f"attached/{SUBMISSION}.json").read_text())
    return {s["name"]: s["why"] for s in (*said["given"], *said["left"])}


@pytest.mark.parametrize(
    ("script", "named"),
    [
        (b"#!/bin/bash\n#SBATCH --array=1-9\nsrun ./array_ray --strategy ray\n", ()),
        (b"#!/bin/bash\npython -c 'import ray; ray.init()'\n", ("ray",)),
        (b"#!/bin/bash\nray start --head\n", ("ray",)),
        (b"#!/bin/bash\nsnakemake -c1\ncwltool a.cwl\n", ("cwltool", "snakemake")),
        (b"#!/bin/bash\npython 'train.py' --lr 1\n", ("dask", "mlflow")),
        (b"#!/bin/bash\n. $SLURM_SUBMIT_DIR/env.sh; python other.py\n", ("dask",)),
        (b"#!/bin/bash\npython pipe.py loop.py no-such.py /dev/zero.py\n", ()),
    ],
)
def test_systems_are_named_by_the_script_or_by_what_it_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: bytes, named: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text("from dask.distributed import Client\nimport mlflow\n")
    Path("env.sh").write_text("export DASK_TEMPORARY_DIRECTORY=/tmp # dask\n")
    os.mkfifo("pipe.py")
    Path("loop.py").symlink_to("loop.py")

    assert peek.engines(["job.sh", "--nodes=2"], script)[0] == named


def test_a_run_that_names_no_engine_gets_nothing_and_nothing_is_written(tmp_path: Path) -> None:
    assert given(tmp_path / "home") == {}
    assert not (tmp_path / "home").exists()


def test_switched_off_nothing_is_set_and_nothing_is_written(tmp_path: Path) -> None:
    assert given(tmp_path / "home", "dask", "ray", mode="none") == {}
    assert not (tmp_path / "home").exists()


def test_by_default_only_what_nobody_sees_is_set(tmp_path: Path) -> None:
    found = given(tmp_path, "dask", "ray", "cwltool", "snakemake", "mlflow")

    assert sorted(found) == sorted([DASK, RAY, RUN])
    assert (found[RAY], found[RUN]) == ("1", SUBMISSION)
    assert note(tmp_path)[CWLTOOL] == (
        "--provenance copies all data of the run, and --timestamps changes the log; "
        'attach = "all" (auditor config attach all, AUDITOR_ATTACH=all) sets it'
    )
    assert note(tmp_path)[SNAKEMAKE].startswith("Snakemake prints a line for every profile")
    assert note(tmp_path)[MLFLOW].startswith("it puts tags into the records of MLflow itself")


def test_with_all_the_others_are_set_too_where_they_can_do_no_harm(tmp_path: Path) -> None:
    found = given(tmp_path, "cwltool", "snakemake", "mlflow", mode="all")

    assert found[CWLTOOL] == f"--provenance {tmp_path}/attached/{SUBMISSION}/cwltool"
    assert json.loads(found[MLFLOW]) == {"audit.run_id": SUBMISSION}
    assert SNAKEMAKE not in found
    assert note(tmp_path)[SNAKEMAKE] == "Snakemake prints a line for every profile, and keeps its record in .snakemake anyhow"


def test_what_is_set_already_is_merged_or_left(tmp_path: Path) -> None:
    before = {
        CWLTOOL: "--debug",
        MLFLOW: '{"team": "a", "audit.run_id": "mine"}',
        SNAKEMAKE: "slurm",
        RAY: "0",
        RUN: "theirs",
        DASK: "a.py",
    }

    found = given(tmp_path, "dask", "ray", "cwltool", "snakemake", "mlflow", mode="all", environ=before)

    assert found[CWLTOOL].split()[:2] == ["--debug", "--provenance"]
    assert json.loads(found[MLFLOW]) == {"audit.run_id": "mine", "team": "a"}
    assert ast.literal_eval(found[DASK])[0] == "a.py"
    assert {SNAKEMAKE, RAY, RUN} & found.keys() == set()
    assert {note(tmp_path)[n] for n in (SNAKEMAKE, RAY, RUN)} == {"it was set already"}


@pytest.mark.parametrize(
    ("before", "first"),
    [
        ("a.py", ["a.py"]),
        ('["a.py", "b.py"]', ["a.py", "b.py"]),
        ("('a.py',)", ["a.py"]),
        ("7", None),
        ("[1]", None),
        ("{'a': 1}", None),
    ],
)
def test_dasks_preloads_are_merged_as_dask_reads_them(tmp_path: Path, before: str, first: list[str] | None) -> None:
    found = given(tmp_path, "dask", environ={DASK: before})

    if first is None:
        assert (found, note(tmp_path)[DASK]) == ({}, "what it was set to cannot be read")
    else:
        assert ast.literal_eval(found[DASK])[:-1] == first


@pytest.mark.parametrize("before", ["{", "[]", "7"])
def test_a_broken_context_of_mlflow_is_not_mended(tmp_path: Path, before: str) -> None:
    assert given(tmp_path, "mlflow", mode="all", environ={MLFLOW: before}) == {}
    assert note(tmp_path)[MLFLOW] == "what it was set to is no JSON object"


@pytest.mark.parametrize("word", ["dask-scheduler --port 0", "dask scheduler", "LocalCluster(silence_logs=False)", "dask_mpi"])
def test_dask_is_left_alone_where_it_would_print_that_something_was_loaded(tmp_path: Path, word: str) -> None:
    assert given(tmp_path, "dask", text=word.encode()) == {}
    assert note(tmp_path)[DASK].endswith("Dask would print that something was loaded")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("distributed:\n  scheduler:\n    preload: [mine.py]\n", True),
        ("logging:\n  distributed: info\n", True),
        ("# distributed:\n#   scheduler:\n#     preload: []\n", False),
        ("distributed:\n  worker: {}  # no preload\n", False),
    ],
)
def test_a_file_of_the_users_that_configures_preloads_is_not_overruled(tmp_path: Path, text: str, left: bool) -> None:
    (tmp_path / ".config/dask").mkdir(parents=True)
    (tmp_path / ".config/dask/distributed.yaml").write_text(text)

    assert (given(tmp_path / "home", "dask", environ={"HOME": str(tmp_path)}) == {}) == left


def test_the_preload_does_nothing_where_its_file_is_not_seen(tmp_path: Path) -> None:
    """In a container, or on a node without the home: a path that is not there would end the scheduler."""
    text = given(tmp_path, "dask")[DASK]
    for path in (tmp_path / "attached").glob("attach_dask-*.py"):
        path.unlink()

    assert " " in text
    assert not text.endswith(".py")
    assert "\n" not in text
    exec(text, {})  # as Dask does; nothing happens


def test_the_preload_never_fails_a_scheduler(tmp_path: Path) -> None:
    place: dict[str, object] = {}
    exec(given(tmp_path, "dask")[DASK], place)

    setup = place["dask_setup"]
    assert callable(setup)
    setup(object())  # nothing like a scheduler

    place["AUDITOR_ATTACH_TO"] = "/proc/no-such"
    setup(object())


def test_a_path_that_cannot_stand_in_the_value_leaves_dask_alone(tmp_path: Path) -> None:
    assert given(tmp_path / "it's $HOME", "dask") == {}
    assert note(tmp_path / "it's $HOME")[DASK] == "the home's path holds characters that Dask may read otherwise"


def test_what_is_written_is_for_its_owner_only(tmp_path: Path) -> None:
    given(tmp_path, "dask", "ray")

    for path in (tmp_path / "attached").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert stat.S_IMODE((tmp_path / "attached").stat().st_mode) == 0o700


def session(root: Path, name: str = "session_1", began: float = 2000.0) -> Path:
    logs = root / "ray" / name / "logs"
    (logs / "export_events").mkdir(parents=True)
    (logs / "gcs_server.out").write_text("ray_version=2.60.0\n")
    (logs / "export_events/event_EXPORT_TASK_1.log").write_text("{}\n")
    (logs / "export_events/event_EXPORT_TASK_2.log").write_text("")
    for path in logs.iterdir():
        os.utime(path, (began, began))
    return logs


def test_export_events_of_the_run_are_copied_before_the_node_is_wiped(tmp_path: Path) -> None:
    session(tmp_path / "node")
    session(tmp_path / "node", "session_0", 1000.0)

    attach_ray.copy(str(tmp_path / "to"), 1500.0, {"RAY_TMPDIR": str(tmp_path / "node")})

    assert sorted(str(p.relative_to(tmp_path / "to")) for p in (tmp_path / "to").rglob("*") if p.is_file()) == [
        "ray/session_1/logs/export_events/event_EXPORT_TASK_1.log",
        "ray/session_1/logs/gcs_server.out",
    ]
    assert stat.S_IMODE(next((tmp_path / "to").rglob("gcs_server.out")).stat().st_mode) == 0o600


def test_no_link_and_no_pipe_is_copied_and_no_more_than_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events = session(tmp_path / "node") / "export_events"
    (events / "event_EXPORT_A.log").symlink_to("/etc/passwd")
    os.mkfifo(events / "event_EXPORT_B.log")
    with (events / "event_EXPORT_Z.log").open("wb") as file:
        file.truncate(1 << 30)
    monkeypatch.setattr(attach_ray, "MAX_BYTES", 1 << 20)

    copied = attach_ray.copy(str(tmp_path / "to"), 0.0, {"RAY_TMPDIR": str(tmp_path / "node")})

    assert copied == 1 << 20
    names = {p.name for p in (tmp_path / "to/ray/session_1").rglob("*.log")}
    assert names == {"event_EXPORT_TASK_1.log", "event_EXPORT_Z.log"}


def test_in_a_job_the_copy_is_made_by_a_bare_interpreter_and_says_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "attached" / SUBMISSION
    folder.mkdir(parents=True)
    argv = [sys.executable, "-I", "-S", attach_ray.__file__, str(folder)]
    session(tmp_path / "node", began=4_000_000_000.0)
    env = {"RAY_TMPDIR": str(tmp_path / "node")}

    asleep = subprocess.run(argv, env=env, capture_output=True, check=True)
    nothing = list(folder.rglob("*"))
    (folder / "ray-wanted").touch()
    awake = subprocess.run(argv, env=env, capture_output=True, check=True)

    assert (asleep.stdout + asleep.stderr + awake.stdout + awake.stderr, nothing) == (b"", [])
    assert (folder / "ray/session_1/logs/gcs_server.out").exists()


def test_the_probe_tells_what_was_set_what_was_left_and_what_came_of_it(tmp_path: Path) -> None:
    given(tmp_path, "dask", "mlflow")
    (tmp_path / f"attached/{SUBMISSION}").mkdir(exist_ok=True)
    (tmp_path / f"attached/{SUBMISSION}/dask-0-n-1-1.jsonl").write_text("{}\n")
    world = RealWorld({"AUDITOR_HOME": str(tmp_path)}, str(tmp_path))

    seen = attached.collect(world, Job("slurm", "7", submission=SUBMISSION))
    away = attached.collect(world, Job("slurm", "7", submission=SUBMISSION, hook="--export=NONE leaves it out"))
    none = attached.collect(world, Job("slurm", "7", submission="fedcba9876543210"))

    assert isinstance(seen, attached.Attached)
    assert ([s.name for s in seen.given], [s.name for s in seen.left]) == ([DASK, RUN], [MLFLOW])
    assert (seen.named, seen.records, seen.bytes) == (("dask", "mlflow"), ("dask-0-n-1-1.jsonl",), 3)
    assert isinstance(away, attached.Attached)
    assert (away.given, [s.why for s in away.left][1:]) == ((), ["--export=NONE leaves it out"] * 2)
    assert isinstance(none, Absent)


def test_what_was_attached_for_runs_of_long_ago_is_removed_and_the_rest_stays(tmp_path: Path) -> None:
    given(tmp_path, "dask", "ray")
    old = tmp_path / "attached/fedcba9876543210"
    old.mkdir()
    (old / "dask-1.jsonl").write_text("{}")
    (tmp_path / "attached/fedcba9876543210.json").write_text("{}")
    (payload,) = (tmp_path / "attached").glob("attach_dask-*.py")
    for path in (old, tmp_path / "attached/fedcba9876543210.json", payload):
        os.utime(path, (0, 0))

    assert (tidy(str(tmp_path)), tidy(str(tmp_path)), tidy("/no/such/home")) == (2, 0, 0)
    assert (tmp_path / f"attached/{SUBMISSION}/ray-wanted").exists()
    assert payload.exists()
