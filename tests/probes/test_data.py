"""Which files went in and came out? Real files in a temporary folder; the answer is written beside each."""

from __future__ import annotations

import hashlib
import os
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.codec import dumps, loads
from auditor.model import Absent, Job, Phase
from auditor.world import RealWorld
from probes.data import DataManifest
from probes.data.data import PROBE, collect
from probes.data.when import BEGAN

BEFORE, START, DURING, END, AFTER = 1_000_000, 1_000_100, 1_000_200, 1_000_300, 1_000_400


def iso(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write(path: Path, content: bytes = b"x", at: int = DURING) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at, at))
    return path


def look(folder: Path, *, over: bool = True, **job: object) -> DataManifest:
    times = {"started_at": iso(START), "ended_at": iso(END)} if over else {}
    asked = Job("slurm", "123", workdir=str(folder), **{**times, **job})  # type: ignore[arg-type]
    found = collect(RealWorld(env={"AUDITOR_HOME": str(folder / "home")}, cwd="/"), asked)
    assert isinstance(found, DataManifest), found
    return found


def rows(found: DataManifest) -> list[tuple[str, str, str, str, str]]:
    return [(f.path, f.role, f.how, f.kind, f.sha256) for f in found.files]


def gaps(found: DataManifest) -> list[tuple[str, str, str]]:
    return [(s.path, s.role, s.reason) for s in found.skipped]


def test_what_changed_while_the_job_ran_is_an_output(tmp_path: Path) -> None:
    write(tmp_path / "old.csv", at=BEFORE)
    write(tmp_path / "later.csv", at=AFTER)
    write(tmp_path / "out/model.bin", b"weights")
    write(tmp_path / "slurm-123.out", b"log")
    found = look(tmp_path)
    assert rows(found) == [
        ("out/model.bin", "output", "changed", "file", sha(b"weights")),
        ("slurm-123.out", "output", "changed", "file", sha(b"log")),
    ]
    assert (found.complete, found.bytes_hashed, found.directories) == (True, 10, 2)


def test_what_another_run_wrote_in_the_second_of_the_start_is_not_an_output_when_the_start_is_known_exactly(
    tmp_path: Path,
) -> None:
    for name, after in (("before.csv", 0.2), ("after.csv", 0.7)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (START + after, START + after))
    job = Job("local", "L1", workdir=str(tmp_path), started_at=iso(START), ended_at=iso(END))
    exact = {BEGAN: str(START * 10**9 + 600_000_000)}
    outputs = [collect(RealWorld(env=env, cwd="/"), job) for env in ({}, exact)]
    assert [[f.path for f in found.files] for found in outputs if isinstance(found, DataManifest)] == [
        ["after.csv", "before.csv"],
        ["after.csv"],
    ]


def test_declared_files_folders_and_globs_are_inputs_and_outputs_whatever_their_age(tmp_path: Path) -> None:
    write(tmp_path / "data/a.csv", b"a", at=BEFORE)
    write(tmp_path / "data/deep/b.csv", b"b", at=BEFORE)
    write(tmp_path / "c1.txt", b"c", at=BEFORE)
    write(tmp_path / "result.json", b"r", at=BEFORE)
    found = look(tmp_path, inputs=("data", "c*.txt", "data/deep"), outputs=("result.json",))
    assert rows(found) == [
        ("c1.txt", "input", "declared", "file", sha(b"c")),
        ("data/a.csv", "input", "declared", "file", sha(b"a")),
        ("data/deep/b.csv", "input", "declared", "file", sha(b"b")),
        ("result.json", "output", "declared", "file", sha(b"r")),
    ]


def test_before_the_end_only_declared_inputs_are_read(tmp_path: Path) -> None:
    write(tmp_path / "in.csv", b"i")
    write(tmp_path / "other.csv")
    assert rows(look(tmp_path, over=False, inputs=("in.csv",))) == [("in.csv", "input", "declared", "file", sha(b"i"))]
    job = Job("slurm", "1", workdir=str(tmp_path), started_at=iso(START))
    assert isinstance(collect(RealWorld(env={}), job), Absent)


def test_what_is_declared_and_not_there_or_not_here_is_said(tmp_path: Path) -> None:
    found = look(tmp_path, inputs=("no.csv", "s3://bucket/x", "*.none"))
    assert gaps(found) == [("*.none", "input", "absent"), ("no.csv", "input", "absent"), ("s3://bucket/x", "input", "remote")]
    assert not found.complete


