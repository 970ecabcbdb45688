"""What FireWorks leaves: a launch pad captured from a real run, its other offline forms, launch folders, and all that can be wrong with them."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from bsonfile import document

from auditor.world import RealWorld
from probes.workflows import Asked, Event, File, Place, State, WorkflowRun
from probes.workflows.fireworks import READER
from probes.workflows.fireworks_tasks import asked

CAPTURED = Path(__file__).parent / "captured/fireworks"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


class At(RealWorld):
    """This machine, at another time."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self._now = now

    def now(self) -> datetime:
        return self._now


def read(folder: Path, world: RealWorld | None = None) -> tuple[WorkflowRun, ...]:
    return tuple(READER.read(world or RealWorld(), str(folder)))


def work(number: int, state: str, **more: Any) -> dict[str, Any]:
    spec = {"_tasks": [{"_fw_name": "ScriptTask", "script": f"./step {number}"}], **more.pop("spec", {})}
    return {"fw_id": number, "name": f"step-{number}", "state": state, "spec": spec, "launches": [number], **more}


def launch(number: int, state: str, **more: Any) -> dict[str, Any]:
    at = NOON + timedelta(minutes=number)
    history = [{"state": "RUNNING", "created_on": at.isoformat(), "updated_on": at.isoformat()}]
    end = (
        {"time_end": (at + timedelta(seconds=30)).isoformat(), "runtime_secs": 30.0} if state in ("COMPLETED", "FIZZLED") else {}
    )
    return {
        "launch_id": number, "fw_id": number, "state": state, "host": "node1", "time_start": at.isoformat(),
        "state_history": history, "launch_dir": f"/elsewhere/launcher_{number}", **end, **more,
    }  # fmt: skip


def pad(folder: Path, works: list[Any], launches: list[Any], **workflow: Any) -> Path:
    """A launch pad of one workflow, as the file backend writes it."""
    flow = {"name": "flow", "state": "COMPLETED", "nodes": [w["fw_id"] for w in works if "fw_id" in w], "links": {}, **workflow}
    held = {"workflows": [flow], "fireworks": works, "launches": launches}
    store = {"db": {kind: {"name": kind, "documents": [[{"$oid": "0"}, d] for d in held[kind]]} for kind in held}}
    (folder / "store.json").write_text(json.dumps(store))
    return folder


def test_a_real_launch_pad_tells_of_three_workflows_newest_first() -> None:
    runs = read(CAPTURED)

    assert [(r.name, r.state, len(r.tasks)) for r in runs] == [
        ("fails", State.FAILED, 2),
        ("flaky", State.SUCCEEDED, 1),
        ("iteration-0", State.SUCCEEDED, 8),
    ]
    assert runs[2].proof == "the launch pad's state is COMPLETED, and so is that of all 8 fireworks"
    assert (runs[2].id, runs[2].system) == ("campaign:1", "fireworks")


def test_a_detour_that_does_the_same_again_is_a_loop_that_the_engine_was_told() -> None:
    run = read(CAPTURED)[2]

    assert [(c.what, c.text) for c in run.constructs] == [("loop", "predict-0 added simulate, train, predict again")]
    assert [(e.what, e.text, e.task) for e in run.events] == [
        ("detour", "predict-0 added 4 fireworks: simulate, train, predict", "1")
    ]
    assert {t.id: t.needs for t in run.tasks}["10"] == ("1",), "the second simulation waits for the first prediction"
    assert run.constructs[0].place == Place("store.json", "launch 4")


def test_a_retry_is_found_among_the_archived_launches_and_its_secret_is_not() -> None:
    (task,) = read(CAPTURED)[1].tasks

    assert [(a.number, a.state, a.reason) for a in task.attempts] == [
        (1, State.FAILED, "RuntimeError: the first try always fails, password=[withheld]"),
        (2, State.SUCCEEDED, ""),
    ]
    assert [(e.what, e.text) for e in read(CAPTURED)[1].events] == [("retry", "flaky was run again")]


