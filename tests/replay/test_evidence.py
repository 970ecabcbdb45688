"""Does a verdict come back as evidence of the run it is about, and does it earn its rung?"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from auditor.home import Home
from auditor.model import Capture, Phase
from auditor.replay.evidence import counts, remember, verdict_evidence
from auditor.store import Store
from auditor.verdict import Level, OutputVerdict, ReplayVerdict, RoundVerdict, Sameness, Step
from reports.judging.proofs import idle
from reports.score import score
from tests import archived
from tests.factory import at, sha


def verdict(run_id: str, same_machine: bool = False, sameness: Sameness = Sameness.IDENTICAL) -> ReplayVerdict:
    output = OutputVerdict("out.csv", sameness, "bytes", "", sha(archived.OUTPUT), sha(archived.OUTPUT))
    return ReplayVerdict(
        bundle="b" * 64,
        run_id=run_id,
        sameness=sameness,
        reason="of 1 output 1 identical",
        outputs=(output,),
        steps=(Step("run", "done", "exit code 0"),),
        where="local",
        same_machine=same_machine,
        sandbox="bubblewrap",
        environment="rebuilt-from-lock",
        started_at=at(60),
        ended_at=at(61),
        auditor="0.1.0",
    )


def test_a_verdict_is_remembered_with_the_run_and_kept_for_a_store_that_is_built_anew(tmp_path: Path) -> None:
    job, evidence = archived.run(tmp_path / "work")
    home = Home(str(tmp_path / "home"))
    with Store.open(home.store) as store:
        store.ingest([Capture(job, phase, tuple(e for e in evidence if e.phase is phase)) for phase in Phase])
        assert remember(store, verdict(job.run_id))
        assert [e.data["sameness"] for e in store.evidence(job.run_id) if e.kind == "ReplayVerdict" and e.data] == ["identical"]
    assert any(Path(home.archive).iterdir())


def test_a_verdict_on_a_run_of_somebody_else_is_not_stored(tmp_path: Path) -> None:
    with Store.open(Home(str(tmp_path)).store) as store:
        assert not remember(store, verdict("0123456789abcdef"))


def test_a_replay_on_another_machine_earns_the_last_rung_and_one_at_home_does_not(tmp_path: Path) -> None:
    job, evidence = archived.run(tmp_path / "work")

    def rungs(found: ReplayVerdict) -> dict[str, bool]:
        return {r.name: r.reached for r in score(job, (*evidence, verdict_evidence(found))).rungs}

    assert rungs(verdict(job.run_id, same_machine=False))["replayed-elsewhere"]
    assert not rungs(verdict(job.run_id, same_machine=True))["replayed-elsewhere"]
    assert not rungs(verdict(job.run_id, sameness=Sameness.DIFFERENT))["replayed-elsewhere"]


def test_a_repeat_earns_the_rung_of_repeatable_and_says_by_what(tmp_path: Path) -> None:
    job, evidence = archived.run(tmp_path / "work")
    twice = replace(
        verdict(job.run_id, same_machine=True),
        level=Level.REPEAT,
        reached=True,
        rounds=tuple(RoundVerdict(n, 0, Sameness.IDENTICAL, "1 output as in run 1") for n in (1, 2)),
        rules=("metrics.json, $.ended: not compared (learnt)",),
    )
    rung = next(r for r in score(job, (*evidence, verdict_evidence(twice))).rungs if r.name == "repeatable")
    assert (rung.reached, rung.reason) == (
        True,
        "1 output identical in a replay on the same machine (local); its 2 runs agree with each other, apart from 1 field by rule",
    )


def test_less_than_a_full_run_is_not_kept_and_would_disprove_nothing(tmp_path: Path) -> None:
    smoke = replace(verdict("0123456789abcdef"), level=Level.SMOKE, sameness=Sameness.NOT_COMPARED)
    assert (counts(smoke), idle(verdict_evidence(smoke))) == (False, True)
