"""What does a bisection say to runs that cannot be bisected, and does it go on where it was killed?"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from auditor import codec
from auditor.bisection import Bisection
from auditor.cli.app import app
from auditor.model import AuditError
from auditor.replay.bisect import Options, find, journal, prepare
from auditor.replay.bisect.prepare import pair
from auditor.world import RealWorld
from tests.replay.bisect.twins import PROGRAM, Side, bisected, causes, needs_sandbox, ran, ready


def test_runs_of_two_programs_are_refused(tmp_path: Path) -> None:
    other = Side({"other.py": "print(1)\n"}, script="#!/bin/bash\npython3 other.py >out.txt\n")
    a, b = ran(tmp_path / "a", Side()), ran(tmp_path / "b", other, "124", script_name="work.sh")
    with pytest.raises(AuditError, match="are not runs of one program: they have no file of code in common"):
        prepare(str(a), str(b), tmp_path / "bisection", Options(), RealWorld())


@needs_sandbox
def test_runs_without_a_difference_that_agree_have_no_cause(tmp_path: Path) -> None:
    one = ran(tmp_path / "a", Side())
    found = find(prepare(str(one), str(one), tmp_path / "bisection", Options(), RealWorld()))
    assert (found.certified, found.reason) == (
        False,
        "nothing that can be carried over differs between A and B, and the run agrees with itself (2 runs)",
    )


@needs_sandbox
def test_runs_that_differ_and_come_out_the_same_have_no_cause(tmp_path: Path) -> None:
    found = bisected(tmp_path, Side(), Side(environment={"TZ": "CET"}))
    assert (found.certified, found.causes) == (False, ())
    assert found.reason == "A and B come out the same here, so that what made them differ is not among what can be carried over"


def test_runs_with_no_output_in_common_need_one_that_is_named(tmp_path: Path) -> None:
    b = Side({"fit.py": PROGRAM.replace("out.txt", "new.txt")}, outputs=("new.txt",))
    with pytest.raises(AuditError, match=r"A and B have no output in common: A made out\.txt, B new\.txt"):
        ready(tmp_path, Side(), b)


@needs_sandbox
def test_what_is_printed_counts_when_it_is_named(tmp_path: Path) -> None:
    a = Side({"fit.py": f"{PROGRAM}print('slope')\n"})
    found = bisected(tmp_path, a, a.but(code={"fit.py": f"{PROGRAM}print('SLOPE')\n"}), outputs=("stdout.txt",))
    assert (found.certified, found.outputs, causes(found)) == (True, ("stdout.txt",), ["code:fit.py"])


def test_an_output_that_neither_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match=r"--output \*\.csv fits no output that both runs made"):
        ready(tmp_path, Side(), Side(arguments=("3",)), outputs=("*.csv",))


def test_an_output_outside_of_the_work_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="lies outside of the work directory"):
        ready(tmp_path, Side(), Side(arguments=("3",)), outputs=("../../etc/passwd",))


def test_with_a_budget_of_no_runs_only_differences_are_told(tmp_path: Path) -> None:
    found = bisected(tmp_path, Side(), Side(arguments=("3",)), runs=0)
    assert (found.certified, found.runs, found.reason) == (False, 0, "the budget is 0 runs: only the differences are told")


@needs_sandbox
def test_a_budget_that_is_used_up_leaves_what_is_known_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    a = Side(data={f"{n}.txt": "1 2\n" for n in ("in", "p", "q", "r")})
    b = a.but(data={f"{n}.txt": "1 3\n" for n in ("in", "p", "q", "r")})
    known = ready(tmp_path, a, b, runs=5)
    first = find(known)
    assert first.reason == "the budget of 5 runs is used up; what made the difference is among 3 of 5 differences"
    second = find(prepare(known.a.plan.path, known.b.plan.path, known.folder, Options(runs=50), RealWorld()))
    assert (second.certified, causes(second)) == (True, ["input:in.txt"])
    assert [t.run for t in first.trials] == [t.run for t in second.trials[: len(first.trials)]]


@needs_sandbox
def test_a_crash_is_a_result_as_well(tmp_path: Path) -> None:
    b = Side(data={"in.txt": "1 two 3\n"}, outputs=())
    found = bisected(tmp_path, Side(), b.but(environment={"TZ": "CET"}), outputs=("out.txt",))
    assert (found.certified, causes(found)) == (True, ["input:in.txt"])


@needs_sandbox
def test_a_run_that_fails_here_and_did_not_then_is_not_searched(tmp_path: Path) -> None:
    """The original's machine had something that the sandbox does not show."""
    (tmp_path / "there").write_text("1\n")
    a = Side(script=f"#!/bin/bash\ncat {tmp_path}/there >out.txt\n", code={})
    found = bisected(tmp_path, a, a.but(environment={"TZ": "CET"}))
    assert not found.certified
    assert found.reason.startswith("A does not run again here: exit code 1, was 0 (cat: ")