def test_what_was_asked_of_the_queue_is_read_in_its_own_units() -> None:
    train = next(t for t in read(CAPTURED)[2].tasks if t.name == "train")

    assert train.asked == Asked(gpus=1.0, seconds=600.0, other={"category": "gpu"})
    assert (train.command, train.parameters) == ("campaign.train", {"args": "[0]"})
    queue = {
        "nodes": 2,
        "ntasks": "8",
        "cpus_per_task": 4,
        "mem": "16G",
        "walltime": "1-02:00:00",
        "queue": "gpu",
        "gres": "gpu:a100:3",
    }
    assert asked({"_queueadapter": queue}) == Asked(4.0, 3.0, 16 << 30, None, 93_600.0, 2, 8, "gpu")


@pytest.mark.parametrize(
    ("walltime", "seconds"),
    [("90", 5400.0), ("90:30", 5430.0), ("01:00:00", 3600.0), ("2-12", 216_000.0), ("soon", None), ("", None)],
)
def test_wall_times_are_slurms(walltime: str, seconds: float | None) -> None:
    assert asked({"_queueadapter": {"walltime": walltime}}).seconds == seconds


def test_a_reservation_is_the_jobs_number_in_the_queue(tmp_path: Path) -> None:
    reserved = {"state": "RESERVED", "created_on": NOON.isoformat(), "reservation_id": "812"}
    one = launch(1, "COMPLETED")
    pad(tmp_path, [work(1, "COMPLETED")], [{**one, "state_history": [reserved, *one["state_history"]]}])

    (attempt,) = read(tmp_path)[0].tasks[0].attempts

    assert (attempt.native_id, attempt.submitted, attempt.started) == (
        "812",
        "2026-11-23T12:00:00+00:00",
        "2026-11-23T12:01:00+00:00",
    )


@pytest.mark.parametrize(
    ("said", "launched", "state"),
    [
        ("COMPLETED", "COMPLETED", State.SUCCEEDED),
        ("FIZZLED", "FIZZLED", State.FAILED),
        ("WAITING", None, State.NOT_RUN),
        ("READY", None, State.NOT_RUN),
        ("RESERVED", "RESERVED", State.NOT_RUN),
        ("DEFUSED", None, State.NOT_RUN),
        ("DEFUSED", "FIZZLED", State.FAILED),
        ("PAUSED", None, State.NOT_RUN),
        ("ARCHIVED", "COMPLETED", State.SUCCEEDED),
        ("ARCHIVED", None, State.NOT_RUN),
        ("NEWFANGLED", "NEWFANGLED", State.UNKNOWN),
    ],
)
def test_each_state_says_no_more_than_it_proves(tmp_path: Path, said: str, launched: str | None, state: State) -> None:
    pad(tmp_path, [work(1, said)], [launch(1, launched)] if launched else [], state=said)

    assert read(tmp_path)[0].tasks[0].state is state


@pytest.mark.parametrize(("hours", "state"), [(1, State.RUNNING), (5, State.KILLED)])
def test_a_launch_that_gave_no_sign_for_four_hours_is_lost(tmp_path: Path, hours: int, state: State) -> None:
    """FireWorks itself calls it so after RUN_EXPIRATION_SECS; its database says RUNNING for ever."""
    pad(tmp_path, [work(1, "RUNNING")], [launch(1, "RUNNING")], state="RUNNING")

    run = read(tmp_path, At(NOON + timedelta(hours=hours)))[0]

    assert (run.state, run.tasks[0].state, run.ended) == (state, state, "")


def test_a_duplicate_takes_the_launch_of_its_twin(tmp_path: Path) -> None:
    pad(tmp_path, [work(1, "COMPLETED"), work(2, "COMPLETED", launches=[1])], [launch(1, "COMPLETED")])

    assert [t.state for t in read(tmp_path)[0].tasks] == [State.SUCCEEDED, State.CACHED]


def test_a_cyclic_graph_is_told_as_it_is(tmp_path: Path) -> None:
    works = [work(1, "WAITING"), work(2, "WAITING")]
    pad(tmp_path, works, [], links={"1": [2], "2": [1, "1", None, {}]}, state="WAITING")

    assert {t.id: t.needs for t in read(tmp_path)[0].tasks} == {"1": ("2", "2"), "2": ("1",)}


