"""Is a wrong `#AUDITOR` line named, with what should stand there? And is what is right, or none of ours, left alone?"""

from __future__ import annotations

import pytest

from probes import tracing
from probes.script.misread import MAX, WAYS, misread
from probes.script.sbatch import marks


@pytest.mark.parametrize(
    ("line", "text", "hint"),
    [
        ("#AUDITOR inputs=data/*.csv", "inputs=data/*.csv", "#AUDITOR input=data/*.csv"),
        ("#AUDITOR ouput=model.pt", "ouput=model.pt", "#AUDITOR output=model.pt"),
        ("#AUDITOR Input=x", "Input=x", "#AUDITOR input=x"),
        ("#AUDITOR --input x", "--input x", "#AUDITOR input=x"),
        ("#AUDITOR --input=x", "--input=x", "#AUDITOR input=x"),
        ("#AUDITOR --auditor-input=x", "--auditor-input=x", "#AUDITOR input=x"),
        ("#AUDITOR --input a b --output c", "--input a b", "#AUDITOR input=a input=b"),
        ("#AUDITOR input = x", "input = x", "#AUDITOR input=x"),
        ("#AUDITOR input= x", "input= x", "#AUDITOR input=x"),
        ("#AUDITOR input=", "input=", "#AUDITOR input=GLOB"),
        ("#AUDITOR input x", "input x", "#AUDITOR input=x"),
        ("#AUDITOR input=a b c", "b c", "#AUDITOR input=b input=c"),
        ("#AUDITOR inputs='my data'", "inputs=my data", "#AUDITOR input='my data'"),
        ("#AUDITOR:input=x", ":input=x", "#AUDITOR input=x"),
        ("#AUDITOR", "#AUDITOR", "#AUDITOR input=GLOB"),
        ("#AUDITOR depends=x", "depends=x", "the words are input=, output=, label=, trace=, smoke="),
        ("#AUDITOR trace=yes", "trace=yes", "trace= is one of auto, strace, preload"),
        ("  #AUDITOR input=x", "#AUDITOR input=x", "#AUDITOR input=x, in capitals, from the first column on"),
        (
            "# AUDITOR input=x label=y",
            "# AUDITOR input=x label=y",
            "#AUDITOR input=x label=y, in capitals, from the first column on",
        ),
        ("#auditor inputs=x", "#auditor inputs=x", "#AUDITOR input=x, in capitals, from the first column on"),
        ("# Auditor: --output x", "# Auditor: --output x", "#AUDITOR output=x, in capitals, from the first column on"),
    ],
)
def test_a_wrong_line_is_named_with_what_should_stand_there(line: str, text: str, hint: str) -> None:
    script = f"#!/bin/bash\n{line}\n./prog\n"
    first = misread(script)[0]
    assert (first.line, first.text, first.hint) == (2, text, hint)


def test_what_was_meant_is_told() -> None:
    script = "#AUDITOR inputs=a lable=b depends=c trace=d\n# auditor: out=x\n"
    assert [m.key for m in misread(script)] == ["input", "label", "", "trace", "output"]


@pytest.mark.parametrize("hint_of", ["#AUDITOR --input 'a b' c --output=d labels=e", "# auditor: in=x out=y name=z"])
def test_a_hint_is_read_by_the_reader(hint_of: str) -> None:
    hints = "\n".join(one.hint.partition(", in capitals")[0] for one in misread(hint_of))
    assert misread(hints) == ()
    assert marks(hints).inputs and marks(hints).outputs and marks(hints).label


@pytest.mark.parametrize(
    "line",
    [
        "#AUDITOR input=data/*.csv output=model.pt label=paper trace=auto",
        "#AUDITOR input='my data/*' # with a comment",
        "#AUDITORinput=x",
        "#AUDITOR : input=x",
        "# the auditor looks at this",
        "# auditor sbatch train.sh --epochs=3",
        "# an auditor: see input=x above",
        "echo '#AUDITOR inputs=x'",
        "",
    ],
)
def test_what_is_read_or_none_of_ours_is_left_alone(line: str) -> None:
    assert misread(f"#!/bin/bash\n{line}\n") == ()


def test_every_part_of_a_line_has_its_own_word() -> None:
    assert [(m.line, m.text) for m in misread("#AUDITOR inputs=a output=b lable=c\n\n#AUDITOR x=1")] == [
        (1, "inputs=a"),
        (1, "lable=c"),
        (3, "x=1"),
    ]


def test_many_wrong_lines_are_bounded_and_long_ones_cut() -> None:
    found = misread("#AUDITOR inputs=" + "x" * 9999 + "\n" + "#AUDITOR nonsense=1\n" * 999)
    assert (len(found), len(found[0].text)) == (MAX, 200)


def test_ways_of_tracing_are_those_that_there_are() -> None:
    assert WAYS == tracing.WAYS
