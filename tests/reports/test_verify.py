"""Which bundles are refused, which are reported as changed, and which are whole?"""

from __future__ import annotations

import copy
import hashlib
import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.model import AuditError
from reports.archive import verifier
from reports.archive.verify import verify
from tests import archived

Files = dict[str, bytes]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    archived.bundle(tmp_path)
    return tmp_path / "fit.crate.zip"


def files(path: Path) -> Files:
    archive = zipfile.ZipFile(path)
    return {n: archive.read(n) for n in archive.namelist()}


def packed(path: Path, contents: Files) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


def resealed(contents: Files) -> Files:
    """What a careful forger does: every manifest made anew."""
    payload = {n: d for n, d in contents.items() if n.startswith("data/")}
    made = {n: d for n, d in contents.items() if not n.startswith("tagmanifest")}
    for a in ("sha256", "sha512"):
        made[f"manifest-{a}.txt"] = "".join(f"{hashlib.new(a, d).hexdigest()}  {n}\n" for n, d in payload.items()).encode()
    oxum = f"Payload-Oxum: {sum(map(len, payload.values()))}.{len(payload)}"
    info = made["bag-info.txt"].decode().splitlines()
    made["bag-info.txt"] = "".join(f"{oxum if line.startswith('Payload-Oxum') else line}\n" for line in info).encode()
    tags = {n: d for n, d in made.items() if not n.startswith("data/")}
    for a in ("sha256", "sha512"):
        made[f"tagmanifest-{a}.txt"] = "".join(f"{hashlib.new(a, d).hexdigest()}  {n}\n" for n, d in tags.items()).encode()
    return made


def refusal(path: Path) -> str:
    with pytest.raises(AuditError) as caught:
        verify(path)
    assert caught.value.hint
    return caught.value.message


def test_a_fresh_bundle_is_whole_and_its_score_follows_from_its_evidence(bundle: Path) -> None:
    found = verify(bundle)
    assert (found.ok, found.problems, found.score, found.run_id) == (True, (), "equal", "3e3b2ed893bf4fe5")
    assert found.id == hashlib.sha256(files(bundle)["tagmanifest-sha256.txt"]).hexdigest()