def test_tools_environments_and_our_own_home_are_left_out_and_named(tmp_path: Path) -> None:
    for name in (".git/index", "src/__pycache__/a.pyc", "venv/pyvenv.cfg", "node_modules/x.js", "home/spool/a.json"):
        write(tmp_path / name)
    write(tmp_path / "kept.txt", b"k")
    found = look(tmp_path)
    assert [f.path for f in found.files] == ["kept.txt"]
    assert [s.path for s in found.skipped] == [".git", "home", "node_modules", "src/__pycache__", "venv"]
    assert {s.reason for s in found.skipped} == {"excluded"}
    assert found.complete


def test_another_job_s_log_and_the_batch_script_are_not_this_run_s_outputs(tmp_path: Path) -> None:
    for name in ("slurm-122.out", "slurm-123.out", "slurm-1234.out", "job.sh"):
        write(tmp_path / name)
    found = look(tmp_path, script_path=str(tmp_path / "job.sh"))
    assert [f.path for f in found.files] == ["slurm-123.out"]


def test_links_sockets_pipes_and_unreadable_things_are_told_apart(tmp_path: Path) -> None:
    target = write(tmp_path / "target", b"t", at=BEFORE)
    (tmp_path / "to-file").symlink_to(target)
    (tmp_path / "to-nothing").symlink_to("nowhere")
    (tmp_path / "to-folder").symlink_to(".")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "to-pipe").symlink_to("pipe")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(tmp_path / "sock"))
    for name in ("to-file", "to-nothing", "to-folder", "loop", "to-pipe", "pipe", "sock"):
        os.utime(tmp_path / name, (DURING, DURING), follow_symlinks=False)
    found = look(tmp_path)
    assert rows(found) == [("to-file", "output", "changed", "link", sha(b"t"))]
    assert gaps(found) == [
        ("loop", "output", "dangling-link"),
        ("pipe", "output", "special"),
        ("sock", "output", "special"),
        ("to-folder", "output", "link-to-folder"),
        ("to-nothing", "output", "dangling-link"),
        ("to-pipe", "output", "special"),
    ]


