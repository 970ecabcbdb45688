"""Do spool files become runs exactly once, whatever is among them and wherever we are killed?"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor import codec, spool
from auditor.home import Home
from auditor.model import Evidence, Job, Phase
from auditor.store import IngestReport, Store, archive, ingest_spool, rebuild
from tests.factory import accounting, capture, file, hardware, job, manifest, packages, seen, submission


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(str(tmp_path))


def taken_in(home: Home) -> IngestReport:
    with Store.open(home.store) as store:
        return ingest_spool(store, home)


def content(home: Home) -> dict[str, tuple[Job, tuple[Evidence, ...]]]:
    with Store.open(home.store) as store:
        return {r.id: (store.job(r.id), store.evidence(r.id)) for r in store.runs(limit=0)}


def some(home: Home) -> None:
    for n in range(3):
        spool.save(home.spool, capture(job(str(n)), Phase.SUBMIT, seen(submission()), seen(manifest(file(f"in{n}")))))
        spool.save(home.spool, capture(job(str(n)), Phase.LATER, seen(accounting(str(n)))))


def test_files_are_taken_in_archived_and_removed(home: Home) -> None:
    some(home)
    assert taken_in(home) == IngestReport(files=6, runs=3, evidence=9)
    assert list(spool.waiting(home.spool)) == []
    assert len(Path(home.archive).glob("*.ndjson").__next__().read_bytes().splitlines()) == 6
    assert taken_in(home) == IngestReport(files=0, runs=0)


def test_an_empty_home_is_no_error(home: Home) -> None:
    assert taken_in(home) == IngestReport(files=0, runs=0)


@pytest.mark.parametrize(
    ("name", "broken", "why"),
    [
        ("cut.json", codec.dumps(capture(job(), Phase.SUBMIT, seen(submission())))[:-40], "is not JSON"),
        ("empty.json", b"", "it is empty"),
        ("foreign.json", b'{"name": "package", "version": "1.0.0"}', "does not read as Capture"),
        ("list.json", b"[1, 2]", "does not read as Capture"),
        ("latin.json", b'{"job": "\xe9"}', "is not JSON"),
        ("deep.json", b"[" * 100_000, "is not JSON"),
        ("huge.json", codec.dumps(capture(job(attempt=2**70), Phase.SUBMIT)), "beyond 64 bits"),
        ("noise.raw", b"\x00\x01not a record", "noise.raw"),
        ("empty.raw", b"", "it is empty"),
    ],
)
def test_a_broken_file_is_set_aside_with_its_reason_and_the_others_go_in(home: Home, name: str, broken: bytes, why: str) -> None:
    some(home)
    Path(home.spool, name).write_bytes(broken)
    os.utime(Path(home.spool, name), (0, 0))  # a record without its end may still grow while it is young
    report = taken_in(home)
    assert (report.files, report.runs) == (6, 3)
    [(set_aside, reason)] = report.quarantined
    assert set_aside == name
    assert why in reason
    assert Path(home.quarantine, name).read_bytes() == broken
    assert Path(home.quarantine, f"{name}.why").read_text() == reason + "\n"


def test_two_broken_files_of_one_name_are_both_kept(home: Home) -> None:
    for text in (b"one", b"two"):
        spool.write(home.spool, "x.json", text)
        taken_in(home)
    assert sorted(Path(home.quarantine, n).read_bytes() for n in ("x.json", "x.json.2")) == [b"one", b"two"]


@pytest.mark.parametrize(
    "raw",
    [
        codec.dumps(capture(job(), Phase.SUBMIT)).replace(b'"schema":1', b'"schema":2'),
        b'{"schema": 3, "jobs": {}}',
    ],
)
def test_a_file_from_a_newer_auditor_waits_for_it(home: Home, raw: bytes) -> None:
    path = spool.write(home.spool, "new.json", raw)
    report = taken_in(home)
    assert [name for name, reason in report.left if "newer auditor" in reason] == ["new.json"]
    assert (report.files, report.quarantined) == (0, ())
    assert os.path.exists(path)


def test_a_file_written_by_other_hands_reads_the_same(home: Home) -> None:
    one = capture(job(), Phase.START, seen(manifest(file("ü.csv"))))
    spool.write(home.spool, "by-hand.json", codec.pretty(one))
    taken_in(home)
    assert content(home)[job().run_id] == (job(), one.evidence)
    rebuild(home)
    assert content(home)[job().run_id] == (job(), one.evidence)


def test_what_was_committed_but_not_removed_is_only_removed(home: Home) -> None:
    some(home)
    again = {path: Path(path).read_bytes() for path in spool.waiting(home.spool)}
    taken_in(home)
    for path, raw in again.items():
        Path(path).write_bytes(raw)
    report = taken_in(home)
    assert (report.files, report.evidence) == (6, 0)
    assert list(spool.waiting(home.spool)) == []
    assert len(list(Path(home.archive).iterdir())) == 1


def test_a_rebuilt_store_holds_the_same(home: Home) -> None:
    some(home)
    taken_in(home)
    with Store.open(home.store) as store:
        store.record(job("1").run_id, "bundled", "run.zip")
    before = content(home)
    spool.save(home.spool, capture(job("9"), Phase.START, seen(hardware())))
    assert rebuild(home).files == 7
    after = content(home)
    assert after.pop(job("9").run_id)[0] == job("9")
    assert after == before
    with Store.open(home.store) as store:
        assert [e.detail for e in store.events()] == ["run.zip"]
    assert taken_in(home) == IngestReport(files=0, runs=0)


def test_a_destroyed_store_comes_back_from_the_archive(home: Home) -> None:
    some(home)
    taken_in(home)
    before = content(home)
    Path(home.store).write_bytes(b"rubbish" * 3000)
    assert rebuild(home).quarantined == ()
    assert content(home) == before
    assert Path(f"{home.store}.old").read_bytes() == b"rubbish" * 3000


def test_a_damaged_line_of_the_archive_costs_only_itself(home: Home) -> None:
    some(home)
    taken_in(home)
    [packed] = Path(home.archive).iterdir()
    lines = packed.read_bytes().splitlines(keepends=True)
    packed.write_bytes(b"".join([lines[0][:100] + b"\n", *lines[1:]]))
    report = rebuild(home)
    assert report.files == 5
    assert [name for name, _ in report.quarantined] == [packed.name]


def test_what_cannot_be_set_aside_or_deleted_is_told(home: Home) -> None:
    some(home)
    Path(home.spool, "broken.json").write_bytes(b"{")
    Path(home.quarantine).write_text("a file where the folder should be")
    report = taken_in(home)
    assert (report.files, report.quarantined) == (6, ())
    [(name, reason)] = report.left
    assert name == "broken.json"
    assert "cannot be set aside" in reason
    assert [os.path.basename(p) for p in spool.waiting(home.spool)] == ["broken.json"]


INGEST = """
import sys
from auditor.home import Home
from auditor.store import Store, ingest_spool, ingest
ingest.BATCH_FILES = 2
home = Home(sys.argv[1])
with Store.open(home.store) as store:
    print("open", flush=True)
    ingest_spool(store, home)
