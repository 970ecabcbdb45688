"""What does a batch script tell sbatch, and what does it tell us? `#SBATCH` and `#AUDITOR` lines, the interpreter, the arguments.

`#SBATCH` as sbatch's own reader takes it (sbatch(1); src/sbatch/opt.c): column one, only above the first command.
"""

from __future__ import annotations

import os.path
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

_SWITCHES = frozenset(
    """-H --hold -k --no-kill -O --overcommit -s --oversubscribe --share --requeue --no-requeue --exclusive --contiguous --parsable -Q --quiet
    -v --verbose -W --wait --get-user-env --spread-job --use-min-nodes --ignore-pbs --test-only --reboot -h --help --usage -V --version
    --overlap --nice --propagate --no-bell --bell
    --container-mount-home --no-container-mount-home --container-remap-root --no-container-remap-root --container-entrypoint
    --no-container-entrypoint --container-entrypoint-log --container-writable --container-readonly""".split()
)
_PARTS = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"|\\.|(?P<comment>(?<!\S)#)|.", re.DOTALL)
_SHELLS = frozenset("sh bash dash ksh zsh".split())


@dataclass(frozen=True)
class Option:
    """An option as written, dashes included; `value` is empty for a switch. line 0: typed on the command line."""

    option: str
    value: str
    line: int


@dataclass(frozen=True)
class Marks:
    """`#AUDITOR input=GLOB output=GLOB label=NAME trace=WAY smoke=CHANGE` lines, anywhere in the script, quoted as for a shell."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    label: str = ""
    trace: str = ""
    smoke: tuple[str, ...] = ()
    """How a smoke run is made smaller: `--epochs=1`, `STEPS=10`, `seconds=60`."""


def directives(text: str) -> tuple[Option, ...]:
    """The `#SBATCH` options in order."""
    found: list[Option] = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("#SBATCH"):
            found += options(words(line[7:]), number)[0]
        elif line.strip() and not line.lstrip().startswith("#"):
            break
    return tuple(found)


def options(words: Sequence[str], line: int = 0) -> tuple[tuple[Option, ...], tuple[str, ...]]:
    """Options up to the first word that is none, and the words from there on."""
    found: list[Option] = []
    at = 0
    while at < len(words) and words[at].startswith("-") and len(words[at]) > 1:
        word, following = words[at], words[at + 1 : at + 2]
        at += 1
        if word == "--":
            break
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            if not equals and name not in _SWITCHES and following:
                value, at = following[0], at + 1
            found.append(Option(name, value, line))
        elif word[:2] in _SWITCHES:
            found += [Option(f"-{letter}", "", line) for letter in word[1:]]
        elif word[2:]:
            found.append(Option(word[:2], word[2:].removeprefix("="), line))
        elif following:
            found.append(Option(word, following[0], line))
            at += 1
        else:
            found.append(Option(word, "", line))
    return tuple(found), tuple(words[at:])


def words(text: str) -> list[str]:
    """As a shell splits them; `#` begins a comment only where a word would begin, so `nvcr.io#nvidia/x` is one word."""
    comment = next((m.start() for m in _PARTS.finditer(text) if m["comment"]), len(text))
    try:
        return shlex.split(text[:comment])
    except ValueError:  # an open quote: sbatch takes the words as they stand
        return text[:comment].split()


def marks(text: str) -> Marks:
    """Our own lines; other keys are left alone. Of label and trace the last one counts."""
    found: dict[str, list[str]] = {"input": [], "output": [], "label": [], "trace": [], "smoke": []}
    for line in text.split("\n"):
        if line.startswith("#AUDITOR"):
            for word in words(line[8:]):
                key, equals, value = word.partition("=")
                if equals and value and key in found:
                    found[key].append(value)
    label, trace = ("".join(found[k][-1:]) for k in ("label", "trace"))
    return Marks(tuple(found["input"]), tuple(found["output"]), label, trace, tuple(found["smoke"]))


def interpreter(text: str) -> str:
    """The `#!` line without its mark; empty when there is none."""
    return text.split("\n", 1)[0][2:].strip() if text.startswith("#!") else ""


def language(text: str) -> str:
    """`shell`, `python`, or the interpreter's bare name. A script without `#!` is a shell's."""
    words = [w for w in interpreter(text).split() if w not in ("-S", "-i")]
    if not words:
        return "shell"
    name = os.path.basename(words[1] if os.path.basename(words[0]) == "env" and len(words) > 1 else words[0])
    if name in _SHELLS:
        return "shell"
    return "python" if re.match(r"python|pypy", name) else {"Rscript": "r"}.get(name, name)


def arguments(argv: Sequence[str], script_path: str) -> tuple[str, ...]:
    """What follows the script's name in what was typed; empty when the script came otherwise."""
    if not script_path:
        return ()
    _, rest = options(argv)
    if rest and os.path.basename(rest[0]) == os.path.basename(script_path):
        return tuple(rest[1:])
    at = next((n for n, word in enumerate(argv) if word == script_path), None)
    return () if at is None else tuple(argv[at + 1 :])
