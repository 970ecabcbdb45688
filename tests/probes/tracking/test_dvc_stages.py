"""What is read from DVC's files? By hand; DVC itself runs in tests/real/test_trackers.py."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.tracking import DataSet, Metric, Model, TrackedRun
from probes.tracking.dvc import READER
from probes.workflows import Digest, Place, State, Unreadable
from tests.probes.tracking.stores import files

SCORES = '{"loss": 0.25, "by": {"class": 0.5}, "note": "text"}'
MD5 = hashlib.md5(SCORES.encode()).hexdigest()
PIPELINE = """
stages:
  train:
    cmd: python train.py
    metrics:
      - scores.json: {cache: false}
  test:
    cmd: python test.py
"""
ENTRY = f"""
cmd: python train.py
deps:
- {{path: sims, hash: md5, md5: 6f419f77d95d156c9fab4b400c2847ab.dir, size: 12, nfiles: 3}}
params:
  params.yaml: {{train.lr: 0.1, seed: 5}}
  other.toml: {{n: 3}}
outs:
- {{path: model.pt, hash: md5, md5: 336669dbe720233ed5577ddf81b653d3, size: 30}}
- {{path: scores.json, hash: md5, md5: {MD5}, size: 51}}
"""
LOCK = "schema: '2.0'\nstages:\n  train:\n" + "".join(f"    {line}\n" for line in ENTRY.strip().splitlines())


def project(tmp_path: Path, **more: str) -> Path:
    return files(tmp_path, {"dvc.yaml": PIPELINE, "dvc.lock": LOCK, "scores.json": SCORES} | more)


def read(folder: Path) -> list[TrackedRun]:
    return list(READER.read(RealWorld(), str(folder)))


def test_a_stage_with_data_parameters_results_and_the_model_it_made(tmp_path: Path) -> None:
    model = Digest("md5", "336669dbe720233ed5577ddf81b653d3")

    assert read(project(tmp_path))[0] == TrackedRun(
        system="dvc",
        id="train",
        folder=str(tmp_path),
        state=State.SUCCEEDED,
        proof="dvc.lock has its outputs, which DVC writes when the command has succeeded",
        name="train",
        source="python train.py",
        parameters={"train.lr": "0.1", "seed": "5", "other.toml:n": "3"},
        metrics=(Metric("loss", 0.25, 1, 0.25, 0.25), Metric("by.class", 0.5, 1, 0.5, 0.5)),
        datasets=(
            DataSet("sims", "sims", "input", (Digest("md5", "6f419f77d95d156c9fab4b400c2847ab", "listing"),)),
            DataSet("model.pt", "model.pt", "output", (model,)),
        ),
        models=(Model("model.pt", "made", "model.pt", size=30, digests=(model,)),),
        seeds={"seed": "5"},
        place=Place("dvc.lock", "stages.train"),
    )


def test_a_stage_that_never_came_to_its_end_is_not_known_to_have_failed(tmp_path: Path) -> None:
    assert [(r.name, r.state, r.proof) for r in read(project(tmp_path))[1:]] == [
        ("test", State.UNKNOWN, "no entry in dvc.lock: it was never run to its end (not begun, or failed)")
    ]


def test_numbers_that_were_changed_since_are_not_those_of_the_run(tmp_path: Path) -> None:
    found = read(project(tmp_path, **{"scores.json": '{"loss": 0.0}'}))[0]

    assert (found.metrics, found.gaps) == ((), ("scores.json was changed since: its numbers are not of this run",))


def test_numbers_that_are_gone_are_said_to_be_gone(tmp_path: Path) -> None:
    folder = project(tmp_path)
    os.unlink(folder / "scores.json")

    assert read(folder)[0].gaps == ("scores.json: not there any more",)


def test_a_command_that_was_edited_since_is_said_to_be_another(tmp_path: Path) -> None:
    found = read(project(tmp_path, **{"dvc.yaml": PIPELINE.replace("train.py", "train.py --fast")}))[0]

    assert (found.source, found.gaps) == (
        "python train.py",
        ("dvc.yaml has another command by now: the stage was not run since",),
    )


def test_the_run_cache_tells_earlier_runs(tmp_path: Path) -> None:
    where = f".dvc/cache/runs/ab/{'ab' * 32}"
    earlier = ENTRY.replace("train.lr: 0.1", "train.lr: 0.9")
    folder = project(
        tmp_path,
        **{f"{where}/{'1' * 64}": earlier, f"{where}/{'2' * 64}": ENTRY, f"{where}/tmp": "x", f"{where}/{'3' * 64}": "["},
    )

    assert [(r.id, r.name, r.parameters["train.lr"]) for r in read(folder)[2:]] == [("1" * 64, "train", "0.9")]


def test_experiments_are_named_with_their_commits_loose_or_packed(tmp_path: Path) -> None:
    base = f"refs/exps/5e/{'2a' * 19}"
    packed = f"# pack-refs with: peeled\n{'d' * 40} {base}/old-one\n{'e' * 40} refs/heads/main\n{'f' * 40} {base}/../../evil\n"
    folder = project(
        tmp_path, **{f".git/{base}/new-one": "c" * 40 + "\n", ".git/packed-refs": packed, ".git/refs/exps/exec/EXEC_HEAD": "x"}
    )

    assert [(r.name, r.commit, r.parent) for r in read(folder)[2:]] == [
        ("new-one", "c" * 40, "5e" + "2a" * 19),
        ("old-one", "d" * 40, "5e" + "2a" * 19),
    ]


def test_the_first_form_of_the_lock_file_without_a_level_of_stages(tmp_path: Path) -> None:
    old = "train:\n" + "".join(f"  {line}\n" for line in ENTRY.strip().splitlines())

    assert [(r.name, r.state) for r in read(project(tmp_path, **{"dvc.lock": old}))] == [
        ("train", State.SUCCEEDED),
        ("test", State.UNKNOWN),
    ]


def test_stages_of_a_matrix_belong_to_their_template(tmp_path: Path) -> None:
    pipeline = "stages:\n  train:\n    matrix: {lr: [1, 2]}\n    cmd: python train.py ${item.lr}\n"
    lock = "schema: '2.0'\nstages:\n  train@1: {cmd: python train.py 1}\n  train@2: {cmd: python train.py 2}\n"

    assert [(r.name, r.state, r.gaps) for r in read(files(tmp_path, {"dvc.yaml": pipeline, "dvc.lock": lock}))] == [
        ("train@1", State.SUCCEEDED, ()),
        ("train@2", State.SUCCEEDED, ()),
    ]


@pytest.mark.parametrize("name", ["dvc.yaml", "dvc.lock"])
def test_a_damaged_file_is_unreadable_and_says_which(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unreadable, match=name):
        read(project(tmp_path, **{name: "stages: [\n"}))


@pytest.mark.parametrize(
    "lock", ["", "text", "[1, 2]", "stages: 3", "stages: {train: [1]}", "stages: {train: {outs: 3, deps: [x], params: [y]}}"]
)
def test_a_lock_of_another_shape_makes_no_accident(tmp_path: Path, lock: str) -> None:
    assert {r.name for r in read(project(tmp_path, **{"dvc.lock": lock}))} == {"train", "test"}


def test_a_metrics_file_outside_of_the_folder_is_not_read(tmp_path: Path) -> None:
    outside = files(tmp_path / "else", {"scores.json": SCORES})
    folder = project(tmp_path / "project")
    os.unlink(folder / "scores.json")
    os.symlink(outside / "scores.json", folder / "scores.json")

    assert read(folder)[0].metrics == ()
