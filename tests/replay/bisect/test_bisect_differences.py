"""Which differences can be carried over, which cannot and why, which stay together, and does carrying over all of them make A into B?"""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from auditor.replay.bisect import Prepared, stabilisers
from auditor.replay.bisect.differences import Here, differences
from auditor.replay.bisect.experiment import write_site
from auditor.replay.bisect.hybrid import hybrid
from auditor.replay.bisect.outcome import Outcome, Yardstick, keep
from auditor.replay.bisect.processor import stand_ins
from auditor.replay.bisect.slots import differing, states
from auditor.replay.compare.rules import Rules
from auditor.replay.environment import HOST
from tests import factory
from tests.replay.bisect.twins import Side, ready, venv

HERE = Here(64, True, {}, "no switch tells such processors apart")


def named(known: Prepared) -> list[tuple[str, str, str]]:
    return sorted((f.id, f.before, f.after) for f in known.differences.factors)


def test_every_difference_is_a_factor_of_its_own_with_its_evidence(tmp_path: Path) -> None:
    a = Side(environment={"TZ": "UTC", "LANG": "C"}, arguments=("--lr", "0.1", "x"))
    known = ready(tmp_path, a, a.but(environment={"TZ": "CET"}, arguments=("--lr", "0.2", "x")), sandbox=False)
    assert named(known) == [("argument:1", "0.1", "0.2"), ("variable:LANG", "C", "not there"), ("variable:TZ", "UTC", "CET")]
    assert [f.name for f in known.differences.factors] == ["--lr", "LANG", "TZ"]
    assert all(f.cites for f in known.differences.factors)


def test_arguments_of_another_number_stay_together(tmp_path: Path) -> None:
    known = ready(tmp_path, Side(), Side(arguments=("2", "--fast")), sandbox=False)
    assert named(known) == [("argument:all", "2", "2 --fast")]


def test_with_all_differences_carried_over_a_is_b(tmp_path: Path) -> None:
    a = Side(environment={"TZ": "UTC"}, data={"in.txt": "1\n", "old.txt": "x\n"})
    b = Side(environment={"LANG": "C"}, data={"in.txt": "2\n", "new.txt": "y\n"}, arguments=("5",))
    known = ready(tmp_path, a, b)
    every = frozenset(s for f in known.differences.factors for s in f.slots)
    whole = dataclasses.replace(
        known.b, plan=dataclasses.replace(known.b.plan, recipe=hybrid(known.a, known.b, every, {}).recipe)
    )
    none = dataclasses.replace(
        known.a, plan=dataclasses.replace(known.a.plan, recipe=hybrid(known.a, known.b, frozenset(), {}).recipe)
    )
    assert differing(states(whole, HOST, 1, {}), states(known.b, HOST, 1, {})) == []
    assert differing(states(none, HOST, 1, {}), states(known.a, HOST, 1, {})) == []


def test_what_no_experiment_carries_over_is_named_with_the_reason(tmp_path: Path) -> None:
    known = ready(tmp_path, Side(cores=1), Side(cores=48, arguments=("3",)), sandbox=False)
    assert [
        (n.name, n.because)
        for n in differences(known.a, known.b, dataclasses.replace(HERE, cores=4, sandboxed=False)).not_applied
    ] == [
        ("work directory", "without a sandbox each replay has a folder of its own"),
        ("cores asked for", "48 cores, and 4 are here"),
    ]


@pytest.mark.parametrize(
    ("a", "b", "here", "sides", "why"),
    [
        ("x86-64-v4", "x86-64-v3", "x86-64-v4", {"a": {}, "b": {"OPENBLAS_CORETYPE": "Haswell", "NPY_DISABLE_CPU_FEATURES": "X86_V4"}}, ""),
        ("x86-64-v3", "x86-64-v3", "x86-64-v4", {}, "both are x86-64-v3: no switch tells such processors apart"),
        ("x86-64-v4", "x86-64-v2", "x86-64-v3", {}, "this machine is x86-64-v3, and cannot do what x86-64-v4 does"),
        ("", "x86-64-v2", "x86-64-v3", {}, "the levels of the processors are not known"),
    ],
)  # fmt: skip
def test_switches_stand_in_for_an_older_processor(a: str, b: str, here: str, sides: object, why: str) -> None:
    assert stand_ins(a, b, here) == (sides, why)