def dumped(folder: Path, packed: bool = False) -> None:
    """The captured launch pad as mongodump writes it."""
    store = json.loads((CAPTURED / "store.json").read_text())["campaign"]
    for kind in ("workflows", "fireworks", "launches"):
        raw = b"".join(document(d) for _, d in store[kind]["documents"])
        (folder / f"{kind}.bson{'.gz' if packed else ''}").write_bytes(gzip.compress(raw) if packed else raw)


def exported(folder: Path, array: bool) -> None:
    """The same as mongoexport writes it."""
    store = json.loads((CAPTURED / "store.json").read_text())["campaign"]
    for kind in ("workflows", "fireworks", "launches"):
        documents = [d for _, d in store[kind]["documents"]]
        text = json.dumps(documents) if array else "\n".join(json.dumps(d) for d in documents)
        (folder / f"{kind}.json").write_text(text)


@pytest.mark.parametrize("form", ["dump", "packed dump", "lines", "list"])
def test_every_offline_form_of_a_launch_pad_tells_the_same(tmp_path: Path, form: str) -> None:
    if "dump" in form:
        dumped(tmp_path, "packed" in form)
    else:
        exported(tmp_path, form == "list")

    runs, known = read(tmp_path), read(CAPTURED)

    assert [(r.name, r.state, r.started, r.ended) for r in runs] == [(r.name, r.state, r.started, r.ended) for r in known]
    assert [[(t.id, t.name, t.needs, t.state, len(t.attempts)) for t in r.tasks] for r in runs] == [
        [(t.id, t.name, t.needs, t.state, len(t.attempts)) for t in r.tasks] for r in known
    ]


def test_what_lpad_prints_lacks_times_and_says_so(tmp_path: Path) -> None:
    printed = {
        "name": "flow", "state": "FIZZLED", "created_on": "2026-11-23T12:00:00",
        "fw": [{"fw_id": 1, "name": "sim", "state": "COMPLETED", "launches": [{"launch_id": 1, "launch_dir": "/x/launcher_1"}]},
               {"fw_id": 2, "name": "train", "state": "FIZZLED", "launches": []}],
        "links": {"sim--1": ["train--2"], "train--2": []},
        "states": {"sim--1": "COMPLETED", "train--2": "FIZZLED"}, "launch_dirs": {"sim--1": ["/x/launcher_1"], "train--2": []},
    }  # fmt: skip
    (tmp_path / "wflows.json").write_text(json.dumps(printed))

    (run,) = read(tmp_path)

    assert [(t.name, t.state, t.needs) for t in run.tasks] == [("sim", State.SUCCEEDED, ()), ("train", State.FAILED, ("1",))]
    assert run.gaps == ("`lpad get_wflows` prints no times and states of single launches",)


def test_files_that_tasks_left_are_counted_where_they_lie_now(tmp_path: Path) -> None:
    """The tree was moved: the launch folder's path in the record is of another machine."""
    here = (
        pad(tmp_path, [work(1, "COMPLETED")], [launch(1, "COMPLETED", launch_dir="/scratch/ada/run/launcher_1")]) / "launcher_1"
    )
    here.mkdir()
    (here / "FW.json").write_text("{}")
    (here / "FW_submit.script").write_text("#!/bin/bash\n")
    (here / "model.npz").write_bytes(b"12345")
    (here / "secret").symlink_to("/etc/passwd")

    assert read(tmp_path)[0].tasks[0].files == (
        File("launcher_1/FW_submit.script", "log", 12),
        File("launcher_1/model.npz", "output", 5),
    )


