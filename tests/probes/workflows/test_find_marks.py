"""Where did engines leave their records? Real folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from probes.workflows import find
from probes.workflows.find import Mark, Marked, marked

MARKS = {"snakemake": (".snakemake",), "parsl": ("runinfo/monitoring.db",), "nextflow": (".nextflow.log*", ".nextflow/history")}


def folder(base: Path, *names: str) -> None:
    for name in names:
        (base / name).parent.mkdir(parents=True, exist_ok=True)
        (base / name).mkdir() if name.endswith("/") else (base / name).write_text("")


def test_a_folder_is_found_by_a_name_a_glob_or_a_name_inside_a_folder(tmp_path: Path) -> None:
    folder(tmp_path, "a/.snakemake/", "b/runinfo/monitoring.db", "c/.nextflow.log.1", "d/runinfo/000/parsl.log")
    assert marked((str(tmp_path),), MARKS) == Marked(
        (Mark("snakemake", f"{tmp_path}/a"), Mark("parsl", f"{tmp_path}/b"), Mark("nextflow", f"{tmp_path}/c")), True
    )


def test_the_insides_of_a_record_are_not_looked_through(tmp_path: Path) -> None:
    folder(tmp_path, ".snakemake/shadow/.nextflow.log")
    assert marked((str(tmp_path),), MARKS).marks == (Mark("snakemake", str(tmp_path)),)


def test_links_to_folders_are_not_followed_and_two_ways_to_a_root_are_one(tmp_path: Path) -> None:
    folder(tmp_path, "real/.snakemake/", "tree/x")
    (tmp_path / "tree/loop").symlink_to(tmp_path / "real")
    (tmp_path / "again").symlink_to(tmp_path / "real")
    assert marked((str(tmp_path / "tree"),), MARKS).marks == ()
    assert marked((str(tmp_path / "real"), str(tmp_path / "again")), MARKS).marks == (Mark("snakemake", f"{tmp_path}/real"),)


def test_a_tree_deeper_than_we_look_is_not_whole(tmp_path: Path) -> None:
    folder(tmp_path, "1/2/3/4/5/6/7/.snakemake/")
    assert marked((str(tmp_path),), MARKS) == Marked((), False)


def test_a_tree_larger_than_the_budget_is_not_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path, *(f"{n}" for n in range(30)))
    monkeypatch.setattr(find, "MAX_ENTRIES", 20)
    assert marked((str(tmp_path),), MARKS) == Marked((), False)


def test_a_root_that_is_gone_leaves_the_search_open(tmp_path: Path) -> None:
    assert marked((str(tmp_path / "gone"),), MARKS) == Marked((), False)


def test_names_that_are_no_utf8_and_brackets_in_folders_are_no_obstacle(tmp_path: Path) -> None:
    folder(tmp_path, "run[1]/runinfo/monitoring.db")
    os.mkdir(os.fsencode(tmp_path) + b"/\xff")
    assert marked((str(tmp_path),), MARKS).marks == (Mark("parsl", f"{tmp_path}/run[1]"),)
