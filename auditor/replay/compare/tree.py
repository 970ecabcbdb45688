"""Do two JSON or YAML documents, or JSON lines, hold the same? Same keys, lengths and types; floats within tolerance, integers exactly."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import Any

from auditor.replay.compare.content import Content
from auditor.replay.compare.kind import Comparator
from auditor.replay.compare.ledger import Ledger
from auditor.replay.compare.text import lines
from probes.records import yamlfile

WHOLE = 128 << 20
"""Bytes of a document, which is read whole."""
_LINES = frozenset({"jsonl", "ndjson"})
_YAML = frozenset({"yaml", "yml"})


def compare(expected: Content, actual: Content, ledger: Ledger) -> None:
    """Value by value. Raises ValueError or RecursionError for what is neither, or too deep."""
    if expected.suffix in _LINES:
        for number, (a, b) in enumerate(zip_longest(lines(expected), lines(actual))):
            if a is None or b is None:
                ledger.shape(f"line {number + 1}", a or "(no line)", b or "(no line)")
            else:
                walk(f"$[{number}]", json.loads(a), json.loads(b), ledger)
    else:
        walk("$", _read(expected), _read(actual), ledger)


def _read(content: Content) -> Any:
    raw = content.whole(WHOLE)
    return yamlfile.load(raw.decode("utf-8")) if content.suffix in _YAML else json.loads(raw)


def walk(place: str, a: Any, b: Any, ledger: Ledger) -> None:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a, *b}, key=str):
            if key in a and key in b:
                walk(f"{place}.{key}", a[key], b[key], ledger)
            else:
                ledger.shape(
                    f"{place}.{key}", _shown(a[key]) if key in a else "(absent)", _shown(b[key]) if key in b else "(absent)"
                )
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            ledger.shape(place, f"{len(a)} items", f"{len(b)} items")
        for index, (x, y) in enumerate(zip(a, b, strict=False)):
            walk(f"{place}[{index}]", x, y, ledger)
    elif _is_number(a) and _is_number(b) and (isinstance(a, float) or isinstance(b, float)):
        _number(place, a, b, ledger)
    elif type(a) is not type(b):
        ledger.shape(place, _shown(a), _shown(b))
    elif a != b:
        ledger.differs(place, _shown(a), _shown(b))
    else:
        ledger.same += 1


def _number(place: str, a: float, b: float, ledger: Ledger) -> None:
    try:
        ledger.number(place, float(a), float(b))
    except OverflowError:  # an integer beyond every float
        ledger.differs(place, _shown(a), _shown(b))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)[:200]


COMPARATOR = Comparator("json", ("json", "jsonl", "ndjson", "yaml", "yml"), compare)
