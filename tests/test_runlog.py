"""Is every change of the run log found, and does nothing that happens to its writers break it?"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from auditor import runlog, spool
from auditor.home import Home
from auditor.model import AuditError, Phase
from auditor.runlog import Checked, Head, append, check, head
from auditor.store import Store, ingest_spool
from tests.factory import accounting, capture, job, seen, submission

EVENTS = [{"what": "ended", "run": f"run{n}", "at": f"2026-11-20T10:0{n}:00+00:00"} for n in range(6)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    append(str(tmp_path / "runlog.jsonl"), EVENTS)
    return tmp_path / "runlog.jsonl"


def rewritten(log: Path, change: dict[int, str | None]) -> None:
    """Lines by number (from 1) replaced, or taken out."""
    lines = log.read_text().splitlines()
    kept = [change.get(n, line) for n, line in enumerate(lines, start=1)]
    log.write_text("".join(f"{line}\n" for line in kept if line is not None))


def test_a_log_that_nobody_touched_is_whole(log: Path) -> None:
    last = json.loads(log.read_text().splitlines()[-1])
    assert check(str(log), [Head(6, last["hash"], "a bundle")]) == Checked(6, Head(6, last["hash"]), (), ())


def test_a_record_is_chained_to_the_one_above_it(log: Path) -> None:
    first, second = (json.loads(line) for line in log.read_text().splitlines()[:2])
    assert (first["seq"], first["prev"], second["prev"], second["event"]) == (1, "", first["hash"], EVENTS[1])


def test_an_edit_is_found_at_its_record(log: Path) -> None:
    rewritten(log, {3: log.read_text().splitlines()[2].replace("run2", "run9")})
    assert check(str(log)).problems == ("record 3 was changed: its hash is not that of what it says",)


def test_an_edit_with_a_new_hash_is_found_where_the_chain_breaks(log: Path) -> None:
    record = json.loads(log.read_text().splitlines()[2])
    record["event"]["run"] = "run9"
    record["hash"] = runlog._hash(record)
    rewritten(log, {3: runlog._canonical(record).decode()})
    assert check(str(log)).problems == ("record 4 does not follow the one above it: one of them was replaced",)


def test_a_record_that_was_taken_out_is_missed(log: Path) -> None:
    rewritten(log, {3: None})
    assert check(str(log)).problems == ("record 3 is missing: the next one says that it is number 4",)


def test_a_tail_that_was_cut_off_is_noticed_only_by_who_saw_a_later_head(log: Path) -> None:
    seen_head = append(str(log), [])
    assert seen_head
    rewritten(log, {5: None, 6: None})
    assert check(str(log)).problems == ()
    witness = Head(seen_head.seq, seen_head.hash, "run-1.crate.zip")
    assert check(str(log), [witness]).problems == (
        "run-1.crate.zip names record 6, but the log ends at record 4: its tail was cut off",
    )


def test_a_log_that_was_written_anew_is_noticed_by_who_saw_the_old_one(log: Path, tmp_path: Path) -> None:
    old = append(str(log), [])
    assert old
    log.unlink()
    append(str(log), [{**event, "run": f"forged-{event['run']}"} for event in EVENTS])
    assert check(str(log), [Head(old.seq, old.hash, "x.zip")]).problems == (
        "x.zip names another record 6: the log was rewritten there or above it",
    )
    log.unlink()
    assert check(str(log), [Head(old.seq, old.hash, "x.zip")]).problems == (
        "x.zip names record 6, but the log ends at record 0: its tail was cut off",
    )


@pytest.mark.parametrize("line", ["", "{", "[]", "null", '{"seq":3}', "\x00\x1b[31m", "9" * 5000, "[" * 5000, '{"seq": 3}'])
def test_a_line_that_is_no_record_is_told(log: Path, line: str) -> None:
    rewritten(log, {3: line})
    assert check(str(log)).problems == ("record 3 cannot be read",)


def test_a_line_without_end_is_read_in_pieces(log: Path) -> None:
    log.write_bytes(log.read_bytes() + b"x" * (1 << 20))
    assert "record 7 cannot be read" in check(str(log)).problems
    with pytest.raises(AuditError, match="damaged at its end"):
        append(str(log), [{"what": "ended"}])


def test_a_torn_last_line_is_no_record_and_the_next_writer_drops_it(log: Path) -> None:
    whole = log.read_bytes()
    log.write_bytes(whole + whole.splitlines()[-1][:70])
    torn = check(str(log))
    assert (torn.records, torn.problems) == (6, ())
    assert torn.notes == ("the last line is torn: a writer was killed; the next one drops it",)
    append(str(log), [{"what": "ended", "run": "next"}])
    assert check(str(log)).records == 7
    assert log.read_bytes().startswith(whole)


def test_a_clock_that_was_set_back_is_noted_and_is_no_sign_of_a_change(log: Path) -> None:
    append(str(log), [{"what": "ended", "run": "late", "at": "2026-11-19T00:00:00+00:00"}])
    found = check(str(log))
    assert (found.problems, len(found.notes)) == ((), 1)
    assert found.notes[0].startswith("record 7 is dated 2026-11-19T00:00:00+00:00, before one above it")


def test_an_event_that_was_written_just_before_is_not_written_again(log: Path) -> None:
    append(str(log), [{**EVENTS[5], "at": "2026-11-21T00:00:00+00:00"}, EVENTS[0]])
    assert check(str(log)).records == 6


def test_the_head_for_the_next_bundle_is_not_moved_by_making_one(log: Path) -> None:
    before = head(str(log))
    append(str(log), [{"what": "bundled", "bundle": "1"}, {"what": "signed", "bundle": "1"}])
    assert head(str(log)) == before
    assert head(str(log), frozenset()) != before


def test_without_a_log_there_is_no_head(tmp_path: Path) -> None:
    assert head(str(tmp_path / "runlog.jsonl")) is None
    assert not (tmp_path / "runlog.jsonl").exists()


def test_a_log_behind_a_link_is_not_followed(log: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(log)
    with pytest.raises(OSError, match="symbolic"):
        append(str(tmp_path / "link"), EVENTS)


WRITER = "import sys; from auditor.runlog import append\nfor n in range({n}): append(sys.argv[1], [dict(who=sys.argv[2], n=str(n))]); print(n, flush=True)"


def writer(log: Path, who: str, n: int) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", WRITER.format(n=n), str(log), who], stdout=subprocess.PIPE, text=True)


def test_writers_side_by_side_lose_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log"
    writers = [writer(log, who, 25) for who in "abc"]
    assert [w.communicate() and w.returncode for w in writers] == [0, 0, 0]
    assert (check(str(log)).records, check(str(log)).problems) == (75, ())


def test_what_a_killed_writer_had_told_is_in_the_log_and_the_chain_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for who in "abcd":
        one = writer(log, who, 100_000)
        assert one.stdout
        told = [one.stdout.readline() for _ in range(5)]
        os.kill(one.pid, signal.SIGKILL)
        one.communicate()
        assert told == ["0\n", "1\n", "2\n", "3\n", "4\n"]
        append(str(log), [{"what": "after", "who": who}])
        assert check(str(log)).problems == ()
        events = [json.loads(line)["event"] for line in log.read_text().splitlines()]
        assert {"who": who, "n": "4"} in events


def test_taking_in_the_spool_chains_what_ended_and_what_was_accounted_for_once(tmp_path: Path) -> None:
    home = Home(str(tmp_path))
    last = capture(job("7"), Phase.LATER, seen(accounting("7")))
    spool.save(home.spool, capture(job("7"), Phase.SUBMIT, seen(submission())))
    spool.save(home.spool, capture(job("7"), Phase.END, seen(submission(), phase=Phase.END)))
    spool.save(home.spool, last)
    with Store.open(home.store) as store:
        ingest_spool(store, home)
        spool.save(home.spool, last)  # killed after the commit: the file is still there
        ingest_spool(store, home)
    events = [json.loads(line)["event"] for line in Path(home.runlog).read_text().splitlines()]
    assert [e["what"] for e in events] == ["ended", "accounted"]
    assert check(home.runlog).problems == ()
