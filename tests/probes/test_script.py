"""Are shell scripts read as bash would read them, without running anything?"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.model import Job
from auditor.world import RealWorld
from probes.script import sbatch
from probes.script.command import Loop, scope
from probes.script.expand import Values, words
from probes.script.launch import unwrap
from probes.script.lexer import Token, tokens
from probes.script.trace import trace
from probes.script.walk import MAX_COMMANDS, walk
from tests.fakes import EmptyWorld


def test_words_operators_comments_and_line_numbers_are_told_apart() -> None:
    text = "a 'b c' # no\n  d\\\n  e2>&1|f\n"
    assert [(t.kind, t.text, t.line) for t in tokens(text)] == [
        ("word", "a", 1), ("word", "'b c'", 1), ("newline", "\n", 1),
        ("word", "d\\\n", 2), ("word", "e2", 3), ("op", ">&", 3), ("word", "1", 3), ("op", "|", 3), ("word", "f", 3),
        ("newline", "\n", 3),
    ]  # fmt: skip


def test_a_here_document_stays_with_its_command_and_its_text_is_no_command() -> None:
    assert tokens("cat <<-'E'\n\trm x\n\tE\nls") == [
        Token("word", "cat", 1), Token("heredoc", "rm x\n", 2), Token("newline", "\n", 1), Token("word", "ls", 4),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text", ["'open", '"open $(', "$(((", "a <<E\nno end", "((((", "${x", "\\", "`", "a=(", "$'", "{" * 5000, '"$(' * 500]
)
def test_broken_or_hostile_text_is_read_to_its_end(text: str) -> None:
    walk(text, scope({}, "/w", "x"))


NAMES = {"A": "1", "L": "x y", "P": "/a/f.tar.gz", "HOME": "/h", "EMPTY": ""}
WORDS = [
    ("$A", ["1"]),
    ('"$L"', ["x y"]),
    ("$L", ["x", "y"]),
    ("${NO:-d}/e", ["d/e"]),
    ("${A:-d}", ["1"]),
    ("${P##*/}", ["f.tar.gz"]),
    ("${P%.gz}", ["/a/f.tar"]),
    ("${P%%.*}", ["/a/f"]),
    ("${P/f/g}", ["/a/g.tar.gz"]),
    ("'$A'", ["$A"]),
    ("\\$A", ["$A"]),
    ("{1..3}.py", ["1.py", "2.py", "3.py"]),
    ("a{x,y}", ["ax", "ay"]),
    ("$(dirname $P)", ["/a"]),
    ("$(basename $P .gz)", ["f.tar"]),
    ("`basename $P`", ["f.tar.gz"]),
    ("$(seq 2 4)", ["2", "3", "4"]),
    ('"${LIST[@]}"', ["p", "q r"]),
    ("$(cd /a/b/.. && pwd)", ["/a"]),
    ("$PWD/x", ["/w/x"]),
    ("~/x", ["/h/x"]),
    ("$EMPTY", []),
    ('"$EMPTY"', [""]),
]


@pytest.mark.parametrize(("raw", "expected"), WORDS)
def test_a_word_becomes_what_bash_makes_of_it(raw: str, expected: list[str]) -> None:
    assert [w.text for w in words(raw, Values(NAMES, {"LIST": ("p", "q r")}, "/w"))] == expected


def test_real_bash_agrees() -> None:
    raws = [raw for raw, _ in WORDS if "/a/b" not in raw and "PWD" not in raw]
    script = "LIST=(p 'q r')\n" + "".join(f"printf '%s\\0' {raw} ''\nprintf '\\n'\n" for raw in raws)
    ran = RealWorld(env={**NAMES, "PATH": os.environ["PATH"]}).run("bash", "--norc", "-c", script)
    assert [row.split("\0")[:-2] for row in ran.out.splitlines()] == [dict(WORDS)[raw] for raw in raws]


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(
    st.lists(
        st.sampled_from([*"ab$(){}[]'\"`\\<>|&;#=\n \t*!~-0", "$(", "${", "<<E", "\nE\n", "for i in ", "do ", "done", "case "])
    ).map("".join)
)
def test_no_text_at_all_stops_the_reader(text: str) -> None:
    walk(text, scope({"a": "b"}, "/w", "x"))


@pytest.mark.parametrize("raw", ["$NO", "${NO}", "$(date)", "$((1 + 2))", "${#A}", "${!A}", "$1", "$RUNTIME"])
def test_what_only_the_run_can_tell_stays_as_written(raw: str) -> None:
    (word,) = words(raw, Values({"A": "1", "RUNTIME": None}, {}, "/w"))
    assert (word.text, word.known) == (raw, False)


def commands(text: str) -> list[tuple[str, ...]]:
    return [c.texts for c in walk(text, scope({"HOME": "/h"}, "/w", "job.sh"))]


def test_a_loop_variable_takes_each_of_its_words() -> None:
    assert commands("for i in a b; do run $i.py; done") == [("run", "a.py"), ("run", "b.py")]


def test_branches_are_all_followed_and_both_values_kept() -> None:
    text = "if [ -f x ]; then M=a; elif false; then M=b; else M=c; fi\nrun $M"
    assert commands(text)[2:] == [("run", "a"), ("run", "b"), ("run", "c")]


def test_case_patterns_are_no_commands() -> None:
    assert commands("case $1 in a|b) one;; (c) two ;; *) three\nesac\nfour") == [("one",), ("two",), ("three",), ("four",)]


def test_functions_conditions_and_arithmetic_are_stepped_over() -> None:
    text = (
        "f() { inner 1; }\nfunction g { inner 2; }\n[[ a < b && c ]] && yes\n((x = 1 < 2))\nfor ((i=0; i<3; i++)); do body; done"
    )
    assert commands(text) == [("inner", "1"), ("inner", "2"), ("yes",), ("body",)]


def test_commands_inside_substitutions_count() -> None:
    assert commands("X=$(python a.py | tee `which b`)\ndiff <(sort c) d") == [
        ("python", "a.py"), ("which", "b"), ("tee", "b"), ("sort", "c"), ("diff", "<(sort c)", "d"),
    ]  # fmt: skip


def test_a_subshell_leaves_the_folder_as_it_was() -> None:
    found = walk("(cd in && run)\nrun\ncd $UNKNOWN\nrun", scope({}, "/w", "job.sh"))
    assert [c.cwd for c in found if c.texts == ("run",)] == ["/w/in", "/w", ""]


def test_a_command_knows_its_loops_its_line_and_what_follows_it() -> None:
    found = walk("while read -r x\ndo\n  for i in 1\n  do run &\n  done\ndone < list\n(last) &", scope({}, "/w", "job.sh"))
    assert [(c.texts[0], c.line, c.loops, c.ends) for c in found] == [
        ("read", 1, (Loop("while", 1),), ""),
        ("run", 4, (Loop("while", 1), Loop("for", 3)), "&"),
        ("last", 7, (), "&"),
    ]


FUNCTIONS = [
    ("f() { run $1 $2; }\nf a b\nf c", [("run", "a", "b"), ("run", "c", "$2")]),
    ("f() { run $1; }", [("run", "$1")]),
    ("function f { run \"$@\"; }\nf 'a b' c", [("run", "a b", "c")]),
    ("f() { g $1; }\ng() { run $1; }\nf x", [("run", "x")]),
    ("f() { cd $1; }\nf in\nrun", [("run",)]),
    ("f() { D=$1; }\nf a\nrun $D", [("run", "a")]),
    ("f() { local D=in; run $D; }\nrun $D; f", [("run", "$D"), ("run", "in")]),
    ("f() { shift; run $1 $#; }\nf a b c", [("run", "b", "2")]),
    ("f() { f; run; f; }\nf", [("run",)] * 3),
    ("set -- a b; run $2; shift; run $1 \"$@\"", [("run", "b"), ("run", "b", "b")]),
    ("while true; do shift; done; run $1", [("run", "$1")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FUNCTIONS)
def test_a_function_s_body_is_read_at_its_calls_with_their_arguments(text: str, expected: list[tuple[str, ...]]) -> None:
    state = scope({}, "/w", "job.sh", arguments=("one",))
    assert [c.texts for c in walk(text, state) if c.texts[0] == "run"][:3] == expected


def test_a_function_that_is_called_runs_where_its_caller_is() -> None:
    found = walk("f() { run; }\ncd in\nf", scope({}, "/w", "job.sh"))
    assert [(c.cwd, c.line) for c in found if c.texts == ("run",)] == [("/w/in", 1)]


def test_commands_are_handed_what_was_exported_and_nothing_else() -> None:
    found = walk("A=1\nB=2\nexport B C=3\nif x; then C=4; fi\nunset H\nD=5 run", scope({"H": "/h", "A": "0"}, "/w", "job.sh"))
    assert (found[-1].exports, found[-1].environment) == ({"A": ("1",), "B": ("2",), "C": ("3", "4"), "H": ()}, (("D", "5"),))


def test_a_value_that_branches_choose_is_told_from_one_that_a_loop_runs_through() -> None:
    found = walk("A=1; if x; then A=2; fi; for i in 3 4; do run $A $i; done", scope({}, "/w", "job.sh"))
    runs = [c for c in found if c.texts[0] == "run"]
    assert ([c.texts for c in runs], {c.undecided for c in runs}) == (
        [("run", "1", "3"), ("run", "1", "4"), ("run", "2", "3"), ("run", "2", "4")],
        {("A",)},
    )


def test_what_is_missing_in_a_word_is_named() -> None:
    (word,) = words("$A/${B%.x}-$(date +%s)/${C:-$D}$E", Values({"E": "e"}, {}, "/w"))
    assert word.missing == ("A", "B", "$(date +%s)", "C", "D")


def test_a_secret_of_the_environment_has_no_value() -> None:
    [command] = walk("run $API_TOKEN ${API_TOKEN:-x} $PLAIN", scope({"API_TOKEN": "hunter2", "PLAIN": "p"}, "/w", "x"))
    assert command.texts == ("run", "$API_TOKEN", "${API_TOKEN:-x}", "p")


def test_a_called_script_gets_its_own_arguments_and_its_caller_s_exports(tmp_path: Path) -> None:
    (tmp_path / "step.sh").write_text("run $1 $2 $A $B $C\n")
    script = "export A=1; B=2\nC=3 bash step.sh x\nbash -c 'run $1 $A $B' _ y\n"
    job = Job("slurm", "1", workdir=str(tmp_path), script=script, script_path="/w/job.sh", argv=("job.sh", "outer"))
    found = trace(RealWorld(env={}, cwd=str(tmp_path)), job)
    assert [c.texts for c in found.commands if c.texts[0] == "run"] == [
        ("run", "x", "$2", "1", "$B", "3"),
        ("run", "y", "1", "$B"),
    ]


def test_a_text_of_many_megabytes_is_read_for_its_first_part_only() -> None:
    found = walk("run a\n" * (10 << 20), scope({}, "/w", "x"))
    assert len(found) == MAX_COMMANDS


def test_a_sourced_file_gives_its_variables_to_the_rest() -> None:
    texts = {"/w/env.sh": "DIR=/data\nexport N=2\n"}
    found = walk("source env.sh\nrun $DIR/$N", scope({}, "/w", "job.sh", texts.get))
    assert [(c.texts, c.file, c.line) for c in found] == [
        (("source", "env.sh"), "job.sh", 1), (("export", "N=2"), "/w/env.sh", 2), (("run", "/data/2"), "job.sh", 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("srun -n 4 --mpi pmix ./prog x", ("./prog", "x")),
        ("mpirun -np 4 --mca btl tcp python a.py", ("python", "a.py")),
        ("env -u X A=1 B=2 python a.py", ("python", "a.py")),
        ("timeout -k 5 10m nice -n 5 ./x", ("./x",)),
        ("apptainer exec --nv -B /a:/b img.sif python a.py", ("python", "a.py")),
        ("apptainer --quiet run img.sif", ()),
        ("docker run --rm -v /a:/a python:3.11 python a.py", ("python", "a.py")),
        ("ch-run -w /img -- ./x", ("./x",)),
        ("torchrun --nproc_per_node 4 a.py --lr 1", ("python", "a.py", "--lr", "1")),
        ("python -m torch.distributed.run --nnodes 2 a.py", ("python", "a.py")),
        ("accelerate launch --num_processes 2 a.py", ("python", "a.py")),
        ("conda run -n env python a.py", ("python", "a.py")),
        ("uv run a.py", ("python", "a.py")),
        ("srun apptainer exec i.sif env X=1 python a.py", ("python", "a.py")),
        ("docker build .", ("docker", "build", ".")),
        ("numactl -N 0 -m 0 ./x", ("./x",)),
        ("/usr/bin/time -v ./x", ("./x",)),
    ],
)
def test_launchers_are_taken_off(line: str, expected: tuple[str, ...]) -> None:
    assert unwrap(line.split()).words == expected


def test_the_image_of_a_container_is_kept() -> None:
    assert (unwrap(["singularity", "exec", "-H", "/h", "a.sif", "x"]).image, unwrap(["./x"]).image) == ("a.sif", "")


SBATCH = """#!/bin/bash
#SBATCH -n 4
#SBATCH -N1 --mem=4G   # four
# SBATCH --no=1
  #SBATCH --neither

