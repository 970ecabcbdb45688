"""Folders of an audited tree are entered through no link, and paths are told from the folder, also when it was moved."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.records.inside import Outside
from probes.records.within import below, relative


def test_a_folder_or_file_below_is_found_by_either_kind_of_path(tmp_path: Path) -> None:
    (tmp_path / "a/b").mkdir(parents=True)
    found = {below(RealWorld(), str(tmp_path), path) for path in ("a/b", "./a//b", "a/../a/b", str(tmp_path / "a/b"))}
    assert found == {str(tmp_path / "a/b")}


@pytest.mark.parametrize("path", ["..", "../run2", "/etc", "link", "link/x", "a/../../run2", "nul\0"])
def test_ways_out_and_links_are_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run2").mkdir()
    (tmp_path / "run/link").symlink_to(tmp_path / "run2")
    with pytest.raises(Outside):
        below(RealWorld(), str(tmp_path / "run"), path)


def test_a_link_in_a_circle_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(Outside):
        below(RealWorld(), str(tmp_path), "loop")


def test_paths_of_before_a_move_are_told_from_the_folder() -> None:
    assert relative("/new/run", "/old/run/out/x.txt", "/old/run") == "out/x.txt"
    assert relative("/new/run", "/new/run/./x.txt") == "x.txt"
    assert relative("/new/run", "/data/x.txt", "/old/run") == "/data/x.txt"
    assert relative("/new/run", "../x.txt") == "../x.txt"
    assert relative("/new/run", "s3://bucket//x.txt") == "s3://bucket//x.txt"
