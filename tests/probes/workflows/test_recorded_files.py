"""Are files that only a workflow engine's record names known by content, and those that it did not touch now left alone?"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from snakefolder import GOOD, START, made

from auditor.model import Job
from auditor.world import RealWorld
from probes.data import DataManifest
from probes.data.data import collect

BEFORE, DURING, AFTER = START - 100, START + 1, START + 1000
TIMES = {"started_at": "2026-11-23T21:23:34+00:00", "ended_at": "2026-11-23T21:23:45+00:00"}


def look(folder: Path, start: str = TIMES["started_at"], **job: tuple[str, ...]) -> DataManifest:
    world = RealWorld({"AUDITOR_HOME": str(folder.parent / "home"), "TZ": "UTC"}, "/")
    asked = Job("local", "L1", workdir=str(folder), started_at=start, ended_at=TIMES["ended_at"], inputs=job.get("inputs", ()))
    found = collect(world, asked)
    assert isinstance(found, DataManifest), found
    return found


def put(path: Path, at: float, text: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))


def snakemade(folder: Path, log: str = GOOD) -> Path:
    put(folder / "design.txt", BEFORE, "design")
    for name in ("out.txt", "model.txt", "loss.txt"):
        put(folder / name, DURING)
    return made(folder, log)


def rows(found: DataManifest) -> list[tuple[str, str, str]]:
    return [(f.path, f.role, f.how) for f in found.files if ".snakemake" not in f.path]


OUTPUTS = [("loss.txt", "output", "changed"), ("model.txt", "output", "changed"), ("out.txt", "output", "changed")]


def test_what_the_engine_read_from_outside_is_an_input_by_content(tmp_path: Path) -> None:
    found = look(snakemade(tmp_path / "work"))
    assert rows(found) == [("design.txt", "input", "recorded"), *OUTPUTS]
    assert found.files[0].sha256 == hashlib.sha256(b"design").hexdigest()


def test_a_declared_input_stays_declared(tmp_path: Path) -> None:
    assert rows(look(snakemade(tmp_path / "work"), inputs=("design.txt",)))[0] == ("design.txt", "input", "declared")


def test_a_record_of_another_time_names_nothing_of_this_run(tmp_path: Path) -> None:
    found = look(snakemade(tmp_path / "work"), start="2026-11-23T21:23:36+00:00")
    assert [r for r in rows(found) if r[1] == "input"] == []


def test_an_input_that_was_written_over_since_is_named_and_not_read(tmp_path: Path) -> None:
    folder = snakemade(tmp_path / "work")
    put(folder / "design.txt", AFTER)
    found = look(folder)
    assert rows(found) == OUTPUTS
    assert [(s.path, s.role, s.reason) for s in found.skipped if s.role == "input"] == [("design.txt", "input", "written-since")]


def test_what_is_recorded_and_not_there_or_a_folder_is_left_out(tmp_path: Path) -> None:
    folder = snakemade(tmp_path / "work")
    (folder / "design.txt").unlink()
    assert [r for r in rows(look(folder)) if r[1] == "input"] == []
    (folder / "design.txt").mkdir()
    assert [r for r in rows(look(folder)) if r[1] == "input"] == []


def crate(folder: Path, status: str = "CompletedActionStatus") -> Path:
    """A Process Run Crate of an action that read one file and made one elsewhere."""
    elsewhere = folder.parent / "elsewhere/made.txt"
    put(elsewhere, DURING)
    put(folder / "raw.csv", BEFORE)
    action = {
        "@id": "#run", "@type": "CreateAction", "instrument": {"@id": "#tool"}, "actionStatus": f"http://schema.org/{status}",
        "startTime": "2026-11-23T21:23:35+00:00", "endTime": "2026-11-23T21:23:40+00:00", "object": [{"@id": "raw.csv"}, {"@id": "https://example.org/x.csv"}],
        "result": [{"@id": f"file://{elsewhere}"}],
    }  # fmt: skip
    graph = [
        {"@id": "ro-crate-metadata.json", "@type": "CreativeWork", "about": {"@id": "./"}, "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"}},
        {"@id": "./", "@type": "Dataset", "conformsTo": {"@id": "https://w3id.org/ro/wfrun/process/0.5"}, "mentions": {"@id": "#run"}},
        {"@id": "#tool", "@type": "SoftwareApplication", "name": "tool"},
        {"@id": "raw.csv", "@type": "File"},
        {"@id": "https://example.org/x.csv", "@type": "File"},
        {"@id": f"file://{elsewhere}", "@type": "File"},
        action,
    ]  # fmt: skip
    put(
        folder / "ro-crate-metadata.json",
        BEFORE,
        json.dumps({"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}),
    )
    return folder


def test_what_was_made_outside_of_the_work_directory_is_an_output_when_its_time_says_so(tmp_path: Path) -> None:
    folder = crate(tmp_path / "work")
    made_there = str(tmp_path / "elsewhere/made.txt")
    assert rows(look(folder)) == [(made_there, "output", "recorded"), ("raw.csv", "input", "recorded")]
    os.utime(made_there, (BEFORE, BEFORE))
    assert rows(look(folder)) == [("raw.csv", "input", "recorded")]


def test_a_failed_task_made_nothing_that_counts_but_read_its_inputs(tmp_path: Path) -> None:
    assert rows(look(crate(tmp_path / "work", "FailedActionStatus"))) == [("raw.csv", "input", "recorded")]


def test_a_record_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = crate(tmp_path / "work")
    (folder / "ro-crate-metadata.json").write_text("{ broken")
    assert [(s.path, s.role, s.reason) for s in look(folder).skipped] == [("ro-crate-metadata.json", "", "unreadable")]
