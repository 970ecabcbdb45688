"""Which files describe the workflow, and what do they ask the engine for outright? The Snakefile is read as text, never run.

The header's `Config MD5` (version 9) is the MD5 of the whole configuration as JSON with sorted keys (workflow.py): where the config files of today
give the same one, their values are those of the run; where not, `--config` or a later change came between, and no value is taken.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from auditor.world import World
from probes.records.inside import inside
from probes.records.lines import one_line, why
from probes.records.within import relative
from probes.records.yamlfile import NotYaml, load
from probes.workflows import Construct, Definition, Digest, Place
from probes.workflows.snakemake_files.log import Log

MAX_BYTES = 4 << 20
MAX_VALUES = 1000
_DIRECTIVES = (
    ("retries", re.compile(r"\s+(retries|restart_times):\s*([\w\[\]\"'(),. ]{0,60})")),
    ("cache", re.compile(r"\s+(cache):\s*(.{0,60})")),
    ("staging", re.compile(r"\s+(shadow):\s*(.{0,60})")),
    ("staging", re.compile(r"\s*(storage)(?:\(| \w+:|:)(.{0,60})")),
)
_OPTIONS = (
    ("retries", re.compile(r"(?:^| )(?:--retries|--restart-times|-T)[ =](\d+)")),
    ("resume", re.compile(r"(?:^| )(--rerun-incomplete|--ri)\b")),
    ("limit", re.compile(r"(?:^| )(?:--jobs|-j|--cores|-c|--local-cores|--resources|--max-jobs-per-second)[ =]?(\S+)")),
    ("array", re.compile(r"(?:^| )--slurm-array-jobs[ =](\S+)")),
    ("cache", re.compile(r"(?:^| )(--cache)\b")),
)


def definitions(world: World, folder: str, log: Log, before: str) -> tuple[tuple[Definition, ...], Mapping[str, str], list[str]]:
    """(the files, the values of the configuration that are proved, what could not be told)."""
    header = log.header
    found = []
    gaps: list[str] = []
    if path := header.get("Snakefile", ""):
        found.append(Definition(relative(folder, path, before), "workflow", place=Place(log.path, "Snakefile")))
    elif name := _usual(world, folder):
        found.append(Definition(name, "workflow", place=Place(name)))
    digest = header.get("Config MD5", "")
    names = [relative(folder, n, before) for n in re.findall(r"'([^']+)'", header.get("Config file(s)", ""))]
    sums = (Digest("md5", digest, "state"),) if re.fullmatch("[0-9a-f]{32}", digest) else ()
    found += [Definition(n, "config", sums, place=Place(log.path, "Config file(s)")) for n in names]
    values: Mapping[str, str] = {}
    if names and sums:
        values, gap = _proved(world, folder, names, digest)
        gaps += gap
    return tuple(found), values, gaps


def _usual(world: World, folder: str) -> str:
    for name in ("Snakefile", "workflow/Snakefile", "snakefile", "workflow/snakefile"):
        try:
            inside(world, folder, name)
            return name
        except OSError:
            continue
    return ""


def _proved(world: World, folder: str, names: list[str], digest: str) -> tuple[Mapping[str, str], list[str]]:
    merged: dict[str, Any] = {}
    try:
        for name in names:
            read = load(world.text(inside(world, folder, name), MAX_BYTES))
            merged = _merged(merged, read) if isinstance(read, dict) else merged
        same = hashlib.md5(json.dumps(merged, sort_keys=True).encode(), usedforsecurity=False).hexdigest() == digest
    except (OSError, NotYaml, TypeError, ValueError, RecursionError) as error:
        return {}, [f"the configuration could not be read: {why(error)}"]
    if not same:
        return {}, [
            f"{', '.join(names)} do not give the configuration of this run (Config MD5 {digest}): no value is taken from there"
        ]
    return dict(list(_flat(merged, ""))[:MAX_VALUES]), []


def _merged(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    both = dict(first)
    for key, value in second.items():
        before = both.get(key)
        both[key] = _merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return both


def _flat(value: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    else:
        yield name, one_line(value if isinstance(value, str) else json.dumps(value, default=str))


def constructs(world: World, folder: str, log: Log, files: tuple[Definition, ...]) -> tuple[list[Construct], list[str]]:
    """What the command line, the log and the text of the workflow say outright."""
    found = [*_of_the_log(log)]
    gaps: list[str] = []
    for what, form in _OPTIONS:
        if option := form.search(log.header.get("Command", "")):
            found.append(Construct(what, one_line(option[0].strip()), Place(log.path, "Command")))
    for file in files:
        if file.kind != "workflow":
            continue
        try:
            text = world.text(inside(world, folder, file.path), MAX_BYTES)
        except OSError as error:
            gaps.append(f"{file.path}: {why(error)}")
            continue
        for number, line in enumerate(text.splitlines()[:100_000], 1):
            for what, form in _DIRECTIVES:
                if asked := form.fullmatch(line[:200]):
                    found.append(Construct(what, one_line(asked[0]), Place(file.path, f"line {number}")))
    return found[:MAX_VALUES], gaps


def _of_the_log(log: Log) -> Iterator[Construct]:
    seen: set[str] = set()
    for job in log.jobs.values():
        if job.checkpoint and job.rule not in seen:
            seen.add(job.rule)
            yield Construct("loop", f"checkpoint {job.rule}", Place(log.path, f"line {job.line}"))
    for said in log.said("array"):
        size = int(said.fields["last"]) - int(said.fields["first"]) + 1
        yield Construct("array", f"Slurm job {said.fields['native']} with {size} tasks", Place(log.path, f"line {said.line}"))
