"""How far does a replay go, what does each level prove, and what does it leave open?"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auditor.cli.replay import status_of
from auditor.model import AuditError
from auditor.replay import execute, levels, plan, smoke
from auditor.replay.evidence import counts
from auditor.verdict import Level, ReplayVerdict, Sameness
from tests import archived

BEYOND = "whether it comes out the same with other data, seeds or machines"


def made(folder: Path, script: str = archived.SCRIPT, changes: dict[str, str] | None = None) -> Path:
    archived.bundle(folder) if script == archived.SCRIPT and not changes else _other(folder, script, changes or {})
    (folder / "work").rename(folder / "moved")
    return folder / "fit.crate.zip"


def _other(folder: Path, script: str, changes: dict[str, str]) -> None:
    job, evidence = archived.run(folder / "work", {**archived.FILES, "job.sh": script, **changes}, script)
    from reports.archive.bundle import build

    build(job, evidence, archived.card(job, evidence), folder / "fit.crate.zip", objects=archived.nothing)


def replayed(bundle: Path, **options: Any) -> ReplayVerdict:
    return execute(plan(bundle, **options), bundle.parent / "again", yes=True)


def test_verify_checks_the_bundle_and_lays_nothing_out(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path), level="verify")
    assert (verdict.sameness, verdict.reached, verdict.reason) == (
        Sameness.NOT_RUN,
        True,
        "nothing was run, as asked (level verify)",
    )
    assert verdict.proved == ("the bundle is whole: every checksum was recomputed",)
    assert [s.name for s in verdict.steps] == ["unpack"]
    assert not (tmp_path / "again" / "work").exists()


def test_inputs_are_laid_out_and_no_environment_is_made(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path), level="inputs")
    assert ([s.name for s in verdict.steps], verdict.reached) == (["unpack", "inputs"], True)
    assert verdict.not_proved[0] == "whether its software can be had again"


def test_the_environment_is_made_and_nothing_runs_in_it(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path), level="environment")
    assert ([s.name for s in verdict.steps], verdict.reached) == (["unpack", "inputs", "environment"], True)
    assert not (tmp_path / "again" / "stdout.txt").exists()


def test_a_level_that_is_not_reached_says_what_is_missing(tmp_path: Path) -> None:
    bundle = made(tmp_path)
    (tmp_path / "fit").mkdir()
    ready = replace(plan(bundle, level="environment"), stops=("input big.h5: not found",))
    verdict = execute(ready, tmp_path / "again", yes=True)
    assert (verdict.reached, verdict.reason, status_of(verdict)) == (False, "input big.h5: not found", 3)
    assert verdict.not_proved[0] == "every file that the run needs is at hand, the inputs with the recorded sha256"


def test_a_full_run_leaves_open_whether_it_agrees_with_itself(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path))
    assert (verdict.level, verdict.reached, status_of(verdict)) == (Level.FULL, True, 0)
    assert verdict.not_proved == ("whether it agrees with itself from run to run (--repeat 2)", BEYOND)


TRAIN = "#!/bin/bash\n#AUDITOR smoke=--epochs=1 smoke=STEPS=2\nSTEPS=5000\npython3 fit.py in.csv out.csv metrics.json $1 --epochs 90\necho $STEPS\n"


def test_a_smoke_run_is_made_smaller_as_the_author_declared_and_claims_nothing_of_outputs(tmp_path: Path) -> None:
    bundle = made(tmp_path, TRAIN, {"out.csv": "other\n"})
    ready = plan(bundle, level="smoke")
    assert ready.will[-2:] == ("line 4: --epochs 90 becomes 1", "line 3: STEPS=5000 becomes 2")
    verdict = execute(ready, tmp_path / "again", yes=True)
    assert (verdict.sameness, verdict.outputs, verdict.reached) == (Sameness.NOT_COMPARED, (), True)
    assert verdict.reason == "the smaller run (declared) ended well; no output was compared"
    assert (tmp_path / "again" / "stdout.txt").read_text() == "2\n"
    assert verdict.smoke == ("line 4: --epochs 90 becomes 1", "line 3: STEPS=5000 becomes 2")
    assert "whether its outputs come out the same: nothing is compared below the level `full`" in verdict.not_proved
    assert not counts(verdict)


def test_without_a_declaration_a_smaller_run_is_proposed_and_shown(tmp_path: Path) -> None:
    script = "#!/bin/bash\nMAX_STEPS=5000\npython3 fit.py in.csv out.csv metrics.json $1 --n-samples=900 # --epochs 3\n"
    assert plan(made(tmp_path, script), level="smoke").will[-4:] == (
        "make it smaller (proposed: what looks like an amount of work is set to 1): no output is compared",
        "line 2: MAX_STEPS=5000 becomes 1",
        "line 3: --n-samples=900 becomes 1",
        "it is stopped after 60 s",
    )


def test_a_smoke_run_that_has_to_be_stopped_has_not_shown_that_it_ends(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path, "#!/bin/bash\nexec tail -f /dev/null\n"), level="smoke", smoke=["seconds=0.5"])
    assert (verdict.reached, status_of(verdict)) == (False, 3)
    assert verdict.reason == "the smaller run (declared) ran until it was stopped, and had not ended; no output was compared"


def test_a_smoke_run_that_fails_is_an_answer(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path, "#!/bin/bash\nexit 4\n"), level="smoke")
    assert (verdict.sameness, verdict.reached, status_of(verdict)) == (Sameness.NOT_COMPARED, False, 1)


@pytest.mark.parametrize("said", ["--epochs", "rm -rf /=1", "X=$(id)", "LD_PRELOAD=1", "seconds=0", "seconds=soon"])
def test_a_declaration_that_says_nothing_about_size_is_refused(tmp_path: Path, said: str) -> None:
    with pytest.raises(AuditError, match="--smoke"):
        plan(made(tmp_path), level="smoke", smoke=[said])


def test_an_option_that_nothing_gives_is_told_and_a_variable_is_set_all_the_same(tmp_path: Path) -> None:
    recipe = plan(made(tmp_path)).recipe
    how = smoke.Smoke({"--epochs": "1", "STEPS": "2"}, 0, "here", True)
    found = smoke.apply(how, recipe, archived.SCRIPT)
    assert found.told == (
        "--epochs: nothing in the script or its arguments gives it",
        "STEPS (not set before) becomes 2",
    )
    assert found.recipe.environment["STEPS"] == "2"


def test_levels_are_named_and_repeat_asks_for_its_own(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="there is no level 'half'"):
        plan(made(tmp_path), level="half")
    with pytest.raises(AuditError, match="level smoke runs at most once"):
        levels.level("smoke", 2)
    assert (levels.level("", 3), levels.level("", 0), levels.rounds(Level.REPEAT, 0)) == (Level.REPEAT, Level.FULL, 2)


NOISY = """#!/bin/bash
python3 - <<'END'
import json, time
json.dump({"slope": 2.2142857142857144, "points": 3, "seed": 7, "ended": time.time_ns()}, open("metrics.json", "w"))
END
cp in.csv out.csv
"""
WAS = '{"slope": 2.2142857142857144, "points": 3, "seed": 7, "ended": 17}'


def test_what_varies_by_itself_is_learnt_by_running_twice_and_shown(tmp_path: Path) -> None:
    bundle = made(tmp_path, NOISY, {"metrics.json": WAS, "out.csv": archived.INPUT})
    verdict = replayed(bundle, repeat=2)
    assert (verdict.sameness, verdict.level, verdict.reached) == (Sameness.EQUIVALENT, Level.REPEAT, True)
    assert [(r.number, r.sameness) for r in verdict.rounds] == [(1, Sameness.EQUIVALENT), (2, Sameness.EQUIVALENT)]
    assert [rule.partition(" (")[0] for rule in verdict.rules] == ["metrics.json, $.ended: not compared"]
    assert "runs of this bundle agree with each other, apart from what the learnt rules name" in verdict.proved

    learnt = tmp_path / "again" / "rules.json"
    assert [r["fields"] for r in json.loads(learnt.read_text())["rules"]] == ["$.ended"]
    once = execute(plan(bundle, rules=str(learnt)), tmp_path / "once", yes=True)
    assert (once.sameness, once.level) == (Sameness.EQUIVALENT, Level.FULL)
    assert "rules.json: two runs of this bundle gave" in once.rules[0]
    assert execute(plan(bundle), tmp_path / "strict", yes=True).sameness is Sameness.DIFFERENT


def test_a_run_that_does_not_agree_with_itself_is_different_even_if_one_was_right(tmp_path: Path) -> None:
    script = "#!/bin/bash\npython3 fit.py in.csv out.csv metrics.json $1\nhead -c $((RANDOM % 30000 + 9)) /dev/zero >out.csv\n"
    verdict = replayed(made(tmp_path, script), level="repeat")
    assert (verdict.sameness, verdict.reached) == (Sameness.DIFFERENT, False)
    assert verdict.reason == "it does not agree with itself: run 2, not the same in run 1: out.csv"
    assert "runs of this bundle agree with each other, apart from what the learnt rules name" in verdict.not_proved


@pytest.mark.parametrize(
    ("said", "sameness"),
    [("metrics.json:$.slope=0.1", "equivalent"), ("metrics.json=0.1", "equivalent"), ("out.csv:fit=0.1", "different")],
)
def test_a_tolerance_holds_for_the_field_it_names(tmp_path: Path, said: str, sameness: str) -> None:
    bundle = made(tmp_path, changes={"metrics.json": archived.METRICS.replace("2.21428", "2.25")})
    verdict = replayed(bundle, tolerances=[said])
    assert verdict.sameness == sameness
    assert len(verdict.rules) == 1


@pytest.mark.parametrize(
    "said", ["metrics.json", "=1", "m.json:$.x=often", "m.json=ignore", "m.json:x=-1", "m.json:x=nan", "m.json=2"]
)
def test_what_is_no_tolerance_is_refused(tmp_path: Path, said: str) -> None:
    with pytest.raises(AuditError):
        plan(made(tmp_path), tolerances=[said])


def test_an_output_of_another_type_than_before_is_different_and_told(tmp_path: Path) -> None:
    script = "#!/bin/bash\npython3 fit.py in.csv out.csv metrics.json $1\nrm out.csv; mkdir out.csv\nprintf '\\x93NUMPY' >metrics.json\n"
    verdict = replayed(made(tmp_path, script))
    assert {o.path: o.detail.split("\n")[0] for o in verdict.outputs if o.path != "slurm-123.out"} == {
        "out.csv": "a file became a folder",
        "metrics.json": "another kind became numpy",
    }


def test_a_link_out_of_the_folder_is_not_read_as_an_output(tmp_path: Path) -> None:
    (tmp_path / "private").write_text(archived.OUTPUT)
    script = f"#!/bin/bash\npython3 fit.py in.csv out.csv metrics.json $1\nln -sf {tmp_path}/private out.csv\n"
    verdict = replayed(made(tmp_path, script), sandbox=False)
    told = next(o for o in verdict.outputs if o.path == "out.csv")
    assert (told.sameness, told.actual_sha256) == (Sameness.DIFFERENT, "")
    assert told.detail == "a link that leads out of the replay's folder stands in its place; it was not followed"


def test_the_author_s_tables_travel_in_the_bundle_and_the_reviewer_s_come_first(tmp_path: Path) -> None:
    from probes.folder import FolderState, SourceFile
    from reports.archive.bundle import build
    from tests.factory import seen, sha

    toml = '[smoke]\n"--epochs" = "3"\n[tolerances]\n"metrics.json:$.slope" = "0.1"\n[phases]\nx = "y"\n'
    job, evidence = archived.run(tmp_path / "work", {**archived.FILES, ".auditor.toml": toml})
    state = FolderState(f"{tmp_path}/work", (SourceFile(".auditor.toml", len(toml), sha(toml)),), "", ())
    everything = (*evidence, seen(state))
    build(job, everything, archived.card(job, everything), tmp_path / "fit.crate.zip", objects=archived.nothing)
    ready = plan(tmp_path / "fit.crate.zip", level="smoke")
    assert ready.smoke is not None
    assert (ready.smoke.changes, [r.why for r in ready.rules]) == ({"--epochs": "3"}, ["the bundle's .auditor.toml"])
    mine = plan(
        tmp_path / "fit.crate.zip", project={"smoke": {"STEPS": "1"}, "tolerances": {"metrics.json": "0.2"}}, level="smoke"
    )
    assert mine.smoke is not None
    assert mine.smoke.changes == {"STEPS": "1"}
    assert [r.rtol for r in mine.rules] == [0.2, 0.1]
