"""How is a run made smaller, to see in a minute whether it starts and ends at all? By what its author declared, else by a proposal that is shown.

Declared: `#AUDITOR smoke=--epochs=1 smoke=STEPS=10 smoke=seconds=60` in the script, `[smoke]` of `.auditor.toml`, or --smoke. An option is
changed where the script or its arguments give it, a variable where the script assigns it and in the environment, `seconds` is when the run is
stopped at the latest. Only the copy in the replay's folder is changed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from auditor.model import AuditError
from probes.script.sbatch import marks
from reports.archive.recipe import Recipe

SECONDS = 60.0
MOST = 20
"""Changes that are proposed or declared."""
_SIZES = (
    r"(?:max[-_.]?|num[-_.]?|n[-_.]?|total[-_.]?|train[-_.]?)?"
    r"(?:epochs?|steps?|iter(?:ation)?s?|samples?|episodes?|trials?|generations?|rounds|repeats?|frames|replicas|chains)"
)
_OPTION = re.compile(rf"(?<![\w-])(--(?:[\w.-]+[.-])?{_SIZES})([= ]\s*)(['\"]?)(\d[\d_]*(?:e\d+)?)\3(?![\w.])", re.IGNORECASE)
_VARIABLE = re.compile(rf"^(\s*(?:export\s+|readonly\s+)?)((?:\w+_)?{_SIZES})=(['\"]?)(\d+)\3\s*(?:#.*)?$", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_]\w*")
_LONG = re.compile(r"--?[A-Za-z][\w.-]*")
_VALUE = re.compile(r"[\w.,:/%+-]{0,100}")


@dataclass(frozen=True)
class Smoke:
    """changes: option or variable -> its smaller value. source: who says so. seconds: when it is stopped at the latest.

    declared: did a person say how? Otherwise it is our proposal.
    """

    changes: Mapping[str, str]
    seconds: float
    source: str
    declared: bool


@dataclass(frozen=True)
class Smaller:
    """The script and the recipe made smaller, with each change in a sentence."""

    script: str
    recipe: Recipe
    told: tuple[str, ...]


def find(recipe: Recipe, script: str, said: Sequence[str], project: Mapping[str, str]) -> Smoke:
    """Said at this replay, else in the script, else by the project, else proposed. Raises AuditError for what cannot be read."""
    if said:
        return _declared(said, "--smoke")
    if marked := marks(script).smoke:
        return _declared(marked, "the script's #AUDITOR smoke= lines")
    if project:
        return _declared([f"{name}={value}" for name, value in project.items()], "[smoke] in .auditor.toml")
    return propose(recipe, script)


def _declared(said: Sequence[str], source: str) -> Smoke:
    changes: dict[str, str] = {}
    seconds = 0.0
    for text in said[:MOST]:
        name, equals, value = text.partition("=")
        if name == "seconds" and re.fullmatch(r"\d{1,6}(\.\d+)?", value) and float(value) > 0:
            seconds = float(value)
        elif equals and (_NAME.fullmatch(name) or _LONG.fullmatch(name)) and _VALUE.fullmatch(value) and name != "seconds":
            changes[name] = value
        else:
            raise AuditError(
                f"{source}: {ascii(text)[:80]} says nothing about a smaller run", "write --epochs=1, STEPS=10 or seconds=60"
            )
    if any(n.startswith(("LD_", "BASH_")) or n in ("PATH", "IFS", "ENV") for n in changes):
        raise AuditError(f"{source} sets a variable it must not", "name what makes the run smaller")
    return Smoke(changes, seconds, source, True)


def propose(recipe: Recipe, script: str) -> Smoke:
    """Numbers that look like how much is done, all set to 1; and a minute at most, since the guess may miss the one that counts."""
    found: dict[str, str] = {}
    for written in (*script.split("\n"), shlex.join(recipe.arguments)):
        line = written.partition(" #")[0]
        if not line.lstrip().startswith("#"):
            found |= {m[1]: "1" for m in _OPTION.finditer(line)}
            found |= {m[2]: "1" for m in [_VARIABLE.match(line)] if m}
    found |= {
        name: "1" for name, value in recipe.environment.items() if re.fullmatch(_SIZES, name, re.IGNORECASE) and value.isdigit()
    }
    return Smoke(dict(list(found.items())[:MOST]), SECONDS, "proposed: what looks like an amount of work is set to 1", False)


def apply(smoke: Smoke, recipe: Recipe, script: str) -> Smaller:
    """Pure. A change that fits nowhere is told as such; a variable that the script does not assign is set all the same."""
    told: list[str] = []
    arguments, environment = list(recipe.arguments), dict(recipe.environment)
    for name, value in smoke.changes.items():
        script, places = _in_script(script, name, value)
        if name.startswith("-"):
            arguments, more = _in_arguments(arguments, name, value)
            places += more
        elif name in environment or not places:
            places.append(f"{name}={environment.get(name, '')}" if name in environment else f"{name} (not set before)")
            environment[name] = value
        told += [f"{place} becomes {value}" for place in places] or [f"{name}: nothing in the script or its arguments gives it"]
    made = replace(recipe, arguments=tuple(arguments), environment=environment)
    return Smaller(script, made, (*told, f"it is stopped after {smoke.seconds:g} s") if smoke.seconds else tuple(told))


def _in_script(script: str, name: str, value: str) -> tuple[str, list[str]]:
    """Changed outside of comments; our own and Slurm's lines are comments too."""
    option = name.startswith("-")
    pattern = re.compile(
        rf"(?<![\w-])({re.escape(name)}(?:=|\s+))([^\s;|&)]+)"
        if option
        else rf"^(\s*(?:export\s+|readonly\s+)?{re.escape(name)}=)(\S*)"
    )
    lines, places = script.split("\n"), []
    for number, written in enumerate(lines):
        line, mark, comment = written.partition(" #")
        if not line.lstrip().startswith("#") and (match := pattern.search(line)):
            places.append(f"line {number + 1}: {match[0].strip()[:80]}")
            lines[number] = pattern.sub(lambda m: m[1] + value, line) + mark + comment
    return "\n".join(lines), places


def _in_arguments(arguments: list[str], name: str, value: str) -> tuple[list[str], list[str]]:
    made, places = list(arguments), []
    for at, word in enumerate(arguments):
        if word.startswith(f"{name}="):
            made[at] = f"{name}={value}"
            places.append(f"argument {word[:80]}")
        elif word == name and at + 1 < len(arguments):
            made[at + 1] = value
            places.append(f"argument {name} {arguments[at + 1][:60]}")
    return made, places