def test_a_folder_that_leads_out_of_the_tree_is_not_looked_into(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/file").write_text("x")
    inside = tmp_path / "in"
    inside.mkdir()
    pad(inside, [work(1, "COMPLETED")], [launch(1, "COMPLETED", launch_dir=str(tmp_path / "out"))])
    (inside / "out").symlink_to(tmp_path / "out")

    assert read(inside)[0].tasks[0].files == ()


def test_a_launch_folder_alone_proves_nothing(tmp_path: Path) -> None:
    """FW.json is a snapshot of the beginning: RUNNING, whatever came of it."""
    (tmp_path / "launcher_1").mkdir()
    shutil.copy(CAPTURED / "FW.json", tmp_path / "launcher_1/FW.json")

    (run,) = read(tmp_path)

    assert (run.state, [t.state for t in run.tasks]) == (State.UNKNOWN, [State.UNKNOWN])
    assert run.proof == "only launch folders are here: FW.json says RUNNING for ever"
    assert run.tasks[0].attempts[0].started == "2026-11-23T21:29:31.780+00:00"
    assert run.gaps == ("the launch pad is not here: links, states and retries are not known",)


def test_the_offline_record_beside_it_proves_how_the_launch_ended(tmp_path: Path) -> None:
    shutil.copy(CAPTURED / "FW.json", tmp_path / "FW.json")
    action = {"stored_data": {"_exception": {"_stacktrace": "Traceback\nValueError: token=abcdefgh12345678\n"}}}
    record = {
        "launch_id": 1,
        "state": "FIZZLED",
        "started_on": "2026-11-23T21:30:00",
        "completed_on": "2026-11-23T21:31:00",
        "fwaction": action,
    }
    (tmp_path / "FW_offline.json").write_text(json.dumps(record))

    (run,) = read(tmp_path)

    assert (run.state, run.started, run.ended) == (State.FAILED, "2026-11-23T21:30:00+00:00", "2026-11-23T21:31:00+00:00")
    assert run.tasks[0].attempts[0].reason == "ValueError: token=[withheld]"


def test_the_folder_above_tells_of_launch_folders(tmp_path: Path) -> None:
    for name in ("launcher_1", "block_1"):
        (tmp_path / name).mkdir()
        shutil.copy(CAPTURED / "FW.json", tmp_path / name / "FW.json")
        assert read(tmp_path / name) == ()


def test_files_with_passwords_are_told_by_name_only(tmp_path: Path) -> None:
    pad(tmp_path, [work(1, "COMPLETED", spec={"api_key": "abcdef1234567890", "n": 3})], [launch(1, "COMPLETED")])
    (tmp_path / "my_launchpad.yaml").write_text("host: db\nusername: ada\npassword: swordfish12345\n")

    (run,) = read(tmp_path)

    assert [(d.path, d.kind) for d in run.definitions] == [("my_launchpad.yaml", "config")]
    assert run.tasks[0].parameters == {"api_key": "[withheld]", "n": "3"}
    assert "swordfish" not in repr(run)


@pytest.mark.parametrize(
    ("raw", "gap"),
    [
        (b'{"db": {"workflows": {"documents": [[1, {"nodes": [1]', "store.json cannot be read: Expecting"),
        (b'{"db": {"workflows": {"documents": 7}}}' + b" " * 10, "there is no collection workflows"),
        (b'{"db": {"workflows": {"documents": [3, [1, 2], [1, {}]]}, "fireworks": {"documents": [[1, {}]]}}}', "a document of workflows is none"),
    ],
)  # fmt: skip
def test_a_damaged_store_is_a_run_with_a_gap(tmp_path: Path, raw: bytes, gap: str) -> None:
    (tmp_path / "store.json").write_bytes(raw)

    (run,) = read(tmp_path)

    assert run.state is State.UNKNOWN
    assert any(g.startswith(gap) for g in run.gaps), run.gaps


def test_a_dump_that_is_cut_off_keeps_what_was_read_before(tmp_path: Path) -> None:
    dumped(tmp_path)
    path = tmp_path / "launches.bson"
    path.write_bytes(path.read_bytes()[:-10])
    os.remove(tmp_path / "fireworks.bson")

    (run,) = read(tmp_path)

    assert run.gaps[0] == "fireworks.bson is not there"
    assert run.gaps[1].startswith("launches.bson cannot be read to its end: the file ends in the middle of a document")


def test_a_missing_collection_or_firework_is_said(tmp_path: Path) -> None:
    exported(tmp_path, array=False)
    os.remove(tmp_path / "launches.json")
    text = (tmp_path / "fireworks.json").read_text().splitlines()
    (tmp_path / "fireworks.json").write_text("\n".join([text[0], "{broken", *text[2:]]))

    run = next(r for r in read(tmp_path) if r.name == "iteration-0")

    assert run.gaps[0] == "a document of fireworks is none"
    assert run.gaps[1:] == ("launches.json is not there", "1 of 8 fireworks are not in the record")


def test_gigabytes_of_zeros_are_no_launch_pad(tmp_path: Path) -> None:
    for name in ("store.json", "workflows.bson"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(2 << 30)

    (run,) = read(tmp_path)

    assert run.gaps[0] == "workflows.bson cannot be read to its end: a document of 0 bytes"


def test_other_json_beside_a_launch_folder_is_nobodys_store(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"name": "fw"}')
    (tmp_path / "data.json").write_text("[1, 2, 3]")
    (tmp_path / "link.json").symlink_to(CAPTURED / "store.json")

    assert read(tmp_path) == ()


HOSTILE: Mapping[str, Any] = {
    "name": "evil\x1b]0;owned\x07\nname-3",
    "spec": {"_tasks": [{"_fw_name": "ScriptTask", "script": "export TOKEN=abcdef123456 \x1b[31m; rm -rf /"}]},
}


def test_hostile_text_is_one_clean_line(tmp_path: Path) -> None:
    pad(tmp_path, [work(1, "COMPLETED") | dict(HOSTILE)], [launch(1, "COMPLETED", host="a\nb\x1b[1m")], name="x\x1b[2J\ny")

    (run,) = read(tmp_path)

    assert "\x1b" not in repr(run)
    assert "\\n" not in repr(run.tasks)
    assert run.tasks[0].command == "export TOKEN=[withheld] ; rm -rf /"


def test_odd_values_everywhere_raise_nothing(tmp_path: Path) -> None:
    odd: list[Any] = [None, 3, "x", [], {}, {"$date": {"$numberLong": "9" * 30}}, True]
    works = [{"fw_id": n, "name": o, "state": o, "spec": o, "launches": o, "archived_launches": o} for n, o in enumerate(odd)]
    launches = [
        {"launch_id": n, "fw_id": o, "state": o, "state_history": o, "action": o, "time_start": o, "host": o, "fworker": o}
        for n, o in enumerate(odd)
    ]
    works.append(work(99, "COMPLETED", launches=list(range(len(odd)))))
    pad(tmp_path, works, launches, links=[1], state=None)

    assert len(read(tmp_path)[0].tasks) == len(odd) + 1


def test_a_rerun_and_a_pause_are_events(tmp_path: Path) -> None:
    works = [work(1, "COMPLETED", archived_launches=[9], launches=[1]), work(2, "PAUSED", launches=[])]
    pad(tmp_path, works, [launch(1, "COMPLETED"), launch(9, "FIZZLED", fw_id=1)], state="RUNNING")

    assert read(tmp_path)[0].events == (
        Event("retry", "step-1 was run again", task="1", place=Place("store.json", "firework 1")),
        Event("paused", "step-2 is paused", task="2", place=Place("store.json", "firework 2")),
    )


def test_times_without_a_zone_are_utc_wherever_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """FireWorks writes `datetime.utcnow()`."""
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        done = launch(1, "COMPLETED", time_start="2026-11-23T12:01:00", time_end="2026-11-23T12:01:30")
        (flow,) = read(pad(tmp_path, [work(1, "COMPLETED")], [done]))
    finally:
        monkeypatch.undo()
        time.tzset()

    assert (flow.tasks[0].attempts[0].started, flow.tasks[0].attempts[0].ended) == (
        "2026-11-23T12:01:00+00:00", "2026-11-23T12:01:30+00:00",
    )  # fmt: skip
