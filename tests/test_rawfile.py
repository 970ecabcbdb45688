"""How is a job's raw record read back? Whole or not at all, with the reason; whatever a job may have put into it."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor import codec, intake, rawfile
from auditor.model import AuditError, Capture, Evidence, Grade, Job, Phase, Status
from auditor.registry import probes

HEAD = {
    "names": "\nHOME\nLANG\nSLURM_JOB_ID\n__auditor_x\n",
    "auditor": "1",
    "phase": "end",
    "job": "123_4",
    "attempt": "1",
    "submission": "00ff",
    "cluster": "big",
    "taken": "1795446247",
    "host": "node1",
    "cwd": "/work/a",
    "umask": "0022",
    "status": "137",
}


def raw(facts: dict[str, str], **more: str) -> bytes:
    pairs = {**facts, **{k.replace("__", ":", 1): v for k, v in more.items()}, "end": ""}
    return b"".join(k.encode() + b"\0" + v.encode("utf-8", "surrogateescape") + b"\0" for k, v in pairs.items())


def test_a_record_becomes_a_job_and_a_world() -> None:
    found = rawfile.parse(raw(HEAD, env__LANG="C", env__SLURM_JOB_ID="124", **{"file:/work/a/data": "a\n", "missing:/none": ""}))
    assert found.job == Job(
        scheduler="slurm",
        job_id="123_4",
        cluster="big",
        submission="00ff",
        workdir="/work/a",
        attempt=1,
        ended_at="2026-11-23T15:04:07+00:00",
        hook="installed",
    )
    assert (found.phase, found.status, found.evidence) == (Phase.END, 137, None)
    assert found.world.env == {"HOME": "[withheld]", "LANG": "C", "SLURM_JOB_ID": "124"}
    assert found.world.run("umask").out == "0022\n"
    assert (found.world.read("data"), found.world.exists("/none")) == (b"a\n", False)


def test_a_value_that_was_not_exported_or_not_allowed_is_not_believed() -> None:
    found = rawfile.parse(raw(HEAD, env__OMP_NUM_THREADS="3", env__HOME="/home/me"))
    assert "OMP_NUM_THREADS" not in found.world.env
    assert found.world.env["HOME"] == "[withheld]"


@pytest.mark.parametrize("cut", [0, 1, 20, 100, -1, -2, -5])
def test_a_record_cut_short_is_refused(cut: int) -> None:
    whole = raw(HEAD)
    with pytest.raises(ValueError, match="its end is missing"):
        rawfile.parse(whole[:cut] if cut else b"")


def test_what_follows_the_end_may_be_cut() -> None:
    assert rawfile.parse(raw(HEAD) + b"evidence\0[{").evidence is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"auditor": "2"}, "this version reads form 1"),
        ({"phase": "lunch"}, "not a valid Phase"),
        ({"taken": "soon"}, "the time of the record is 'soon'"),
        ({"taken": "999999999999"}, "the time of the record"),
        ({"attempt": "-1"}, "the attempt of the record is '-1'"),
        ({"status": "x"}, "the status of the record is 'x'"),
        ({"evidence": "[1]"}, "not a list"),
        ({"evidence": "[" * 100_000}, "not JSON"),
    ],
)
def test_what_does_not_fit_is_named(change: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        rawfile.parse(raw({**HEAD, **change}))


@given(st.binary(max_size=300))
def test_no_bytes_at_all_do_more_than_be_refused(data: bytes) -> None:
    for raw_bytes in (data, raw(HEAD)[:-5] + data, data + raw(HEAD)):
        with suppress(ValueError):
            rawfile.parse(raw_bytes)


def test_bytes_that_are_no_text_survive() -> None:
    found = rawfile.parse(raw({**HEAD, "cwd": "/w/\udcff"}, env__LANG="\udcfe"))
    assert (found.world.cwd, found.world.env["LANG"]) == ("/w/\udcff", "\udcfe")


def test_a_record_is_seen_by_every_probe_of_its_phase(tmp_path: Path) -> None:
    path = tmp_path / "r.raw"
    path.write_bytes(raw(HEAD))
    found = intake.read(str(path))
    assert {e.probe for e in found.evidence} == {p.name for p in probes().values() if Phase.END in p.phases}
    assert {(e.phase, e.attempt, e.host) for e in found.evidence} == {(Phase.END, 1, "node1")}


def test_what_a_guest_saw_in_the_job_comes_along_and_a_guest_that_said_nothing_is_evidence() -> None:
    guests = sorted(p.name for p in probes().values() if p.guest and Phase.START in p.phases)
    told = Evidence(
        guests[0], 1, "K", Phase.START, 1, Status.ABSENT, Grade.OBSERVED, "s", "r", "2026-11-23T15:04:07+00:00", "node1"
    )
    facts = {k: v for k, v in HEAD.items() if k != "status"} | {"phase": "start"}
    found = intake.observed(raw(facts) + b"evidence\0" + codec.dumps([told]) + b"\0")
    assert [e for e in found.evidence if e.probe == guests[0]] == [told]
    silent = {e.probe for e in found.evidence if e.status is Status.FAILED and e.reason.startswith("it did not run in the job")}
    assert silent == set(guests[1:])


def test_a_capture_in_json_comes_back_as_it_was(tmp_path: Path) -> None:
    capture = Capture(Job("slurm", "7", argv=("a\udcff",)), Phase.SUBMIT, ())
    (tmp_path / "c.json").write_bytes(codec.dumps(capture))
    assert intake.read(str(tmp_path / "c.json")) == capture


@pytest.mark.parametrize("name", ["x.json", "x.raw"])
@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\0\0", b"\xff" * 40])
def test_a_broken_file_is_an_error_with_a_hint(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(AuditError) as caught:
        intake.read(str(tmp_path / name))
    assert str(tmp_path / name) in caught.value.message
    assert caught.value.hint != ""
