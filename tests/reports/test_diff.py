"""Does a diff name everything that was not the same in two runs, causes first, and nothing else?"""

from __future__ import annotations

from typing import Any

import pytest

from auditor.model import Evidence, Phase
from auditor.scorecard import Change
from probes.data import Reference
from probes.git import GitState, Untracked
from reports.diff import diff
from tests.factory import (
    SCRIPT,
    accounting,
    attempt,
    called,
    environment,
    file,
    git_state,
    hardware,
    image,
    manifest,
    modules,
    packages,
    seen,
    sha,
    submission,
    unseen,
)


def dataset(version: str, digit: str) -> Reference:
    return Reference("/data/iris", "iris", "", f"sha256:{digit * 64}", "unchanged", 150, 1, version)


def run(*values: Any, phase: Phase = Phase.START) -> tuple[Evidence, ...]:
    return tuple(seen(v, phase=phase) for v in values)


def told(changes: tuple[Change, ...]) -> list[tuple[str, str, str, str]]:
    return [(c.what, c.name, c.before, c.after) for c in changes]


def everything(**other: Any) -> tuple[Evidence, ...]:
    values = {
        "git": git_state(),
        "script": submission(),
        "packages": packages("numpy==1.26"),
        "modules": modules("gcc/12.2"),
        "image": image("torch.sif"),
        "hardware": hardware(),
        "data": manifest(file("in.csv"), file("out.csv", "output")),
        "accounting": accounting(),
    }
    return run(*(values | other).values())


def test_a_run_does_not_differ_from_itself() -> None:
    assert diff(everything(), everything()) == ()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (git_state("a" * 40), git_state("b" * 40), [("code", "commit", "a" * 40, "b" * 40)]),
        (
            git_state(),
            git_state(dirty=True, diff_sha256=sha("x"), changed=("train.py",)),
            [("code", "uncommitted changes", "none", f"1 changed, diff sha256:{sha('x')}")],
        ),
        (
            called({"train.py": "one", "net.py": "same"}),
            called({"train.py": "two", "net.py": "same"}),
            [("code", "train.py", f"sha256:{sha('one')}", f"sha256:{sha('two')}")],
        ),
        (
            submission(SCRIPT),
            submission(SCRIPT.replace("#SBATCH --mem=1G\n", "#SBATCH --mem=1G\nmodule load gcc\n").replace("10", "20")),
            [
                ("script", "line 3", "python train.py --epochs 10", "module load gcc"),
                ("script", "line 4", "not there", "python train.py --epochs 20"),
            ],
        ),
        (
            submission(SCRIPT, "-p", "cpu", "train.sh", arguments=("--lr", "0.1", "--fast", "data.csv")),
            submission(SCRIPT, "-p", "gpu", "train.sh", arguments=("--lr=0.2", "data.csv")),
            [
                ("parameter", "--lr", "0.1", "0.2"),
                ("parameter", "--fast", "data.csv", "not there"),
                ("parameter", "submitted with -p", "cpu", "gpu"),
                ("parameter", "argument 1", "not there", "data.csv"),
            ],
        ),
        (
            environment(OMP_NUM_THREADS="4", SLURM_JOB_ID="1", PWD="/a"),
            environment(OMP_NUM_THREADS="8", SLURM_JOB_ID="2", PWD="/b", SEED="1"),
            [("environment", "OMP_NUM_THREADS", "4", "8"), ("environment", "SEED", "not there", "1")],
        ),
        (
            packages("numpy==1.26", "scipy==1.11"),
            packages("numpy==2.0"),
            [
                (
                    "package",
                    "numpy",
                    f"1.26 (RECORD sha256:{sha('numpy==1.26')[:12]})",
                    f"2.0 (RECORD sha256:{sha('numpy==2.0')[:12]})",
                ),
                ("package", "scipy", f"1.11 (RECORD sha256:{sha('scipy==1.11')[:12]})", "not there"),
            ],
        ),
        (
            modules("gcc/12.2", "cuda/12"),
            modules("gcc/13.1", "cuda/12"),
            [("module", "gcc", f"gcc/12.2 sha256:{sha('gcc/12.2')}", f"gcc/13.1 sha256:{sha('gcc/13.1')}")],
        ),
        (
            image("torch.sif", "old"),
            image("torch.sif", "new"),
            [("image", "torch.sif", f"sha256:{sha('old')}", f"sha256:{sha('new')}")],
        ),
        (hardware(), hardware(cpu_model="Intel Xeon"), [("hardware", "CPU", "AMD EPYC 7763", "Intel Xeon")]),
        (
            manifest(file("in.csv"), file("out.csv", "output", "1")),
            manifest(file("in.csv", content="2"), file("out.csv", "output", "2")),
            [
                ("input", "in.csv", f"sha256:{sha('in.csv')}", f"sha256:{sha('2')}"),
                ("output", "out.csv", f"sha256:{sha('1')}", f"sha256:{sha('2')}"),
            ],
        ),
        (
            manifest(datasets=(dataset("2", "a"),)),
            manifest(datasets=(dataset("3", "b"),)),
            [("input", "/data/iris", f"iris 2 sha256:{'a' * 64}", f"iris 3 sha256:{'b' * 64}")],
        ),
        (
            accounting(asked_memory=1 << 30),
            accounting("123", attempt(state="OUT_OF_MEMORY"), asked_memory=None, partition="big"),
            [
                ("resource", "partition", "cpu", "big"),
                ("outcome", "state", "COMPLETED", "OUT_OF_MEMORY"),
                ("outcome", "exit code", "0", "1"),
            ],
        ),
    ],
    ids=lambda v: type(v).__name__ if not isinstance(v, list) else v[0][0],
)
def test_a_difference_is_named(before: Any, after: Any, expected: list[tuple[str, str, str, str]]) -> None:
    assert told(diff(run(before), run(after))) == expected


