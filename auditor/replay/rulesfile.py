"""Which tolerances and ignore rules hold for which output? From options, from a file that an earlier repeat wrote, from the author.

One rule as text: `metrics.json:$.loss=1e-3`, an output (glob), a field (glob, as in auditor.replay.compare.rules), a relative tolerance;
`metrics.json=1e-3` is for the whole output, `metrics.json:$.seconds=ignore` leaves a field out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path

from auditor import codec
from auditor.model import AuditError
from auditor.replay.compare.rules import FieldRule, Rules
from auditor.replay.compare.tolerance import Tolerance
from reports.archive.recipe import Recipe

IGNORE = "ignore"
EXAMPLE = "such as --tolerance 'metrics.json:$.loss=1e-3' or 'metrics.json:$.seconds=ignore'"
MOST = 10_000
LARGEST = 8 << 20


@dataclass(frozen=True)
class OutputRule:
    """output: its place (a glob). fields: a glob, empty for the whole output. rtol, atol: None for what is left out. why: who says so."""

    output: str
    fields: str
    rtol: float | None
    atol: float | None
    why: str

    def __str__(self) -> str:
        how = "not compared" if self.rtol is None else str(self.tolerance)
        return f"{self.output}{f', {self.fields}' if self.fields else ''}: {how} ({self.why})"

    @property
    def tolerance(self) -> Tolerance | None:
        return None if self.rtol is None else Tolerance(self.rtol, self.atol or 0.0)


@dataclass(frozen=True)
class RuleFile:
    """What a repeat learnt, beside its verdict; `--rules FILE` takes it."""

    bundle: str
    run_id: str
    rules: tuple[OutputRule, ...]
    schema: int = 1


def parse(text: str, why: str) -> OutputRule:
    """One rule as text. Raises AuditError."""
    where, equals, value = text.rpartition("=")
    output, _, fields = where.partition(":")
    if not equals or not output:
        raise AuditError(f"{ascii(text)[:80]} is no tolerance", EXAMPLE)
    if value == IGNORE:
        if not fields:
            raise AuditError(f"{ascii(text)[:80]}: a whole output cannot be left out", "name the field that varies; " + EXAMPLE)
        return OutputRule(output, fields, None, None, why)
    try:
        rtol = float(value)
    except ValueError:
        rtol = math.nan
    if not 0 <= rtol < 1:
        raise AuditError(f"{ascii(text)[:80]}: a relative tolerance is a number from 0 to below 1", EXAMPLE)
    return OutputRule(output, fields, rtol, None, why)


def parsed(texts: Iterable[str], why: str) -> tuple[OutputRule, ...]:
    return tuple(parse(text, why) for text in texts)


def read(path: str) -> tuple[OutputRule, ...]:
    """The rules of a file, each named after it. Raises AuditError for what is none."""
    try:
        raw = Path(path).read_bytes() if Path(path).stat().st_size <= LARGEST else b""
    except OSError as error:
        raise AuditError(
            f"{path} cannot be read: {error.strerror or error}", "--rules takes a file that a repeat wrote"
        ) from error
    found = codec.loads(raw, RuleFile, path)
    if len(found.rules) > MOST or any(r.rtol is None and not r.fields for r in found.rules):
        raise AuditError(f"{path} holds rules that no repeat writes", "--rules takes a file that a repeat wrote")
    for rule in found.rules:
        if any(v is not None and not 0 <= v < math.inf for v in (rule.rtol, rule.atol)):
            raise AuditError(f"{path}: {rule.output} has a tolerance that is none", "--rules takes a file that a repeat wrote")
    return tuple(replace(r, why=f"{Path(path).name}: {r.why}") for r in found.rules)


def write(path: Path, bundle: str, run_id: str, rules: Sequence[OutputRule]) -> None:
    path.write_bytes(codec.pretty(RuleFile(bundle, run_id, tuple(rules))))


def of_author(recipe: Recipe, tolerances: Mapping[str, str], why: str) -> tuple[OutputRule, ...]:
    """What the bundle's author said, then what this project's .auditor.toml says."""
    said = tuple(OutputRule(place, "", rtol, atol, "the bundle's author") for place, (rtol, atol) in recipe.tolerances.items())
    return (*said, *parsed((f"{where}={value}" for where, value in tolerances.items()), why))


def rules(place: str, recipe: Recipe, said: Sequence[OutputRule]) -> Rules:
    """For one output. Of rules for the same field the first counts; an absolute tolerance that is not given is the recipe's."""
    mine = [r for r in said if r.output == place or fnmatchcase(place, r.output)]
    whole = next((r for r in mine if not r.fields), None)
    overall = _tolerance(whole, recipe) if whole else Tolerance(recipe.rtol, recipe.atol)
    fields = (FieldRule(r.fields, None if r.rtol is None else _tolerance(r, recipe), r.why) for r in mine if r.fields)
    return Rules(overall, tuple(fields))


def _tolerance(rule: OutputRule, recipe: Recipe) -> Tolerance:
    return Tolerance(rule.rtol or 0.0, recipe.atol if rule.atol is None else rule.atol)
