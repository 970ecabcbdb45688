"""Does a traced run know its files with nothing declared, and join others by them? Real runs, through the store."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from auditor.campaign import Campaign
from auditor.codec import build
from auditor.home import Home
from auditor.store import Store, ingest_spool
from auditor.submit.local import run
from probes.data import DataManifest
from tests.needs import need


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    need(*(tool for tool in ("strace",) if not shutil.which(tool)))
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "raw.csv").write_text("3\n1\n2\n")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("AUDITOR_HOME", str(tmp_path / "home"))
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(str(tmp_path / "home"))


def manifest(home: Home, run_id: str) -> DataManifest:
    with Store.open(home.store) as store:
        (found,) = [e for e in store.evidence(run_id) if e.kind == "DataManifest" and e.phase == "later"]
    assert found.data is not None, found.reason
    return build(dict(found.data), DataManifest, "manifest")


def rows(found: DataManifest) -> list[tuple[str, str, str]]:
    return [(f.path, f.role, f.how) for f in found.files]


def once(*command: str, home: Home, trace: str = "strace", outputs: tuple[str, ...] = ()) -> str:
    """Run it and take in what it left; the run's id."""
    result = run(command, home=home, trace=trace, outputs=outputs)
    assert result.exit_code == 0
    with Store.open(home.store) as store:
        ingest_spool(store, home)
    return result.jobs[0].run_id


def test_two_runs_that_declare_nothing_are_joined_by_what_they_read_and_wrote(work: Path, home: Home) -> None:
    first = once("bash", "-c", "sort raw.csv >part && mv part sorted.csv", home=home)
    second = once("bash", "-c", "tail -n1 <sorted.csv >best.txt", home=home)
    assert rows(manifest(home, first)) == [("raw.csv", "input", "traced"), ("sorted.csv", "output", "traced")]
    assert rows(manifest(home, second)) == [("best.txt", "output", "traced"), ("sorted.csv", "input", "traced")]
    with Store.open(home.store) as store:
        links = build(store.campaign(second).data, Campaign, "campaign").links
    assert [(link.source, link.target, link.path) for link in links] == [(first, second, "sorted.csv")]


def test_a_traced_run_does_not_claim_what_another_wrote_beside_it(work: Path, home: Home) -> None:
    """The other one writes while this one waits for it: by its time in the folder, other.txt could be anybody's."""
    for gate in ("begun", "done"):
        os.mkfifo(work.parent / gate)
    waits = "open('../begun').read(); open('other.txt', 'w').write('x'); open('../done', 'w').write('go\\n')"
    other = subprocess.Popen([sys.executable, "-c", waits])
    traced = once("bash", "-c", "echo mine >mine.txt; echo go >../begun; read <../done", home=home)
    assert other.wait() == 0
    assert rows(manifest(home, traced)) == [("mine.txt", "output", "traced")]


def test_a_declared_pattern_wins_and_an_excluded_folder_stays_out(
    work: Path, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDITOR_EXCLUDE", "scratch")
    (work / "scratch").mkdir()
    one = once("bash", "-c", "cp raw.csv a.csv; cp raw.csv b.csv; cp raw.csv scratch/c.csv", home=home, outputs=("a.*",))
    assert rows(manifest(home, one)) == [
        ("a.csv", "output", "declared"),
        ("b.csv", "output", "traced"),
        ("raw.csv", "input", "traced"),
    ]


def test_a_work_directory_behind_a_link_is_spelt_as_it_was_named(work: Path, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    os.symlink(work, work.parent / "link")
    (work / "job.sh").write_text(f"#!/bin/bash\n#SBATCH --chdir={work.parent}/link\ncp raw.csv out.csv\n")
    assert rows(manifest(home, once("./job.sh", home=home))) == [
        ("out.csv", "output", "traced"),
        ("raw.csv", "input", "traced"),
    ]


def test_where_a_tracer_is_blind_the_times_in_the_folder_still_count(work: Path, home: Home) -> None:
    need(*([] if shutil.which("cc") else ["cc"]))
    busybox = shutil.which("busybox")
    need(*([] if busybox else ["busybox"]))
    one = once("bash", "-c", "cp raw.csv out.csv; busybox cp raw.csv unseen.csv", home=home, trace="preload")
    assert rows(manifest(home, one)) == [
        ("out.csv", "output", "traced"),
        ("raw.csv", "input", "traced"),
        ("unseen.csv", "output", "changed"),
    ]
