"""Do two JSON documents hold the same? Same keys, lengths and types; floats within tolerance, integers exactly."""

from __future__ import annotations

import json
from typing import Any

from auditor.replay.compare.tolerance import Compared, Ledger, Tolerance


def compare(expected: bytes, actual: bytes, tolerance: Tolerance) -> Compared:
    """Value by value. Raises ValueError or RecursionError for what is not JSON, or too deep."""
    ledger = Ledger(tolerance)
    _walk("$", json.loads(expected), json.loads(actual), ledger)
    return ledger.verdict("json")


def _walk(place: str, a: Any, b: Any, ledger: Ledger) -> None:
    if isinstance(a, dict) and isinstance(b, dict):
        for key in sorted({*a, *b}):
            if key in a and key in b:
                _walk(f"{place}.{key}", a[key], b[key], ledger)
            else:
                ledger.differs(
                    f"{place}.{key}", _shown(a[key]) if key in a else "(absent)", _shown(b[key]) if key in b else "(absent)"
                )
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            ledger.differs(place, f"{len(a)} items", f"{len(b)} items")
        for index, (x, y) in enumerate(zip(a, b, strict=False)):
            _walk(f"{place}[{index}]", x, y, ledger)
    elif _is_number(a) and _is_number(b) and (isinstance(a, float) or isinstance(b, float)):
        _number(place, a, b, ledger)
    elif type(a) is not type(b) or a != b:
        ledger.differs(place, _shown(a), _shown(b))


def _number(place: str, a: float, b: float, ledger: Ledger) -> None:
    try:
        ledger.number(place, float(a), float(b))
    except OverflowError:  # an integer beyond every float
        ledger.differs(place, _shown(a), _shown(b))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    return json.dumps(value)[:200]
