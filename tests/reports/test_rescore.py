"""Can anybody make the scorecard again from a bundle alone, byte for byte, and is told what was put into it?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from auditor import __version__, codec
from reports.archive.rescore import Change, Rescored
from reports.archive.verify import verify
from reports.judging.ruleset import ruleset
from tests import archived
from tests.reports.test_verify import Files, files, packed, resealed
from tests.reports.test_world import RUNS, bundled


def rescored(path: Path) -> Rescored:
    found = verify(path, other_rules=True).rescored
    assert found
    return found


def changed(path: Path, change: Callable[[Any], None], name: str = "data/scorecard.json") -> Files:
    """The bundle's files with one JSON document changed, and sealed again as a careful forger does."""
    contents = files(path)
    document = json.loads(contents[name])
    change(document)
    contents[name] = codec.pretty(document)
    return resealed(contents)


@pytest.fixture(scope="module")
def ml_job(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(bundled("ml_job", tmp_path_factory.mktemp("ml") / "run.crate.zip").path)


@pytest.mark.parametrize("name", RUNS)
def test_the_scorecard_of_every_literal_run_comes_out_again_in_the_same_bytes(name: str, tmp_path: Path) -> None:
    found = rescored(Path(bundled(name, tmp_path / "x.zip").path))
    assert (found.state, found.changes) == ("equal", ())
    assert (found.ruleset, found.auditor) == ((ruleset(), ruleset()), (__version__, __version__))


def first_finding(card: Any) -> Any:
    return next(f for tip in card["tips"] for f in tip["findings"] if f["outcome"] == "failed")


def test_a_better_finding_is_found_and_named(ml_job: Path, tmp_path: Path) -> None:
    name = first_finding(json.loads(files(ml_job)["data/scorecard.json"]))["check"]
    forged = packed(tmp_path / "x.zip", changed(ml_job, lambda card: first_finding(card).update(outcome="passed")))
    found = verify(forged)
    assert (found.ok, found.score) == (False, "different")
    assert found.rescored
    (change,) = found.rescored.changes
    assert change.where.endswith(f".findings[{name}].outcome")
    assert (change.stored, change.again) == ('"passed"', '"failed"')


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (lambda card: card.update(low=99.0), "low"),
        (lambda card: card["run"].update(state="FAILED"), "run.state"),
        (lambda card: card["tips"][0].update(high=card["tips"][0]["high"] + 1), "tips[integrate-ai].high"),
        (lambda card: card["rungs"][1].update(reached=not card["rungs"][1]["reached"]), "rungs[pinned].reached"),
        (lambda card: card.update(praise="excellent"), "praise"),
    ],
)
def test_a_changed_number_or_word_is_found_where_it_stands(
    ml_job: Path, tmp_path: Path, change: Callable[[Any], None], where: str
) -> None:
    found = verify(packed(tmp_path / "x.zip", changed(ml_job, change)))
    assert found.problems == ("the scorecard does not follow from the evidence: scored again it comes out otherwise",)
    assert found.rescored
    assert [c.where for c in found.rescored.changes] == [where]


def test_a_changed_value_of_the_evidence_is_found_by_its_id(ml_job: Path, tmp_path: Path) -> None:
    def change(evidence: Any) -> None:
        next(e for e in evidence if e["kind"] == "JobAccounting")["data"]["used_memory"] = 1

    found = verify(packed(tmp_path / "x.zip", changed(ml_job, change, "data/evidence/evidence.json")))
    assert not found.ok
    assert found.problems[0].endswith("does not hash to its id")


def test_evidence_with_a_fitting_new_id_is_found_by_the_scorecard_that_does_not_follow(ml_job: Path, tmp_path: Path) -> None:
    def change(evidence: Any) -> None:
        piece = next(e for e in evidence if e["kind"] == "JobAccounting")
        piece["data"]["used_memory"] = 1
        old = piece.pop("id")
        piece["id"] = hashlib.sha256(codec.dumps(piece)).hexdigest()
        assert piece["id"] != old

    found = verify(packed(tmp_path / "x.zip", changed(ml_job, change, "data/evidence/evidence.json")))
    assert not found.ok


def test_the_same_words_in_other_bytes_are_not_the_same(ml_job: Path, tmp_path: Path) -> None:
    contents = files(ml_job)
    contents["data/scorecard.json"] = json.dumps(json.loads(contents["data/scorecard.json"])).encode()
    found = verify(packed(tmp_path / "x.zip", resealed(contents)))
    assert found.problems == ("the scorecard says what follows from the evidence, but not in the bytes that we write",)


def test_by_other_rules_nothing_is_proved_but_what_changes_is_shown(ml_job: Path, tmp_path: Path) -> None:
    def change(card: Any) -> None:
        card["ruleset"] = "0-old"
        card["tips"][1]["level"] = card["low"] = 3

    forged = packed(tmp_path / "x.zip", changed(ml_job, change))
    found = rescored(forged)
    assert (verify(forged).ok, found.state) == (True, "other rules")
    assert Change("ruleset", '"0-old"', json.dumps(ruleset())) in found.changes
    assert found.low[0] == 3 and found.low[1] != 3
    assert verify(forged).rescored == Rescored(
        "other rules", (), (3, None), (found.high[0], None), ("0-old", ruleset()), (__version__, __version__)
    )


def test_another_release_with_the_same_rules_must_come_to_the_same_decisions(ml_job: Path, tmp_path: Path) -> None:
    honest = packed(tmp_path / "x.zip", changed(ml_job, lambda card: card.update(auditor="0.0.1")))
    found = verify(honest)
    assert (found.ok, found.score) == (True, "other release")
    assert found.rescored and found.rescored.changes == (Change("auditor", '"0.0.1"', json.dumps(__version__)),)
    forged = packed(tmp_path / "y.zip", changed(ml_job, lambda card: card.update(auditor="0.0.1", low=99.0)))
    assert verify(forged).ok is False


def test_a_scorecard_of_another_run_is_told(ml_job: Path, tmp_path: Path) -> None:
    found = verify(packed(tmp_path / "x.zip", changed(ml_job, lambda card: card["run"].update(id="0" * 16))))
    assert found.problems[0].startswith(f"the scorecard is of run {'0' * 16}, the bundle of run ")


def test_a_run_with_payload_and_a_replay_comes_out_again(tmp_path: Path) -> None:
    archived.bundle(tmp_path, payload="all")
    assert rescored(tmp_path / "fit.crate.zip").state == "equal"