def test_a_pointer_is_not_the_data(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 5\n"
    write(tmp_path / "big.bin", pointer)
    write(tmp_path / "set.dvc", b"outs:\n- md5: 00\n")
    assert [(f.path, f.kind) for f in look(tmp_path).files] == [("big.bin", "pointer"), ("set.dvc", "pointer")]


def test_a_name_of_any_bytes_survives_the_way_to_json_and_back(tmp_path: Path) -> None:
    path = os.path.join(os.fsencode(tmp_path), b"caf\xe9\n.txt")
    with open(path, "wb") as file:
        file.write(b"x")
    os.utime(path, (DURING, DURING))
    found = look(tmp_path)
    assert [os.fsencode(f.path) for f in found.files] == [b"caf\xe9\n.txt"]
    assert loads(dumps(found), DataManifest) == found


def test_an_unknown_start_is_a_gap_and_not_an_empty_answer(tmp_path: Path) -> None:
    found = look(tmp_path, started_at="")
    assert gaps(found) == [(".", "output", "start-unknown")]
    assert not found.complete


def test_a_folder_that_is_gone_is_absent(tmp_path: Path) -> None:
    answer = collect(RealWorld(env={}), Job("slurm", "1", workdir=str(tmp_path / "gone")))
    assert answer == Absent(f"the work directory is not there: {tmp_path}/gone")


@pytest.mark.parametrize("pattern", ["a\0b", "[", "**/../..//", ""])
def test_a_strange_pattern_is_no_accident(tmp_path: Path, pattern: str) -> None:
    assert isinstance(look(tmp_path / ".", inputs=(pattern,)), DataManifest)


def test_the_probe_looks_before_at_the_start_and_after() -> None:
    assert PROBE.phases == {Phase.SUBMIT, Phase.START, Phase.LATER}


def test_tasks_of_an_array_that_ran_at_the_same_time_own_what_their_pattern_says(tmp_path: Path) -> None:
    for task in (0, 1):
        (tmp_path / f"slice_{task}.csv").write_text(f"{task}\n")
    now = (tmp_path / "slice_1.csv").stat().st_mtime
    begin, end = (datetime.fromtimestamp(now + d, UTC).isoformat(timespec="seconds") for d in (-5, 5))
    job = Job("slurm", "9_1", workdir=str(tmp_path), outputs=("slice_%a.csv",), started_at=begin, ended_at=end)
    seen = collect(RealWorld(cwd=str(tmp_path)), job)
    assert isinstance(seen, DataManifest)
    assert [(f.path, f.how) for f in seen.files if f.role == "output"] == [("slice_1.csv", "declared")]


def _settled(tmp_path: Path, **settings: str) -> DataManifest:
    """The manifest of a finished run that wrote out.csv, big.bin and scratch/x, under these settings."""
    (tmp_path / "scratch").mkdir()
    for name, size in (("out.csv", 10), ("big.bin", 5000), ("scratch/x", 10)):
        (tmp_path / name).write_bytes(b"x" * size)
    now = (tmp_path / "out.csv").stat().st_mtime
    begin, end = (datetime.fromtimestamp(now + d, UTC).isoformat(timespec="seconds") for d in (-5, 5))
    env = {f"AUDITOR_{name.upper()}": value for name, value in settings.items()}
    seen = collect(RealWorld(env, str(tmp_path)), Job("slurm", "9", workdir=str(tmp_path), started_at=begin, ended_at=end))
    assert isinstance(seen, DataManifest)
    return seen


def test_what_the_settings_exclude_is_no_output(tmp_path: Path) -> None:
    seen = _settled(tmp_path, exclude="scratch:*.bin")
    assert [f.path for f in seen.files] == ["out.csv"]


def test_the_budget_of_the_settings_goes_to_small_files_first_and_the_rest_is_named(tmp_path: Path) -> None:
    seen = _settled(tmp_path, hash_bytes="1000")
    assert [f.path for f in seen.files] == ["out.csv", "scratch/x"]
    assert [(s.path, s.reason) for s in seen.skipped] == [("big.bin", "budget")]
    assert not seen.complete


def test_an_input_that_was_written_after_the_start_is_not_what_the_run_began_with(tmp_path: Path) -> None:
    for name, at in (("before", BEFORE), ("during", DURING), ("after", AFTER)):
        write(tmp_path / f"{name}.csv", at=at)
        write(tmp_path / f"folder/{name}.csv", at=at)
    found = look(tmp_path, inputs=("*.csv", "folder"))
    assert [f.path for f in found.files if f.role == "input"] == ["before.csv", "folder/before.csv"]
    assert gaps(found) == [
        ("after.csv", "input", "written-since"),
        ("during.csv", "input", "written-meanwhile"),
        ("folder/after.csv", "input", "written-since"),
        ("folder/during.csv", "input", "written-meanwhile"),
    ]
    assert not found.complete


def test_a_job_that_runs_still_knows_its_inputs_whenever_they_were_written(tmp_path: Path) -> None:
    write(tmp_path / "in.csv", at=DURING)
    found = look(tmp_path, over=False, inputs=("in.csv",), started_at=iso(START))
    assert [(f.path, f.role) for f in found.files] == [("in.csv", "input")]


def test_a_wrong_line_of_ours_is_named_and_no_gap_is_hidden_behind_it(tmp_path: Path) -> None:
    write(tmp_path / "a.csv", at=BEFORE)
    script = "#!/bin/bash\n#AUDITOR input=a.csv outputs=b.csv lable=x\n#AUDITOR inputs=c.csv\n"
    found = look(tmp_path, inputs=("a.csv",), script=script, script_path="job.sh")
    assert gaps(found) == [
        ("inputs=c.csv", "input", "misread, line 3: #AUDITOR input=c.csv"),
        ("lable=x", "label", "misread, line 2: #AUDITOR label=x"),
        ("outputs=b.csv", "output", "misread, line 2: #AUDITOR output=b.csv"),
    ]
    assert not found.complete
    assert look(tmp_path, inputs=("a.csv",), script="#!/bin/sh\n#AUDITOR lable=x\n", script_path="job.sh").complete


def test_without_a_right_line_the_wrong_one_is_why_no_input_is_declared(tmp_path: Path) -> None:
    job = Job("slurm", "1", workdir=str(tmp_path), script="#!/bin/bash\n#AUDITOR --input data/*.csv\n")
    assert collect(RealWorld(env={}), job) == Absent(
        "no inputs are declared; line 2 of the script, `--input data/*.csv`, says nothing: #AUDITOR input=data/*.csv"
    )
    command = Job("local", "L1", workdir=str(tmp_path), script="echo '\n#AUDITOR inputs=x'")
    assert collect(RealWorld(env={}), command) == Absent("no inputs are declared; outputs are looked for once the run is over")
