"""What did a run read that then wrote over it? Not what lies there afterwards. Real runs, through the store."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from auditor.campaign import Campaign
from auditor.codec import build
from auditor.home import Home
from auditor.model import Phase
from auditor.store import Store, ingest_spool
from auditor.submit.local import run
from auditor.whereabouts import since
from auditor.world import RealWorld
from probes.data import DataManifest
from tests.needs import need

STEP = ("bash", "-c", 'model=$(cat model.txt); echo "$model trained" >model.txt')
SEED, ONCE, TWICE = "seed\n", "seed trained\n", "seed trained trained\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "model.txt").write_text(SEED)
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("AUDITOR_HOME", str(tmp_path / "home"))
    return Home(str(tmp_path / "home"))


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def step(home: Home, *, trace: str = "", declared: tuple[str, ...] = ("model.txt",)) -> str:
    """Train once more, take in what that left; the run's id."""
    result = run(STEP, home=home, inputs=declared, outputs=declared, trace=trace)
    with Store.open(home.store) as store:
        ingest_spool(store, home)
    return result.jobs[0].run_id


def manifests(home: Home, run_id: str) -> dict[str, DataManifest]:
    with Store.open(home.store) as store:
        found = [e for e in store.evidence(run_id) if e.kind == "DataManifest" and e.data is not None]
    return {e.phase.value: build(dict(e.data or {}), DataManifest, "manifest") for e in found}


def links(home: Home, run_id: str) -> list[tuple[str, str, str, str]]:
    with Store.open(home.store) as store:
        found = build(store.campaign(run_id).data, Campaign, "campaign").links
    return [(link.source, link.target, link.path, link.sha256) for link in found]


def test_the_input_of_a_run_that_wrote_over_it_is_what_was_there_before(home: Home) -> None:
    one = manifests(home, step(home))
    assert [(f.role, f.sha256) for f in one[Phase.SUBMIT].files] == [("input", sha(SEED))]
    assert [(f.role, f.sha256) for f in one[Phase.START].files] == [("input", sha(SEED))]
    assert [(f.role, f.sha256) for f in one[Phase.LATER].files] == [("output", sha(ONCE))]
    assert [(s.path, s.role, s.reason, s.size) for s in one[Phase.LATER].skipped] == [
        ("model.txt", "input", "written-meanwhile", len(ONCE))
    ]


def test_a_loop_over_one_file_is_joined_turn_by_turn(home: Home) -> None:
    first, second, third = step(home), step(home), step(home)
    turns = {(first, second, "model.txt", sha(ONCE)), (second, third, "model.txt", sha(TWICE))}
    assert set(links(home, first)) == set(links(home, third)) == turns


def test_its_input_is_told_to_have_changed_and_by_whom(home: Home) -> None:
    first, second = step(home), step(home)
    with Store.open(home.store) as store:
        one, two = ({(f.role, f.state): f for f in since(store, run_id, RealWorld())} for run_id in (first, second))
    assert {key: f.sha256 for key, f in one.items()} == {("input", "changed"): sha(SEED), ("output", "changed"): sha(ONCE)}
    assert one["input", "changed"].others == (second,)
    assert {key: f.sha256 for key, f in two.items()} == {("input", "changed"): sha(ONCE), ("output", "same"): sha(TWICE)}
    assert (two["input", "changed"].others, two["input", "changed"].origin) == ((), (first,))
    assert two["input", "changed"].reason == "this run wrote over it"


@pytest.mark.parametrize("declared", [(), ("model.txt",)])
def test_a_trace_that_saw_both_makes_no_input_of_what_was_written(home: Home, declared: tuple[str, ...]) -> None:
    need(*(tool for tool in ("strace",) if not shutil.which(tool)))
    one = manifests(home, step(home, trace="strace", declared=declared))[Phase.LATER]
    assert [(f.path, f.role, f.sha256) for f in one.files] == [("model.txt", "output", sha(ONCE))]
    assert [(s.path, s.role, s.reason) for s in one.skipped] == [("model.txt", "input", "written-meanwhile")]


def test_a_trace_knows_what_was_written_whatever_the_times_say_afterwards(home: Home) -> None:
    need(*(tool for tool in ("strace",) if not shutil.which(tool)))
    Path("model.txt").touch()
    quiet = (
        "bash",
        "-c",
        "touch -r model.txt was; cat model.txt >copy; echo new >model.txt; touch -r was model.txt; rm was copy",
    )
    result = run(quiet, home=home, inputs=("model.txt",), trace="strace")
    with Store.open(home.store) as store:
        ingest_spool(store, home)
    found = manifests(home, result.jobs[0].run_id)[Phase.LATER]
    assert [(f.path, f.role) for f in found.files] == [("model.txt", "output")]
    assert [(s.path, s.reason) for s in found.skipped] == [("model.txt", "written-meanwhile")]
