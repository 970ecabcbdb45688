"""How do amounts read, and does sbatch take what a fix proposes?"""

from __future__ import annotations

import pytest

from auditor.verdict import ReplayVerdict, Sameness
from probes.submission import Directive
from reports.judging.again import again, given, line_at, program
from reports.judging.amounts import duration, line, memory_option, percent, several, size, some, time_option, words
from reports.judging.proofs import same, summary
from tests.factory import NOON, sha, submission

MIB, GIB = 1 << 20, 1 << 30


@pytest.mark.parametrize(
    ("peak", "option"),
    [
        (0, "100M"),
        (1, "100M"),
        (250 * MIB, "300M"),
        (749 * MIB, "900M"),
        (751 * MIB, "1G"),
        (int(2.4 * GIB), "3G"),
        (100 * GIB, "120G"),
    ],
)
def test_memory_is_the_peak_and_a_fifth_rounded_up(peak: int, option: str) -> None:
    assert memory_option(peak) == option


@pytest.mark.parametrize(
    ("used", "option"),
    [(1.0, "00:05:00"), (600.0, "00:15:00"), (3600.0, "01:30:00"), (16 * 3600.0, "1-00:00:00"), (100 * 3600.0, "6-06:00:00")],
)
def test_time_is_what_was_used_and_half_again_in_steps_of_five_minutes(used: float, option: str) -> None:
    assert time_option(used) == option


def test_amounts_read_as_people_say_them() -> None:
    assert [size(n) for n in (0, 1023, 1024, 3 * MIB // 2, 5 * GIB, 3000 * GIB, 5000 << 40)] == [
        "0 bytes",
        "1023 bytes",
        "1.0 KiB",
        "1.5 MiB",
        "5.0 GiB",
        "2.9 TiB",
        "5000.0 TiB",
    ]
    assert [duration(s) for s in (42, 720, 12_600, 180_000)] == ["42 s", "12 min", "3.5 h", "2.1 days"]
    assert [percent(p) for p in (0, 0.004, 0.07, 1)] == ["0 %", "0.4 %", "7 %", "100 %"]
    assert [several(1, "file"), several(2_000, "file"), several(2, "switch")] == ["1 file", "2,000 files", "2 switches"]
    assert some("abcde") == "a, b, c and 2 more"


def test_paths_are_quoted_for_the_shell() -> None:
    assert words(["a b.py", "x;rm -rf ~", "plain"]) == "'a b.py' 'x;rm -rf ~' plain"


def test_submitting_again_keeps_what_was_typed_and_puts_our_switches_first() -> None:
    assert again(submission("#!/bin/sh\n", "--mem=1G", "run.sh", "a b"), "--auditor-input=data/*") == (
        "auditor sbatch --auditor-input='data/*' --mem=1G run.sh 'a b'"
    )
    assert again(submission("fit.py", "--", "python", "fit.py", given_by="command"), "--auditor-input=d.csv") == (
        "auditor run --input=d.csv -- python fit.py"
    )
    assert (
        again(submission("#!/bin/sh\n", "run.sh", "3", scheduler="local"), "--auditor-label=A")
        == "auditor run --label=A run.sh 3"
    )


def test_the_last_line_that_works_is_the_program() -> None:
    script = "#!/bin/bash\n#SBATCH -n 4\nmodule load gcc\ncd run\nsrun ./solve --fast\n# done\necho ready\nfor i in 1 2; do\n  wait\ndone\n"

    assert program(submission(script)) == "./solve --fast"
    assert program(submission("./solve\n}\nwait\n")) == "./solve"
    assert program(submission("")) == "train.sh"


def test_a_place_in_the_script_is_its_line_and_elsewhere_nothing() -> None:
    s = submission("#!/bin/bash\nwget x\n")

    assert [
        line_at(s, place) for place in ("train.sh:2", "/home/ada/train/train.sh:2", "train.sh:9", "other.sh:2", "train.sh")
    ] == [
        "wget x",
        "wget x",
        "",
        "",
        "",
    ]


def test_the_last_of_an_option_counts_however_it_is_spelt() -> None:
    s = submission(directives=(Directive("--mem", "1G", 2), Directive("-t", "5", 3), Directive("--mem", "2G", 0)))

    assert (given(s, "mem"), given(s, "time", "t"), given(s, "partition", "p")) == ("2G", "5", None)


def test_a_replay_that_compared_nothing_proves_nothing() -> None:
    empty = ReplayVerdict(
        sha("b"), "r", Sameness.IDENTICAL, "no output is known", (), (), "local", False, "none", "host", NOON, NOON, "0"
    )

    assert not same(empty)
    assert summary(empty) == "a replay on another machine (local) compared no output: no output is known"


def test_what_came_from_elsewhere_stays_on_its_line() -> None:
    assert line("a\nrm -rf ~\t\x1b[31mred\u202e") == "a rm -rf ~ [31mred"
    assert line("x" * 300) == "x" * 200 + " …"
    assert words(["a\nb"]) == "'a b'"
    assert again(submission("x", "run.sh;reboot\nsudo halt")) == "auditor sbatch 'run.sh;reboot sudo halt'"