#SBATCH --job-name "two words" --requeue
#SBATCH --array=0-9%2 -H
echo start
#SBATCH --late=1
"""


def test_sbatch_lines_are_read_as_sbatch_reads_them() -> None:
    assert [(o.option, o.value, o.line) for o in sbatch.directives(SBATCH)] == [
        ("-n", "4", 2), ("-N", "1", 3), ("--mem", "4G", 3), ("--job-name", "two words", 7), ("--requeue", "", 7),
        ("--array", "0-9%2", 8), ("-H", "", 8),
    ]  # fmt: skip


def test_our_own_lines_may_stand_anywhere_and_hold_quoted_globs() -> None:
    text = "#!/bin/bash\n#AUDITOR input=data/*.csv output='my out/*' other=1\necho\n#AUDITOR label=night\n"
    assert sbatch.marks(text) == sbatch.Marks(("data/*.csv",), ("my out/*",), "night")


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("", "shell"),
        ("#!/bin/sh -l", "shell"),
        ("#!/usr/bin/env python3", "python"),
        ("#!/usr/bin/env -S python -u", "python"),
        ("#!/usr/bin/Rscript", "r"),
    ],
)
def test_the_first_line_tells_the_language(first: str, expected: str) -> None:
    assert sbatch.language(first + "\necho\n") == expected


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (("job.sh", "a", "b c"), ("a", "b c")),
        (("-n", "4", "--mem=1G", "./job.sh", "--x"), ("--x",)),
        (("--wrap", "job.sh"), ()),
        ((), ()),
    ],
)
def test_arguments_are_what_follows_the_script(argv: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert sbatch.arguments(argv, "/w/job.sh") == expected


def test_a_trace_over_an_empty_machine_still_names_the_files() -> None:
    found = trace(EmptyWorld(), Job("slurm", "1", workdir="/w", script="python a.py\n. $X/env.sh\n"))
    assert ([c.path for c in found.calls], found.unresolved) == (["/w/a.py"], ("$X/env.sh",))


def test_scripts_that_call_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "a.sh").write_text("bash b.sh; source a.sh\n")
    (tmp_path / "b.sh").write_text("bash a.sh; source b.sh\n")
    found = trace(RealWorld(cwd=str(tmp_path)), Job("slurm", "1", workdir=str(tmp_path), script="bash a.sh\n"))
    assert [c.path for c in found.calls] == [f"{tmp_path}/a.sh", f"{tmp_path}/b.sh"]