@needs_sandbox
def test_hybrids_of_code_and_the_settings_it_reads_stay_together_by_rule(tmp_path: Path) -> None:
    code = "import json\nprint(json.load(open('set.json'))['{}'], file=open('out.txt', 'w'))\n"
    a = Side({"fit.py": code.format("old")}, {"set.json": '{"old": 1}'})
    b = Side({"fit.py": code.format("new")}, {"set.json": '{"new": 2}'}, environment={"TZ": "CET"})
    found = bisected(tmp_path, a, b)
    assert (found.certified, causes(found)) == (True, ["code:fit.py+input:set.json"])


@needs_sandbox
def test_what_somebody_declares_to_belong_together_does(tmp_path: Path) -> None:
    b = Side(arguments=("3",), environment={"TZ": "CET"})
    found = bisected(tmp_path, Side(), b, together=(("TZ", "argument 1"),))
    assert causes(found) == ["argument:0+variable:TZ"]
    with pytest.raises(AuditError, match="--together: COLOUR is no difference of these runs"):
        prepare(
            str(tmp_path / "a/run.crate.zip"),
            str(tmp_path / "b/run.crate.zip"),
            tmp_path / "x",
            Options(together=(("COLOUR", "TZ"),)),
            RealWorld(),
        )


def test_a_folder_of_another_bisection_is_left_alone(tmp_path: Path) -> None:
    a, b = str(ran(tmp_path / "a", Side())), str(ran(tmp_path / "b", Side(arguments=("3",)), "124"))
    with journal.opened(tmp_path / "w", pair(a, b, Options())):
        pass
    with (
        pytest.raises(AuditError, match="holds a bisection with another A"),
        journal.opened(tmp_path / "w", pair(b, a, Options())),
    ):
        pass
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("precious")
    with pytest.raises(AuditError, match="holds something else"), journal.opened(tmp_path / "mine", pair(a, b, Options())):
        pass
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["thesis.tex"]


def test_two_bisections_do_not_share_a_folder(tmp_path: Path) -> None:
    about = {"A": "1"}
    with journal.opened(tmp_path / "w", about), pytest.raises(AuditError, match="another bisection works in"):
        journal.opened(tmp_path / "w", about).__enter__()


@needs_sandbox
def test_a_bisection_that_is_killed_goes_on_and_makes_no_run_twice(tmp_path: Path) -> None:
    a = Side(script='#!/bin/bash\nsleep 0.3\npython3 fit.py "$@"\n', data={"in.txt": "1 2\n", "p.txt": "x\n", "q.txt": "x\n"})
    one, two = ran(tmp_path / "a", a), ran(tmp_path / "b", a.but(data={"in.txt": "1 3\n", "p.txt": "y\n", "q.txt": "y\n"}), "124")
    argv = [sys.executable, "-m", "auditor", "bisect", str(one), str(two), "--into", str(tmp_path / "w"), "--yes", "--json"]
    around = {**os.environ, "AUDITOR_HOME": str(tmp_path / "home")}
    child = subprocess.Popen(argv, env=around, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    runs = tmp_path / "w" / "runs"
    while len(whole(runs)) < 3 and child.poll() is None:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    before = whole(runs)
    done = subprocess.run(argv, env=around, capture_output=True, check=False)
    found = codec.loads(done.stdout, Bisection)
    assert (done.returncode, found.certified, causes(found)) == (0, True, ["input:in.txt"])
    assert before == {n: t for n, t in whole(runs).items() if n in before}
    assert len(before) >= 3


def whole(runs: Path) -> dict[str, int]:
    """Runs that are done, and when."""
    return {p.parent.name: p.stat().st_mtime_ns for p in runs.glob("*/done.json")}


def test_the_verb_asks_before_it_runs_anything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a, b = str(ran(tmp_path / "a", Side())), str(ran(tmp_path / "b", Side(arguments=("3",)), "124"))
    with pytest.raises(AuditError, match="nobody said yes"):
        app(["bisect", a, b, "--into", str(tmp_path / "w")], standalone_mode=False)
    assert not (tmp_path / "w" / "runs").exists()
    app(["bisect", a, b, "--dry-run"], standalone_mode=False)
    assert "  parameters: argument 1: 2 -> 3, by argument of the script\n" in capsys.readouterr().out


def test_a_bundle_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="there is no bundle"):
        app(["bisect", str(tmp_path / "x.zip"), str(tmp_path / "y.zip")], standalone_mode=False)