def test_packages_that_need_each_other_s_new_version_stay_together(tmp_path: Path) -> None:
    """The new `top` asks for the new `base`; `alone` asks for nothing."""
    script = "#!/bin/bash\npython3 -c 'import top, alone'\n"
    sides = []
    for name, version in (("old", "1.0"), ("new", "2.0")):
        had, house = venv(tmp_path / name, *((p, version, f"v = '{version}'\n") for p in ("base", "top", "alone")))
        sides.append(Side({}, {}, (), {}, script, had=had, wheels=house))
    known = ready(tmp_path / "runs", *sides)
    crate = known.b.crate / "environment" / "wheels"
    asking(next(crate.glob("top-*")), "Requires-Dist: base>=2\nRequires-Dist: alone<1; extra == 'test'\n")
    found = differences(known.a, known.b, HERE)
    assert sorted(f.id for f in found.factors if f.id.startswith("package")) == ["package:alone", "package:base+package:top"]
    assert [f.coupled for f in found.factors if "+" in f.id] == ["top 2.0 needs base >=2"]


def asking(path: Path, lines: str) -> None:
    """The same wheel with more in its metadata."""
    with zipfile.ZipFile(path) as archive:
        contents = {n: archive.read(n).decode() for n in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in contents.items():
            archive.writestr(name, text + (lines if name.endswith("METADATA") else ""))


@pytest.mark.parametrize(
    ("part", "code"),
    [
        ("seed", "import random, os, uuid; print(random.random(), random.Random().random(), os.urandom(4), uuid.uuid4())"),
        ("seed", "import numpy as np; print(np.random.rand(), np.random.default_rng().random())"),
        ("time", "import time, datetime as d; print(time.time(), time.strftime('%c'), d.datetime.now(), d.date.today())"),
        ("process", "import os, socket, platform; print(os.getpid(), socket.gethostname(), platform.node())"),
        (
            "files",
            "import os, glob; print(os.listdir('.'), glob.glob('*'), [f for _, _, f in os.walk('.')], [e.name for e in os.scandir('.')])",
        ),
    ],
)
def test_python_is_held_still(tmp_path: Path, part: str, code: str) -> None:
    write_site(tmp_path / "still")
    for name in ("c", "a", "b"):
        (tmp_path / "still" / name).touch()
    around = stabilisers.variables(frozenset({part}), str(tmp_path / "still"), "")
    told = [
        subprocess.run(
            [sys.executable, "-c", code], env=around, cwd=tmp_path / "still", capture_output=True, text=True, check=True
        )
        for _ in range(2)
    ]
    assert told[0].stdout == told[1].stdout
    if part == "files":
        assert told[0].stdout.index("'a'") < told[0].stdout.index("'b'") < told[0].stdout.index("'c'")


def test_a_link_that_leads_out_of_the_run_is_no_output(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("of this machine\n")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "out.txt").symlink_to(tmp_path / "secret")
    kept = keep({"out.txt": tmp_path / "run" / "out.txt"}, ("out.txt",), tmp_path / "run", tmp_path / "run" / "outputs")
    assert (kept, (tmp_path / "secret").exists()) == ({}, True)


def test_an_outcome_that_is_close_to_both_is_that_to_which_it_is_equal(tmp_path: Path) -> None:
    yardstick = Yardstick(tmp_path, ("x.txt",), {"x.txt": Rules()})
    made = []
    for run, text in (("a", "1.0\n"), ("b", "1.00000001\n"), ("c", "1.0\n"), ("d", "9\n")):
        (tmp_path / run / "outputs").mkdir(parents=True)
        (tmp_path / run / "outputs" / "0").write_text(text)
        made.append(Outcome(run, 0, {"x.txt": factory.sha(text)}))
    a, b, c, d = made
    assert [yardstick.answer(x, a, b).value for x in (c, b, d)] == ["as-a", "as-b", "neither"]
    assert yardstick.answer(Outcome("e", 3), a, b).value == "unresolved"
