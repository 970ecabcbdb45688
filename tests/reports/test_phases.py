"""In which phase is a piece of work, by which sign, and when is nothing said?"""

from __future__ import annotations

import pytest

from auditor.campaign import Sign
from auditor.model import AuditError
from probes.workflow import SystemsUsed, Use
from reports.judging.phases import PHASES, RANKS, checked, decide, of_command, of_files, of_scripts, of_task, own, table
from tests.factory import file


def said(*signs: Sign) -> tuple[str, ...]:
    return decide(signs)[0]


def systems(uses: tuple[Use, ...] = (), **phases: tuple[str, ...]) -> SystemsUsed:
    return SystemsUsed(uses, phases, (), (), ())


@pytest.mark.parametrize(
    ("name", "phase"),
    [
        ("train_model", "train"),
        ("01_preprocessData", "prepare"),
        ("mdrun", "simulate"),
        ("plot-results", "analyse"),
        ("evaluate", "infer"),
        ("constrained", ""),
        ("train_and_predict", ""),
        ("rule_7", ""),
    ],
)
def test_a_name_tells_the_phase_where_its_words_speak_of_one(name: str, phase: str) -> None:
    assert [s.phase for s in of_task(name)] == ([phase] if phase else [])


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("python scripts/train.py --lr 0.1", [("train", "scripts/train.py")]),
        ("srun gmx mdrun -deffnm md", [("simulate", "gmx mdrun")]),
        ("gmx grompp -f md.mdp", [("prepare", "gmx grompp")]),
        ("set -e; cd run && python train.py | tee log", [("train", "train.py")]),
        ("python main.py predict", [("infer", "main.py predict")]),
        ("echo train", []),
        ("python -c 'print(1)'", []),
        ("python 'unclosed", []),
        ("", []),
    ],
)
def test_a_command_tells_it_by_its_program_its_script_or_a_mode(command: str, expected: list[tuple[str, str]]) -> None:
    assert [(s.phase, s.text) for s in of_command(command)] == expected


def test_a_program_that_is_started_tells_more_than_a_name_and_that_more_than_a_call() -> None:
    command, task, call = (
        Sign("simulate", "command", "gmx mdrun"),
        Sign("train", "task", "train_7"),
        Sign("infer", "call", "predict()"),
    )

    assert decide((call, task, command)) == (("simulate",), (command,))
    assert decide((call, task)) == (("train",), (task,))
    assert decide((call,)) == (("infer",), (call,))


def test_two_programs_of_two_phases_are_two_phases_in_the_order_of_work() -> None:
    assert said(Sign("train", "command", "train.py"), Sign("simulate", "command", "lmp")) == ("simulate", "train")


def test_every_trainer_also_predicts_and_prepares() -> None:
    calls = [Sign(p, "call", f"{p}()") for p in ("infer", "prepare", "train")]

    assert said(*calls) == ("train",)
    assert said(*calls[:2]) == ("infer",)


def test_a_loop_of_simulation_and_training_in_one_program_is_both() -> None:
    assert said(Sign("train", "call", "fit()"), Sign("simulate", "call", "simulation.step()")) == ("simulate", "train")


@pytest.mark.parametrize("by", ["task", "artefact", "import"])
def test_signs_that_disagree_say_nothing(by: str) -> None:
    assert decide((Sign("train", by, "a"), Sign("simulate", by, "b"))) == ((), ())


def test_weaker_signs_speak_where_the_stronger_say_nothing() -> None:
    names = (Sign("train", "task", "a"), Sign("infer", "task", "b"))

    assert said(*names, Sign("simulate", "artefact", "made md.xtc")) == ("simulate",)


def test_who_makes_a_model_trains_and_who_reads_one_and_makes_none_infers() -> None:
    read, made = file("old/model.pt"), file("new/model.pt", "output")

    assert [(s.phase, s.text) for s in of_files([read, made], "e1")] == [("train", "made new/model.pt")]
    assert [(s.phase, s.text) for s in of_files([read], "e1")] == [("infer", "read old/model.pt and made no model")]
    assert [(s.phase, s.place) for s in of_files([file("md.XTC", "output")], "e1")] == [("simulate", "md.XTC")]
    assert of_files([file("md.xtc"), file("table.csv", "output")], "e1") == []


def test_signs_of_scripts_keep_their_places_and_their_evidence() -> None:
    seen = systems(
        (Use("openmm", "simulation", "import", "md.py:1"), Use("pytorch", "framework", "import", "t.py:1")),
        train=("t.sh:4 train.py", "t.py:9 fit()"),
    )

    assert of_scripts(seen, "e1") == [
        Sign("train", "command", "train.py", "t.sh:4", "e1"),
        Sign("train", "call", "fit()", "t.py:9", "e1"),
        Sign("simulate", "import", "openmm", "md.py:1", "e1"),
    ]


def test_the_projects_own_rule_overrules_everything() -> None:
    (rule,) = own({"relax*": "simulate"}, "bin/relax_7")

    assert (rule.by, rule.text) == ("project", "bin/relax_7 fits relax*")
    assert said(rule, Sign("train", "command", "train.py")) == ("simulate",)
    assert own({"relax*": "simulate"}, "train", "") == []


def test_a_phase_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(AuditError) as error:
        checked({"x*": "cook"})

    assert (error.value.message, error.value.hint) == (
        "[phases]: `x*` has the phase 'cook'",
        "phases are: prepare, simulate, train, infer, analyse",
    )


def test_the_printed_table_names_every_phase_and_only_those() -> None:
    assert {row[0] for row in table()} == set(PHASES)
    assert RANKS[0] == "project"
