"""Can somebody else's verdict stand in a run's report, and for no more than it shows?"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from auditor import codec
from auditor.home import Home
from auditor.model import AuditError, Capture, Grade, Phase
from auditor.replay import attach, execute, plan
from auditor.replay.chain import chain, run_all
from auditor.sign.check import Trust
from auditor.store import Store
from auditor.verdict import Level, ReplayVerdict, Sameness
from reports.formats.schema import OF_CHAINS, OF_VERDICTS
from reports.score import score
from tests import archived
from tests.chained import three
from tests.needs import need


def made(folder: Path) -> tuple[str, ReplayVerdict]:
    """The bundle's id, and a verdict on it from another machine."""
    info = archived.bundle(folder)
    verdict = execute(plan(info.path), folder / "again", yes=True)
    return info.id, replace(verdict, machine="f" * 64, same_machine=False)


def reached(folder: Path, found: attach.Attached, rung: str) -> bool:
    job, evidence = archived.run(folder / "work")
    return next(r.reached for r in score(job, (*evidence, found.evidence)).rungs if r.name == rung)


def attached(folder: Path, verdict: ReplayVerdict, *bundles: str) -> attach.Attached:
    job, evidence = archived.run(folder / "work")
    return attach.attach(verdict, job.run_id, bundles, evidence, None, "verdict.json")


def test_a_verdict_from_another_machine_raises_the_last_rung(tmp_path: Path) -> None:
    bundle, verdict = made(tmp_path)
    found = attached(tmp_path, verdict, bundle)
    assert (found.verdict.same_machine, found.notes, found.evidence.grade) == (False, (), Grade.OBSERVED)
    assert found.evidence.source == "verdict file verdict.json, not signed"
    assert reached(tmp_path, found, "replayed-elsewhere")


def test_one_from_the_same_machine_does_not_whatever_it_says(tmp_path: Path) -> None:
    bundle, verdict = made(tmp_path)
    _, evidence = archived.run(tmp_path / "work")
    mine = next(str((e.data or {})["fingerprint"]) for e in evidence if e.kind == "Hardware")
    found = attached(tmp_path, replace(verdict, machine=mine), bundle)
    assert found.notes == ("it counts as a replay on the same machine: the fingerprints are equal",)
    assert not reached(tmp_path, found, "replayed-elsewhere")
    assert reached(tmp_path, found, "repeatable")


def test_a_machine_that_is_not_told_is_not_another_one(tmp_path: Path) -> None:
    bundle, verdict = made(tmp_path)
    assert attached(tmp_path, replace(verdict, machine=""), bundle).verdict.same_machine


def test_a_verdict_on_another_bundle_or_run_is_refused(tmp_path: Path) -> None:
    bundle, verdict = made(tmp_path)
    with pytest.raises(AuditError, match=r"is about bundle .* which is none of this run's"):
        attached(tmp_path, verdict, "0" * 64)
    with pytest.raises(AuditError, match=r"is about run .feedfacefeedface"):
        attached(tmp_path, replace(verdict, run_id="feedfacefeedface"), bundle)


def test_a_smoke_run_of_somebody_else_is_not_for_the_report(tmp_path: Path) -> None:
    bundle, verdict = made(tmp_path)
    with pytest.raises(AuditError, match="is of level smoke: it proves nothing of the outputs"):
        attached(tmp_path, replace(verdict, level=Level.SMOKE, sameness=Sameness.NOT_COMPARED), bundle)


def test_a_verdict_keeps_to_the_published_schema_and_survives_the_file(tmp_path: Path) -> None:
    _, verdict = made(tmp_path)
    (tmp_path / "v.json").write_bytes(codec.pretty(verdict))
    jsonschema.validate(json.loads((tmp_path / "v.json").read_text()), json.loads(OF_VERDICTS.read_text()))
    assert attach.read(tmp_path / "v.json")[0] == (verdict,)


