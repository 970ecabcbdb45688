"""What does a trace file say of each task? A table with a header; which columns, in which units and with which separator, is the user's choice.

trace/TraceFileObserver.groovy (`trace.fields`, `trace.sep`, `trace.raw`); the same rows lie in report.html as `window.data = {"trace": [...]}`
(trace/ReportObserver.groovy), always raw.
"""

from __future__ import annotations

import glob
import html
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditor.world import World
from probes.records.inside import inside
from probes.records.lines import clean, lines, why

MAX_BYTES = 512 << 20
MAX_ROWS = 200_000
MAX_REPORT = 64 << 20
MAX_FILES = 50
_TRACES = (
    "*trace*.txt",
    "*trace*.tsv",
    "*trace*.csv",
    "pipeline_info/*trace*.txt",
    "*/pipeline_info/*trace*.txt",
    "*/*trace*.txt",
)
_REPORTS = ("*report*.html", "pipeline_info/*report*.html", "*/pipeline_info/*report*.html")
_KNOWN = frozenset(
    ("task_id", "hash", "native_id", "name", "status", "exit", "submit", "process", "workdir", "realtime", "duration")
)


@dataclass(frozen=True)
class Trace:
    """A file's rows: line → column → text. path: in the run's folder."""

    path: str
    rows: tuple[tuple[int, Mapping[str, str]], ...]

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(key for _, row in self.rows if (key := key_of(row)))


def traces(world: World, folder: str) -> tuple[list[Trace], list[str]]:
    """Of the folder and where pipelines put theirs (`results/pipeline_info`); links are not followed. Reports only where no trace tells the same."""
    found: list[Trace] = []
    gaps: list[str] = []
    for name in _files(world, folder, _TRACES):
        try:
            if trace := _table(world, folder, name):
                found.append(trace)
        except OSError as error:
            gaps.append(f"{name}: {why(error)}")
    told = frozenset[str]().union(*(t.keys for t in found))
    for name in _files(world, folder, _REPORTS):
        try:
            report = _report(world, folder, name)
        except (OSError, ValueError) as error:
            gaps.append(f"{name}: {why(error)}")
            continue
        if report and not report.keys <= told:
            found.append(report)
    return found, gaps


def key_of(row: Mapping[str, str]) -> str:
    """`d4/783af2`: of the hash, or of the work directory."""
    if re.fullmatch(r"[0-9a-f]{2}/[0-9a-f]{4,30}", row.get("hash", "")):
        return row["hash"][:9]
    found = re.search(r"/([0-9a-f]{2}/[0-9a-f]{6})[0-9a-f]*/?$", row.get("workdir", ""))
    return found[1] if found else ""


def _files(world: World, folder: str, patterns: tuple[str, ...]) -> list[str]:
    found = dict.fromkeys(
        os.path.relpath(path, folder) for pattern in patterns for path in world.glob(f"{glob.escape(folder)}/{pattern}")
    )
    return [name for name in found if not name.startswith("work/")][:MAX_FILES]


def _table(world: World, folder: str, name: str) -> Trace | None:
    header: list[str] = []
    separator = "\t"
    rows: list[tuple[int, dict[str, str]]] = []
    for number, text in lines(world, inside(world, folder, name), MAX_BYTES):
        if not header:
            separator = next((s for s in ("\t", ",", ";", "|", " ") if len(_KNOWN & set(_cells(text, s))) >= 2), "")
            if not separator:
                return None
            header = _cells(text, separator)
        elif len(rows) < MAX_ROWS:
            rows.append((number, dict(zip(header, _cells(text, separator), strict=False))))
    if rows and world.span(os.path.join(folder, name), -1, 1) != b"\n":
        rows[-1][1].popitem()  # the engine was killed while it wrote: the last cell may be half a value
    return Trace(name, tuple(rows)) if header else None


def _cells(text: str, separator: str) -> list[str]:
    """Nextflow quotes nothing, but a name may hold the separator: with commas, parentheses keep together what is in them."""
    if separator != ",":
        return [cell.strip() for cell in text.split(separator)]
    return [cell.strip() for cell in re.split(r",(?![^(]*\))", text)]


def _report(world: World, folder: str, name: str) -> Trace | None:
    text = world.text(inside(world, folder, name), MAX_REPORT)
    start = text.find("window.data = ")
    if start < 0:
        return None
    data, _ = json.JSONDecoder().raw_decode(text, start + len("window.data = "))
    rows = data.get("trace") if isinstance(data, dict) else None
    return Trace(name, tuple(_json_rows(rows))) if isinstance(rows, list) else None


def _json_rows(rows: list[object]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """ReportObserver escapes the script for HTML."""
    for number, row in enumerate(rows[:MAX_ROWS]):
        if isinstance(row, dict):
            yield number, {str(k): clean(html.unescape(str(v))) for k, v in row.items() if v is not None}