def test_a_file_has_one_name_in_two_runs_of_one_folder_however_much_else_they_call() -> None:
    one, two = called({"/w/.venv/bin/activate": "same", "/w/train.py": "x"}), called({"/w/.venv/bin/activate": "same"})
    assert told(diff(run(one), run(two))) == [("code", "train.py", f"sha256:{sha('x')}", "not there")]


def test_untracked_files_that_nothing_called_are_one_row_after_the_causes() -> None:
    loose = tuple(Untracked(p, 5, sha(p)) for p in ("fit.zip", "helper.py", "slurm-1.out"))
    before = (git_state(), called({"train.py": "one"}), accounting())
    after = (git_state(untracked=loose), called({"train.py": "two", "helper.py": "helper.py"}), accounting(partition="big"))
    assert told(diff(run(*before), run(*after))) == [
        ("code", "helper.py (untracked)", "not there", f"sha256:{sha('helper.py')}"),
        ("code", "train.py", f"sha256:{sha('one')}", f"sha256:{sha('two')}"),
        ("code", "helper.py", "not there", f"sha256:{sha('helper.py')}"),
        ("resource", "partition", "cpu", "big"),
        ("code", "2 untracked files that neither run called", "differs", "differs"),
    ]


def test_untracked_files_are_all_named_where_nobody_saw_what_was_called() -> None:
    loose = (Untracked("notes.txt", 5, sha("notes")),)
    assert told(diff(run(git_state()), run(git_state(untracked=loose)))) == [
        ("code", "notes.txt (untracked)", "not there", f"sha256:{sha('notes')}")
    ]


def test_causes_come_before_consequences() -> None:
    other = everything(
        git=git_state("b" * 40),
        packages=packages("numpy==2.0"),
        data=manifest(file("in.csv"), file("out.csv", "output", "other")),
    )
    assert [c.what for c in diff(everything(), other)] == ["code", "package", "output"]


def test_what_only_one_run_recorded_is_said_and_not_called_a_difference() -> None:
    none = (unseen(GitState, "no repository", phase=Phase.START),)
    assert told(diff(run(git_state()), none)) == [("not-compared", "git state", "recorded", "not there")]
    assert told(diff(run(git_state()), run())) == [("not-compared", "git state", "recorded", "not recorded")]


def test_like_is_compared_with_like() -> None:
    """At submission the login shell had other variables: only what both jobs had is compared."""
    one = (*run(environment(LANG="C"), phase=Phase.SUBMIT), *run(environment(SEED="1")))
    two = (*run(environment(LANG="de_DE"), phase=Phase.SUBMIT), *run(environment(SEED="1")))
    assert diff(one, two) == ()


def test_each_change_cites_the_evidence_of_both_runs() -> None:
    one, two = run(hardware()), run(hardware(cpus=64))
    [change] = diff(one, two)
    assert change.cites == (one[0].id, two[0].id)


def test_thousands_of_changed_files_are_counted() -> None:
    one = run(manifest(*(file(f"{n:04d}", content="a") for n in range(1000))))
    two = run(manifest(*(file(f"{n:04d}", content="b") for n in range(1000))))
    changes = diff(one, two)
    assert (len(changes), changes[-1].name) == (201, "and 800 more")