"""


def test_large_data_that_captures_share_is_archived_once_and_comes_back_to_the_byte(home: Home) -> None:
    lists = seen(packages(*(f"package{i}==1.{i}" for i in range(100))))
    written = {}
    for n in range(5):
        path = spool.save(home.spool, capture(job(str(n)), Phase.START, lists, seen(packages("numpy==2")), lists))
        written[os.path.basename(path)] = Path(path).read_bytes()
    taken_in(home)
    before = content(home)
    [packed] = Path(home.archive).iterdir()
    assert packed.read_bytes().count(b"package99") == 1
    parts: dict[str, bytes] = {}
    found = {}
    for line in archive.lines(str(packed)):
        if part := archive.part(line):
            parts[part[0]] = part[1]
        else:
            name, raw = archive.unpack(line, parts)
            found[name] = raw
    assert found == written
    rebuild(home)
    assert content(home) == before


def test_a_damaged_shared_part_costs_those_that_need_it_and_is_told(home: Home) -> None:
    lists = seen(packages(*(f"package{i}==1.{i}" for i in range(100))))
    for n in range(3):
        spool.save(home.spool, capture(job(str(n)), Phase.START, lists))
    spool.save(home.spool, capture(job("9"), Phase.START, seen(hardware())))
    taken_in(home)
    [packed] = Path(home.archive).iterdir()
    packed.write_bytes(packed.read_bytes().replace(b"package50", b"packagexx", 1))
    report = rebuild(home)
    assert (report.files, {name for name, _ in report.quarantined}) == (1, {packed.name})
    assert sorted({why for _, why in report.quarantined}) == ["a damaged part", "a part of it is damaged or missing"]
    assert list(content(home)) == [job("9").run_id]


def test_twenty_kills_lose_nothing_and_double_nothing(home: Home) -> None:
    """SIGKILL at random moments of the ingest, in small batches so that every step is hit; then it is finished and counted."""
    rng = random.Random(7)
    expected: set[str] = set()
    for round_ in range(20):
        for n in range(8):
            lists = packages(*(f"p{i}=={round_}.{n}" for i in range(20)))
            one = capture(job(f"{round_}0{n}"), Phase.START, seen(lists), seen(manifest(file(f"out{round_}-{n}", "output"))))
            expected |= {e.id for e in one.evidence}
            spool.save(home.spool, one)
        with subprocess.Popen([sys.executable, "-c", INGEST, home.root], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            assert child.stdout
            assert child.stdout.readline() == b"open\n"
            time.sleep(rng.random() * 0.15)
            child.send_signal(signal.SIGKILL)
    taken_in(home)
    with Store.open(home.store) as store:
        found = [e.id for run in store.runs(limit=0) for e in store.evidence(run.id)]
        assert sorted(found) == sorted(expected)
        assert store.query("select count(*) from sight") == [(len(expected),)]
        assert store.query("select count(*), count(distinct id) from ledger") == [(160, 160)]
        assert store.query("select count(*) from file") == [(160,)]
    before = content(home)
    rebuild(home)
    assert content(home) == before