def test_an_unpacked_bundle_verifies_like_the_zip(bundle: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(bundle).extractall(tmp_path / "bag")
    assert verify(tmp_path / "bag") == verify(bundle)


def test_a_bundle_that_another_tool_put_in_a_folder_is_still_whole(bundle: Path, tmp_path: Path) -> None:
    again = packed(tmp_path / "again.zip", {f"fit/{n}": d for n, d in files(bundle).items()})
    assert verify(again).id == verify(bundle).id


def change(name: str, old: bytes, new: bytes) -> Callable[[Files], None]:
    def do(contents: Files) -> None:
        assert old in contents[name]
        contents[name] = contents[name].replace(old, new)

    return do


def drop(name: str) -> Callable[[Files], None]:
    return lambda contents: contents.pop(name) and None


def add(name: str) -> Callable[[Files], None]:
    return lambda contents: contents.update({name: b"new"})


@pytest.mark.parametrize(
    ("tamper", "problem"),
    [
        (change("data/expected/out.csv", b"2.2", b"2.3"), "'data/expected/out.csv' was changed: its sha256 and sha512 differs"),
        (change("bag-info.txt", b"run", b"fun"), "'bag-info.txt' was changed: its sha256 and sha512 differs"),
        (change("manifest-sha512.txt", b"0", b"1"), "'manifest-sha512.txt' was changed: its sha256 and sha512 differs"),
        (drop("data/code/fit.py"), "'data/code/fit.py' is missing"),
        (drop("manifest-sha256.txt"), "manifest-sha256.txt is missing"),
        (drop("tagmanifest-sha256.txt"), "tagmanifest-sha256.txt is missing"),
        (add("data/code/more.py"), "'data/code/more.py' is not listed in manifest-sha256.txt"),
        (add("more.txt"), "'more.txt' is not listed in tagmanifest-sha256.txt"),
    ],
)
def test_every_change_is_told(bundle: Path, tmp_path: Path, tamper: Callable[[Files], None], problem: str) -> None:
    contents = files(bundle)
    tamper(contents)
    found = verify(packed(tmp_path / "x.zip", contents))
    assert (found.ok, found.score) == (False, "not checked")
    assert problem in found.problems


def test_a_signature_beside_the_manifests_is_no_change(bundle: Path, tmp_path: Path) -> None:
    assert verify(packed(tmp_path / "x.zip", {**files(bundle), "tagmanifest-sha256.txt.sig": b"SSH SIGNATURE"})).ok


def test_a_resealed_bundle_with_changed_evidence_is_found_by_its_ids(bundle: Path, tmp_path: Path) -> None:
    contents = files(bundle)
    change("data/evidence/evidence.json", b'"node1"', b'"node2"')(contents)
    found = verify(packed(tmp_path / "x.zip", resealed(contents)))
    assert not found.ok
    assert found.problems[0].endswith("does not hash to its id")


def test_a_resealed_bundle_with_a_better_score_is_found_by_scoring_again(bundle: Path, tmp_path: Path) -> None:
    contents = files(bundle)
    card = json.loads(contents["data/scorecard.json"])
    card["low"] = card["high"] = 100.0
    contents["data/scorecard.json"] = json.dumps(card).encode()
    found = verify(packed(tmp_path / "x.zip", resealed(contents)))
    assert found.problems == ("the scorecard does not follow from the evidence: scored again it comes out otherwise",)


def test_a_score_by_other_rules_is_not_recomputed_and_says_so(bundle: Path, tmp_path: Path) -> None:
    contents = files(bundle)
    card = json.loads(contents["data/scorecard.json"])
    contents["data/scorecard.json"] = json.dumps({**card, "ruleset": "0-" + "a" * 64}).encode()
    found = verify(packed(tmp_path / "x.zip", resealed(contents)))
    assert (found.ok, found.score) == (True, "other rules")


def test_a_finding_without_its_evidence_is_told(bundle: Path, tmp_path: Path) -> None:
    contents = files(bundle)
    contents["data/evidence/evidence.json"] = b"[]"
    found = verify(packed(tmp_path / "x.zip", resealed(contents)))
    assert all(p.startswith("the scorecard cites evidence") for p in found.problems)
    assert found.problems


@pytest.mark.parametrize(
    "name", ["data/../../etc/cron.d/x", "/etc/passwd", "data/..", "data//x", "data\\..\\x", "C:/x", "data/./x", "data/a\nb"]
)
def test_names_that_leave_the_folder_are_refused(bundle: Path, tmp_path: Path, name: str) -> None:
    message = refusal(packed(tmp_path / "x.zip", {**files(bundle), name: b"x"}))
    assert message.startswith("the bundle holds a name that leaves its folder")


def test_links_are_refused(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(bundle, "a") as archive:
        link = zipfile.ZipInfo("data/link")
        link.create_system = 3
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert refusal(bundle) == "'data/link' is a link or a special file"


def test_links_in_a_folder_are_refused(bundle: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(bundle).extractall(tmp_path / "bag")
    (tmp_path / "bag/data/link").symlink_to("/etc/passwd")
    assert refusal(tmp_path / "bag") == "'data/link' is a link or a special file"


def test_a_name_that_occurs_twice_is_refused(bundle: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(bundle, "a") as archive:
        archive.writestr("data/code/fit.py", "print('another')")
    assert refusal(bundle) == "the name 'data/code/fit.py' occurs twice"


def test_names_that_some_systems_confuse_are_refused(bundle: Path, tmp_path: Path) -> None:
    message = refusal(packed(tmp_path / "x.zip", {**files(bundle), "data/code/FIT.py": b"x"}))
    assert message == "two names differ only in case or accents: 'data/code/fit.py', 'data/code/FIT.py'"


def test_an_encrypted_bundle_is_refused(bundle: Path) -> None:
    raw = bytearray(bundle.read_bytes())
    at = raw.find(b"PK\1\2")
    raw[at + 8] |= 1  # the entry's general purpose flag, bit 0 (APPNOTE 4.4.4)
    bundle.write_bytes(raw)
    assert refusal(bundle).endswith("is encrypted")


def test_an_unusual_compression_is_refused(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("bagit.txt", "BagIt-Version: 1.0\n")
    assert refusal(tmp_path / "x.zip") == "'bagit.txt' is compressed in an unusual way"


@pytest.mark.parametrize("part", [0.0, 0.3, 0.99])
def test_a_bundle_that_was_cut_short_is_refused(bundle: Path, part: float) -> None:
    raw = bundle.read_bytes()
    bundle.write_bytes(raw[: int(len(raw) * part)])
    assert "is not a whole ZIP file" in refusal(bundle)


def test_a_damaged_entry_is_refused(bundle: Path) -> None:
    raw = bytearray(bundle.read_bytes())
    start = raw.find(b"data/report.html") + 100
    raw[start : start + 50] = bytes(50)
    bundle.write_bytes(raw)
    assert refusal(bundle).startswith("'data/report.html' cannot be read from the ZIP file")


def test_a_zip_bomb_is_refused_before_it_is_read(bundle: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr("bagit.txt", "BagIt-Version: 1.0\n")
        archive.writestr("data/zeros", bytes(20 << 20))
    assert refusal(tmp_path / "x.zip").endswith("this is a ZIP bomb")


def test_entries_that_share_their_bytes_are_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("bagit.txt", "BagIt-Version: 1.0\n")
        archive.writestr("data/a", bytes(1000))
        twin = copy.copy(archive.filelist[1])
        twin.filename = "data/b"
        archive.filelist.append(twin)
    (tmp_path / "x.zip").write_bytes(out.getvalue())
    assert refusal(tmp_path / "x.zip").endswith("this is a ZIP bomb")


def test_a_table_of_contents_without_end_is_refused_before_it_is_read(bundle: Path) -> None:
    raw = bytearray(bundle.read_bytes())
    at = raw.rfind(b"PK\5\6")
    raw[at + 12 : at + 16] = struct.pack("<I", 200 << 20)
    bundle.write_bytes(raw)
    assert "table of contents has" in refusal(bundle)


def test_more_bytes_than_any_bundle_has_are_refused(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "MAX_BYTES", 1000)
    assert refusal(bundle).endswith("bytes, more than 1000")


def test_more_files_than_any_bundle_has_are_refused(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "MAX_FILES", 20)
    assert refusal(bundle).endswith("files, more than 20")


def test_what_is_no_bundle_is_told_apart(tmp_path: Path) -> None:
    packed(tmp_path / "photos.zip", {"a.jpg": b"x", "b.jpg": b"y"})
    (tmp_path / "notes.txt").write_text("hello")
    assert refusal(tmp_path / "photos.zip") == "this ZIP file is not a bundle: it has no bagit.txt"
    assert "is not a whole ZIP file" in refusal(tmp_path / "notes.txt")
    assert refusal(tmp_path) == f"{tmp_path} is not a bundle: it has no bagit.txt"
    assert refusal(tmp_path / "nothing.zip") == f"there is no bundle at {tmp_path / 'nothing.zip'}"


def test_a_bag_of_somebody_else_is_not_taken_for_a_run(tmp_path: Path) -> None:
    contents = {"bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n", "bag-info.txt": b"", "data/x": b"y"}
    message = refusal(packed(tmp_path / "x.zip", resealed(contents)))
    assert message == "the bundle has no data/evidence/evidence.json"


def test_the_command_inside_tells_by_its_exit_status(bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    contents = files(bundle)
    change("data/code/fit.py", b"slope", b"s10pe")(contents)
    bad, ugly = packed(tmp_path / "bad.zip", contents), packed(tmp_path / "ugly.zip", {"../x": b""})
    assert [verifier.main([str(p)]) for p in (bundle, bad, ugly)] == [0, 1, 2]
    assert "NOT whole: 1 problem(s)" in capsys.readouterr().out