def test_the_verdict_of_a_chain_holds_one_for_each_run(tmp_path: Path) -> None:
    found = run_all(chain(three(tmp_path)), tmp_path / "again", yes=True)
    (tmp_path / "v.json").write_bytes(codec.pretty(found))
    jsonschema.validate(json.loads((tmp_path / "v.json").read_text()), json.loads(OF_CHAINS.read_text()))
    assert attach.read(tmp_path / "v.json")[0] == found.verdicts


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"verdicts": 3}', '{"bundle": "x"}', "no json"])
def test_what_is_no_verdict_is_refused_in_a_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "v.json").write_text(text)
    with pytest.raises(AuditError):
        attach.read(tmp_path / "v.json")


def test_a_verdict_of_before_levels_still_reads(tmp_path: Path) -> None:
    old = {
        k: v for k, v in codec.plain(made(tmp_path)[1]).items() if k not in ("level", "reached", "proved", "rounds", "machine")
    }
    (tmp_path / "v.json").write_text(json.dumps(old))
    assert attach.read(tmp_path / "v.json")[0][0].level is Level.FULL


def keys(folder: Path) -> Path:
    need(*(() if shutil.which("ssh-keygen") else ("ssh-keygen",)))
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(folder / "key")], check=True)
    public = (folder / "key.pub").read_text().split()
    (folder / "allowed").write_text(f"reviewer@example.org {public[0]} {public[1]}\n")
    return folder / "key"


def test_a_signed_verdict_says_by_whom_and_a_changed_one_is_refused(tmp_path: Path) -> None:
    bundle, verdict = made(tmp_path)
    file = tmp_path / "v.json"
    file.write_bytes(codec.pretty(verdict))
    attach.sign(file, str(keys(tmp_path)))
    signed = attach.signature(file, file.read_bytes(), str(tmp_path / "allowed"))
    assert signed is not None
    assert (signed.trust, signed.who) == (Trust.KNOWN, "reviewer@example.org")
    job, evidence = archived.run(tmp_path / "work")
    found = attach.attach(verdict, job.run_id, [bundle], evidence, signed, "v.json")
    assert (found.evidence.grade, found.evidence.source.startswith("verdict file v.json, signed by reviewer")) == (
        Grade.VERIFIED,
        True,
    )
    file.write_bytes(file.read_bytes().replace(b'"identical"', b'"different"'))
    with pytest.raises(AuditError, match="was not added"):
        attach.signature(file, file.read_bytes())


def test_where_a_signature_is_asked_for_an_unsigned_verdict_is_refused(tmp_path: Path) -> None:
    (tmp_path / "v.json").write_bytes(b"{}")
    with pytest.raises(AuditError, match="is not signed"):
        attach.signature(tmp_path / "v.json", b"{}", str(tmp_path / "allowed"))


def test_the_road_of_a_reviewer(tmp_path: Path) -> None:
    """Replay with -o, then the author adds the file: to the store that made the bundle, and to a page made of the bundle."""
    info = archived.bundle(tmp_path)
    home = tmp_path / "home"
    job, evidence = archived.run(tmp_path / "work")
    with Store.open(Home(str(home)).store) as store:
        store.ingest([Capture(job, phase, tuple(e for e in evidence if e.phase is phase)) for phase in Phase])
        store.record(job.run_id, "bundled", f"{info.id} {info.path} {info.size}")
    reviewer = auditor(tmp_path, tmp_path / "reviewer", "replay", info.path, "--yes", "-o", "v.json")
    assert reviewer.returncode == 0, reviewer.stderr
    added = auditor(tmp_path, home, "verdict", "add", "v.json")
    assert (added.returncode, added.stdout) == (0, f"run {job.run_id}: identical, verdict file v.json, not signed\n"), (
        added.stderr
    )
    page = auditor(tmp_path, home, "verdict", "add", "v.json", "--bundle", info.path, "-o", "r.html")
    assert page.returncode == 0, page.stderr
    assert "2 outputs 2 identical" in (tmp_path / "r.html").read_text()
    wrong = (tmp_path / "v.json").read_text().replace(info.id, "0" * 64)
    (tmp_path / "w.json").write_text(wrong)
    refused = auditor(tmp_path, home, "verdict", "add", "w.json")
    assert (refused.returncode, "which is none of this run's" in refused.stderr) == (2, True)


def auditor(cwd: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AUDITOR_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, "-P", "-m", "auditor", *words], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
