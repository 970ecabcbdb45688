"""What do the scripts, the configuration and the command ask of the engine outright? They are read as text, never run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from auditor.world import World
from probes.records.inside import inside
from probes.records.lines import one_line, why
from probes.workflows import Construct, Definition, Place
from probes.workflows.nextflow_files.log import Log

MAX_BYTES = 4 << 20
MAX_FOUND = 1000
_DIRECTIVES = (
    ("retries", re.compile(r"\s*(?:process\.)?(?:errorStrategy|maxRetries)\b.{0,100}")),
    ("array", re.compile(r"\s*(?:process\.)?array\s*=?\s*\d+\s*")),
    ("limit", re.compile(r"\s*(?:process\.|executor\.)?(?:maxForks|queueSize)\s*=?\s*\d+.{0,50}")),
    ("staging", re.compile(r"\s*(?:process\.)?(?:scratch|stageInMode|stageOutMode)\b\s*=?\s*['\"\w].{0,60}")),
    ("cache", re.compile(r"\s*(?:process\.)?(?:cache|storeDir)\b\s*=?\s*['\"\w].{0,60}")),
    ("loop", re.compile(r".{0,150}\.recurse\(.{0,60}")),
)
_OPTIONS = (
    ("resume", re.compile(r"(?:^| )-resume\b(?: [0-9a-f-]{36})?")),
    ("limit", re.compile(r"(?:^| )(?:-qs|-queue-size|-process\.maxForks)[ =]\d+")),
)


def constructs(
    world: World, folder: str, log: Log, command: str, definitions: Iterable[Definition]
) -> tuple[list[Construct], list[str]]:
    """Of the command, the log, and those definitions that lie in the folder."""
    found = [
        Construct(what, one_line(m[0]), Place(log.path, "command")) for what, form in _OPTIONS if (m := form.search(command))
    ]
    found += _of_the_log(log)
    gaps: list[str] = []
    for file in definitions:
        try:
            text = world.text(inside(world, folder, file.path), MAX_BYTES)
        except FileNotFoundError:
            continue  # a workflow that was pulled lies in ~/.nextflow/assets
        except OSError as error:
            gaps.append(f"{one_line(file.path)}: {why(error)}")
            continue
        found += _of_a_file(file.path, text)
    return found[:MAX_FOUND], gaps


def _of_the_log(log: Log) -> Iterator[Construct]:
    for line, _, fields in log.all("creating"):
        place = Place(log.path, f"line {line}")
        if fields["array"].strip("0"):
            yield Construct("array", f"{one_line(fields['name'])}: array={fields['array']}", place)
        if fields["forks"].strip("0"):
            yield Construct("limit", f"{one_line(fields['name'])}: maxForks={fields['forks']}", place)


def _of_a_file(path: str, text: str) -> Iterator[Construct]:
    for number, line in enumerate(text.splitlines()[:100_000], 1):
        for what, form in _DIRECTIVES:
            if form.fullmatch(line[:300]) and not line.lstrip().startswith(("//", "*")):
                yield Construct(what, one_line(line), Place(path, f"line {number}"))
