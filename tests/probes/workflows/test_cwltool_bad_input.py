"""A damaged, moved or hostile CWLProv bundle is told as far as it goes, and never followed out of its folder."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import cwlbundle
import pytest
from cwlbundle import LOG, PACKED, bundle

from auditor.world import RealWorld
from probes.workflows import State, Unreadable, WorkflowRun, cwl_log, cwl_prov, cwltool

PROV = "metadata/provenance/primary.cwlprov.json"
ENGINE = "metadata/logs/engine.ee63440f.txt"


def run_of(folder: Path) -> WorkflowRun:
    (run,) = cwltool.READER.read(RealWorld(), str(folder))
    return run


@pytest.mark.parametrize("text", ["", '{"activity": {"id:', "[]", "null", "\x00\x01"])
def test_a_broken_record_leaves_the_log(tmp_path: Path, text: str) -> None:
    bundle(tmp_path)
    (tmp_path / PROV).write_text(text)

    run = run_of(tmp_path)

    assert run.state is State.SUCCEEDED
    assert {t.id: t.needs for t in run.tasks} == {"simulate": (), "simulate_2": (), "train": ("simulate", "simulate_2")}
    assert len(run.gaps) == 1 and run.gaps[0].startswith(PROV)


@pytest.mark.parametrize("text", ["", '{"$graph": [', '{"$graph": []}', "[1]"])
def test_a_broken_plan_leaves_record_and_log(tmp_path: Path, text: str) -> None:
    bundle(tmp_path)
    (tmp_path / "workflow/packed.cwl").write_text(text)

    run = run_of(tmp_path)

    assert [t.name for t in run.tasks] == ["simulate", "simulate", "train"]
    assert len(run.gaps) == 1 and "packed.cwl" in run.gaps[0]


def test_a_bundle_with_nothing_in_it_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "metadata").mkdir()
    (tmp_path / "metadata/manifest.json").write_text("{}")

    with pytest.raises(Unreadable, match="no engine log"):
        list(cwltool.READER.read(RealWorld(), str(tmp_path)))


def test_a_log_that_was_cut_has_no_end(tmp_path: Path) -> None:
    run = run_of(bundle(tmp_path, log=LOG[: LOG.index("[2026-11-23T21:24:16,4.000000Z]")]))

    assert (run.state, run.proof) == (State.UNKNOWN, "no line of the engine log says how it ended")
    assert {t.id: t.state for t in run.tasks}["train"] is State.UNKNOWN


def test_a_workflow_that_was_refused_never_ran(tmp_path: Path) -> None:
    log = "[2026-11-23T21:24:15,88.000000Z] [cwltool] cwltool bad.cwl\n[2026-11-23T21:24:16,1.000000Z] Tool definition failed validation:\nbad.cwl:1\n"

    run = run_of(bundle(tmp_path, log=log, record={}))

    assert (run.state, run.proof) == (State.FAILED, f"{ENGINE} line 2: Tool definition failed validation:")
    assert {t.state for t in run.tasks} == {State.NOT_RUN}


def test_a_moved_bundle_reads_the_same(tmp_path: Path) -> None:
    before = run_of(bundle(tmp_path / "a"))
    shutil.move(tmp_path / "a", tmp_path / "moved")

    after = run_of(tmp_path / "moved")

    assert (after.tasks, after.outputs, after.places) == (before.tasks, before.outputs, before.places)


def test_links_out_of_the_bundle_are_not_followed(tmp_path: Path) -> None:
    bundle(tmp_path / "run")
    for name in (PROV, ENGINE, "workflow/packed.cwl", "workflow/primary-job.json"):
        shutil.move(tmp_path / "run" / name, tmp_path / Path(name).name)
        (tmp_path / "run" / name).symlink_to(tmp_path / Path(name).name)

    with pytest.raises(Unreadable) as raised:
        list(cwltool.READER.read(RealWorld(), str(tmp_path / "run")))

    assert str(raised.value).count("is or crosses a link") == 3


def test_a_nested_record_is_not_looked_for_outside(tmp_path: Path) -> None:
    record = cwlbundle.prov()
    record["activity"]["id:t"]["prov:has_provenance"] = [{"$": "provenance:../../../secret.json"}]
    (tmp_path / "secret.json").write_text(json.dumps(cwlbundle.prov()))

    run = run_of(bundle(tmp_path / "run", record=record))

    assert [p.path for p in run.places].count(PROV) == 1 and not any("secret" in p.path for p in run.places)


def test_a_cycle_in_the_record_ends(tmp_path: Path) -> None:
    record = cwlbundle.prov()
    record["hadMember"]["_:m3"] = {"prov:collection": "id:both", "prov:entity": "id:both"}
    record["hadMember"]["_:m4"] = {"prov:collection": "id:r1", "prov:entity": "id:both"}
    record["used"]["_:u9"] = {"prov:activity": "id:s1", "prov:entity": "id:m"}

    tasks = {t.id: t.needs for t in run_of(bundle(tmp_path, record=record)).tasks}

    assert tasks["simulate"] == ("train",) and "simulate_2" in tasks["train"]


def test_a_record_that_names_itself_as_nested_is_read_once(tmp_path: Path) -> None:
    record = cwlbundle.prov()
    record["activity"]["id:t"]["prov:has_provenance"] = [{"$": "provenance:primary.cwlprov.json"}]

    assert [p.path for p in run_of(bundle(tmp_path, record=record)).places].count(PROV) == 1


@pytest.mark.parametrize("field", ["activity", "entity", "used", "wasGeneratedBy", "agent", "wasStartedBy", "specializationOf"])
@pytest.mark.parametrize("value", [None, 7, "x", [], [None], {"a": None}, {"a": [7, None]}, {"a": {"prov:activity": {"$": []}}}])
def test_values_of_any_other_shape_are_left_out(field: str, value: object) -> None:
    record = {**cwlbundle.prov(), field: value}

    assert isinstance(cwl_prov.parse(json.dumps(record)).activities, tuple)


def test_control_sequences_and_line_ends_of_names_do_not_come_through(tmp_path: Path) -> None:
    record = cwlbundle.prov()
    record["entity"]["id:m"]["cwlprov:basename"] = "mo\x1b[31mdel\n.txt"
    packed = json.loads(json.dumps(PACKED).replace("debian@sha256", "deb\\u001b[2Jian\\n@sha256"))

    run = run_of(bundle(tmp_path, record=record, packed=packed, log=LOG.replace("campaign.cwl", "camp\x1b]0;x\x07aign.cwl")))

    assert "\x1b" not in repr(run) and "\\x1b" not in repr(run) and "\\n" not in repr(run)
    assert [f.path for f in run.outputs] == ["m/model .txt"]


def test_a_log_of_a_gigabyte_is_read_in_pieces_with_an_end_to_its_jobs() -> None:
    def endless() -> Iterator[tuple[int, str]]:
        for number in range(cwl_log.MAX_JOBS + 5):
            yield number, f"[2026-11-23T21:24:15,1.000000Z] [job j{number}] /tmp$ true"
            yield number, "    " + "x" * 10_000

    log = cwl_log.parse(endless())

    assert (len(log.jobs), log.whole) == (cwl_log.MAX_JOBS, False)
    assert max(len(j.command) for j in log.jobs.values()) == cwl_log.MAX_COMMAND


def test_of_a_log_that_is_too_large_the_end_is_read_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cwl_log, "MAX_BYTES", 1024)
    head, end = LOG.rsplit("[2026-11-23T21:24:16,14", 1)

    run = run_of(bundle(tmp_path, log=f"{head}{'    filler of a command that goes on' * 20_000}\n[2026-11-23T21:24:16,14{end}"))

    assert (run.state, run.proof) == (State.SUCCEEDED, f"{ENGINE} its last lines: Final process status is success")
    assert any("not all of it was read" in gap for gap in run.gaps)
