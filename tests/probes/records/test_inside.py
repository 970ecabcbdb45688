"""Only plain files below the folder may be read: a stranger's tree can hold links to anywhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.records.inside import Outside, inside, there


def test_a_plain_file_below_the_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log").write_text("x")

    assert inside(RealWorld(), str(tmp_path), "a/./log") == str(tmp_path / "a" / "log")


@pytest.mark.parametrize("path", ["../secret", "a/../../secret", "/etc/passwd", "link", "linked/passwd", "a", "pipe", "a\0b"])
def test_links_ways_out_and_what_is_no_file_are_refused(tmp_path: Path, path: str) -> None:
    (tmp_path / "run" / "a").mkdir(parents=True)
    (tmp_path / "secret").write_text("x")
    (tmp_path / "run" / "link").symlink_to("/etc/passwd")
    (tmp_path / "run" / "linked").symlink_to("/etc")
    os.mkfifo(tmp_path / "run" / "pipe")

    with pytest.raises(Outside):
        inside(RealWorld(), str(tmp_path / "run"), path)
    assert there(RealWorld(), str(tmp_path / "run"), path) == ""


def test_the_folder_itself_may_be_reached_over_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "log").write_text("x")
    (tmp_path / "project").symlink_to("real")

    assert inside(RealWorld(), str(tmp_path / "project"), "log") == str(tmp_path / "project" / "log")


def test_what_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        inside(RealWorld(), str(tmp_path), "log")
    assert there(RealWorld(), str(tmp_path), "log") == ""
