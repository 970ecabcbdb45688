"""What a user's slip or a broken machine looks like: one line, a hint, the documented exit status, nothing lost, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

CONSOLE = str(Path(sys.executable).with_name("auditor"))


def auditor(*words: str, cwd: Path, env: Mapping[str, str] | None = None, stdin: str = "") -> tuple[int, str, str]:
    home = {"AUDITOR_HOME": str(cwd / "home"), "HOME": str(cwd), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    done = subprocess.run(
        [CONSOLE, *words],
        cwd=cwd,
        env={**home, **(env or {})},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("report", "4711"), "4711"),
        (("show",), "no run"),
        (("report", "-f", "docx"), "there is no format docx"),
        (("run",), "there is nothing to run"),
        (("run", "--", "no-such-program"), "no-such-program"),
        (("run", "missing.sh"), "missing.sh"),
        (("run", "missing.sh", "--debug"), "missing.sh"),
        (("preflight", "missing.sh"), "missing.sh: no such file"),
        (("verify", "missing.zip"), "missing.zip"),
        (("verify", "text.zip"), "text.zip"),
        (("replay", "text.zip", "--yes"), "text.zip"),
        (("score", "broken.json"), "broken.json is not JSON"),
        (("report", "other.json"), "other.json does not read as Scorecard"),
        (("score", "card.json"), "card.json is a scorecard already"),
        (("report", "capture.json"), "capture.json is a capture, not yet a scorecard"),
        (("config", "colour", "red"), "there is no setting `colour`"),
        (("demo", "."), "is not empty"),
        (("demo", "new", "--on", "pbs"), "there is no way to run `pbs`"),
        (("adopt", "4711"), "4711"),
        (("score", "text.zip"), "text.zip is neither a run nor a .json file"),
        (("verify", "/dev/zero"), "/dev/zero is neither a file nor a folder"),
        (("capture", "-o", "/proc/nowhere/x.json"), "/proc/nowhere/x.json cannot be written"),
        (("config", "hash_bytes", "--", "-5"), "`hash_bytes` has the value -5"),
        (("config", "hash_seconds", "nan"), "`hash_seconds` has the value nan"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, tuple) else "",
)
def test_a_slip_is_one_line_with_a_hint_and_exit_2(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    (tmp_path / "text.zip").write_text("this is no ZIP")
    (tmp_path / "broken.json").write_text('{"job": ')
    (tmp_path / "other.json").write_text("{}")
    (tmp_path / "card.json").write_text('{"ruleset": "1-00"}')
    (tmp_path / "capture.json").write_text('{"evidence": []}')
    code, out, err = auditor(*words, cwd=tmp_path)
    assert code == 2, out + err
    assert says in err
    assert "hint:" in err
    assert out == ""


def test_a_home_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    code, _, err = auditor("list", cwd=tmp_path, env={"AUDITOR_HOME": "/proc/nowhere"})
    assert code == 2
    assert "/proc/nowhere" in err
    assert "hint:" in err


def test_a_command_that_cannot_be_recorded_runs_and_says_so(tmp_path: Path) -> None:
    code, out, err = auditor("run", "--", "echo", "hello", cwd=tmp_path, env={"AUDITOR_HOME": "/proc/nowhere"})
    assert (code, out) == (0, "hello\n")
    assert err == "auditor: evidence of this run could not be kept in /proc/nowhere; it runs all the same\n"


def test_a_report_comes_out_though_the_disk_is_too_full_to_remember_its_score(tmp_path: Path) -> None:
    auditor("run", "--", "true", cwd=tmp_path)
    auditor("list", cwd=tmp_path)
    line = f"ulimit -f 4; exec {CONSOLE} report -f json -o -"  # no file grows beyond 4 KiB
    home = {"AUDITOR_HOME": str(tmp_path / "home"), "PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, env=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert json.loads(done.stdout)["run"]["state"] == "COMPLETED"
    assert done.stderr.rstrip().endswith("; the scorecard is not remembered")


def test_a_folder_that_was_removed_under_us_is_said(tmp_path: Path) -> None:
    line = f"mkdir gone; cd gone; rmdir ../gone; exec {CONSOLE} config"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (2, "auditor: the current folder is gone\n  hint: cd to one that is there\n")


def test_what_is_looked_for_and_not_there_is_said(tmp_path: Path) -> None:
    auditor("run", "--", "true", cwd=tmp_path)
    assert auditor("list", "--state", "LOST", cwd=tmp_path)[1] == "no run matches\n"
    code, _, err = auditor("show", "--part", "evidence", "--probe", "crystal-ball", cwd=tmp_path)
    assert code == 2
    assert "the run has no evidence of a probe crystal-ball" in err


def test_a_plan_is_json_where_json_was_asked_for(tmp_path: Path) -> None:
    auditor("run", "--", "true", cwd=tmp_path)
    auditor("bundle", "last", "-o", "b.zip", cwd=tmp_path)
    code, out, _ = auditor("replay", "b.zip", "--dry-run", "--json", cwd=tmp_path)
    assert code == 0
    assert json.loads(out)["path"].endswith("b.zip")


def test_all_of_the_home_is_private(tmp_path: Path) -> None:
    (tmp_path / "x.sh").write_text("#!/bin/bash\ntrue\n")
    auditor("run", "x.sh", cwd=tmp_path, env={"AUDITOR_HOME": str(tmp_path / "new/home")})
    modes = {p.stat().st_mode & 0o777 for p in (tmp_path / "new").rglob("*") if p.is_dir()}
    assert modes == {0o700}


def test_no_sbatch_in_path_is_said_with_exit_2(tmp_path: Path) -> None:
    code, out, err = auditor("sbatch", "--wrap", "true", cwd=tmp_path, env={"PATH": str(tmp_path)})
    assert (code, out) == (2, "")
    assert "sbatch is not in PATH" in err
    assert "hint:" in err


def test_a_broken_spool_file_is_set_aside_and_the_rest_goes_on(tmp_path: Path) -> None:
    spool = tmp_path / "home/spool"
    spool.mkdir(parents=True)
    (spool / "1-0-submit-0000.json").write_text('{"job": {"sched')
    code, _, err = auditor("list", cwd=tmp_path)
    assert code == 0
    assert "set aside 1-0-submit-0000.json" in err
    assert len(list((tmp_path / "home/quarantine").glob("1-0-submit-0000.json*"))) >= 1
    assert auditor("list", cwd=tmp_path)[2] == ""


def test_an_unreadable_store_is_said(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home/store.duckdb").write_bytes(b"not a database" * 1000)
    code, _, err = auditor("list", cwd=tmp_path)
    assert code == 2
    assert "hint:" in err


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    done = subprocess.run(
        f"{CONSOLE} doctor --json | head -c 1", shell=True, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "["
    assert done.stderr == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_script_is_said(tmp_path: Path) -> None:
    script = tmp_path / "x.sh"
    script.write_text("#!/bin/bash\n")
    script.chmod(0)
    code, _, err = auditor("preflight", "x.sh", cwd=tmp_path)
    assert (code, "hint:" in err) == (2, True)
