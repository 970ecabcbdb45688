"""Is a bag of ours what RFC 8493 says, in other people's opinion too, and the same every time?"""

from __future__ import annotations

import hashlib
import json
import zipfile
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import bagit
import bagit_profile
import pytest

from auditor.model import AuditError
from auditor.world import RealWorld
from reports.archive import bag
from reports.archive.bag import Item, Label
from tests import archived

DAY = datetime(2026, 11, 23, 12, 0, 1, tzinfo=UTC)
LABEL = Label({"External-Identifier": "urn:x:1", "Bagging-Date": "2026-11-23"}, {"profile.json": b"{}"}, DAY)
ITEMS = (Item("b.txt", b"two"), Item("a/100%.sh", b"#!/bin/sh\n", executable=True))


def unpacked(path: Path, target: Path) -> Path:
    zipfile.ZipFile(path).extractall(target)
    return target


def test_a_bag_has_the_files_and_lines_of_the_standard(tmp_path: Path) -> None:
    bag.write(str(tmp_path / "x.zip"), ITEMS, LABEL, RealWorld())
    folder = unpacked(tmp_path / "x.zip", tmp_path / "x")
    two, script = hashlib.sha256(b"two").hexdigest(), hashlib.sha256(b"#!/bin/sh\n").hexdigest()
    assert (folder / "bagit.txt").read_text() == "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    assert (folder / "manifest-sha256.txt").read_text() == f"{script}  data/a/100%25.sh\n{two}  data/b.txt\n"
    assert (folder / "bag-info.txt").read_text() == "Bagging-Date: 2026-11-23\nExternal-Identifier: urn:x:1\nPayload-Oxum: 13.2\n"


def test_the_id_is_the_hash_of_the_tag_manifest(tmp_path: Path) -> None:
    made = bag.write(str(tmp_path / "x.zip"), ITEMS, LABEL, RealWorld())
    tag_manifest = unpacked(tmp_path / "x.zip", tmp_path / "x").joinpath("tagmanifest-sha256.txt").read_bytes()
    assert made.id == hashlib.sha256(tag_manifest).hexdigest()


def test_order_of_giving_and_place_of_writing_leave_the_bytes_alone(tmp_path: Path) -> None:
    one = bag.write(str(tmp_path / "x.zip"), ITEMS, LABEL, RealWorld())
    two = bag.write(str(tmp_path / "new" / "y.zip"), ITEMS[::-1], LABEL, RealWorld())
    assert Path(one.path).read_bytes() == Path(two.path).read_bytes()


def test_entries_carry_no_owner_and_one_time(tmp_path: Path) -> None:
    bag.write(str(tmp_path / "x.zip"), ITEMS, LABEL, RealWorld())
    entries = {
        i.filename: (oct(i.external_attr >> 16), i.date_time, i.extra) for i in zipfile.ZipFile(tmp_path / "x.zip").infolist()
    }
    assert entries["data/b.txt"] == ("0o100644", (2026, 11, 23, 12, 0, 0), b"")
    assert entries["data/a/100%.sh"] == ("0o100755", (2026, 11, 23, 12, 0, 0), b"")


def test_a_source_file_is_streamed_and_must_still_be_what_was_seen(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 3_000_000)
    seen = hashlib.sha256(b"x" * 3_000_000).hexdigest()
    made = bag.write(
        str(tmp_path / "x.zip"), [Item("big", source=str(tmp_path / "big"), sha256=seen, size=3_000_000)], LABEL, RealWorld()
    )
    assert made.files == 1
    (tmp_path / "big").write_bytes(b"y" * 3_000_000)
    with pytest.raises(AuditError, match="changed while it was packed"):
        bag.write(
            str(tmp_path / "y.zip"), [Item("big", source=str(tmp_path / "big"), sha256=seen, size=3_000_000)], LABEL, RealWorld()
        )
    assert sorted(p.name for p in tmp_path.iterdir()) == ["big", "x.zip"]


def test_a_place_that_cannot_be_written_is_one_line_and_a_hint(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AuditError, match="cannot be written") as caught:
        bag.write(str(tmp_path / "file" / "x.zip"), ITEMS, LABEL, RealWorld())
    assert caught.value.hint == "choose another folder with --output"


def test_bagit_accepts_a_whole_bundle(tmp_path: Path) -> None:
    archived.bundle(tmp_path)
    assert bagit.Bag(str(unpacked(tmp_path / "fit.crate.zip", tmp_path / "bag"))).validate()


def test_bagit_refuses_it_after_one_byte_changed(tmp_path: Path) -> None:
    archived.bundle(tmp_path)
    folder = unpacked(tmp_path / "fit.crate.zip", tmp_path / "bag")
    (folder / "data/expected/out.csv").write_text((folder / "data/expected/out.csv").read_text().replace("2.2", "2.3"))
    with pytest.raises(bagit.BagValidationError):
        bagit.Bag(str(folder)).validate()


def test_a_bundle_keeps_to_our_published_profile(tmp_path: Path) -> None:
    archived.bundle(tmp_path)
    folder = unpacked(tmp_path / "fit.crate.zip", tmp_path / "bag")
    published = json.loads((files("reports.archive") / "bagit_profile.json").read_text())
    assert json.loads((folder / "bagit-profile.json").read_text()) == published
    profile = bagit_profile.Profile(published["BagIt-Profile-Info"]["BagIt-Profile-Identifier"], profile=published)
    assert profile.validate(bagit.Bag(str(folder))), str(profile.report)
