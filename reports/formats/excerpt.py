"""How is a piece of evidence laid out for reading? Facts, tables and texts, cut where they are long and saying so."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from reports.formats.clean import clean, line

ROWS, COLUMNS, CELL, TEXT = 40, 8, 240, 6_000
"""What one block shows: rows, columns, characters in a cell, characters of a text."""


@dataclass(frozen=True)
class Block:
    """kind: `facts` (rows of name and value), `table` (with columns) or `text` (one row of one cell)."""

    kind: str
    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    more: str = ""

    @property
    def weight(self) -> int:
        """Characters, roughly as they weigh in a page."""
        return sum(len(cell) + 30 for row in self.rows for cell in row) + 200


def blocks(data: Any) -> tuple[Block, ...]:
    """Any JSON value as blocks: short facts first, then the tables and texts in the order of the data."""
    if data is None or data in ({}, []):
        return ()
    if not isinstance(data, Mapping):
        return (_block("value", data) or Block("facts", "", (), (("value", cell(data)),)),)
    facts, empty, rest = [], [], []
    for key, value in islice(data.items(), 4 * ROWS):
        if value is None or value in ("", [], {}, ()):
            empty.append(words(key))
        elif block := _block(key, value):
            rest.append(block)
        else:
            facts.append((words(key), cell(value)))
    more = f"Not known or empty: {line(', '.join(empty), 600)}." if empty else ""
    head = [Block("facts", "", (), tuple(facts[:ROWS]), more)] if facts or empty else []
    return tuple(head + rest[:ROWS])


def cell(value: Any) -> str:
    """A value in one cell: words for booleans, compact JSON for what is nested."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or value in ("", [], {}, ()):
        return "–"
    if isinstance(value, (str, int, float)):
        return line(str(value), CELL)
    if isinstance(value, Sequence) and all(isinstance(item, (str, int, float)) for item in value[:ROWS]):
        rest = ", …" if len(value) > ROWS else ""
        return line(", ".join(str(item)[:CELL] for item in value[:ROWS]) + rest, CELL)
    return line(_compact(value), CELL)


def _compact(value: Any) -> str:
    """The beginning of a nested value as JSON; it is not written out further than a cell shows."""
    kept = ""
    try:
        for piece in json.JSONEncoder(ensure_ascii=False, default=str).iterencode(value):
            kept += piece[:CELL]
            if len(kept) > CELL:
                break
    except RecursionError:
        return "nested too deep to show"
    return kept


def words(key: object) -> str:
    return line(str(key), 120).replace("_", " ")


def _block(key: object, value: Any) -> Block | None:
    """A table or text for what does not fit a cell; None when it does."""
    if isinstance(value, str):
        return Block("text", words(key), (), ((clean(value, TEXT),),)) if "\n" in value.strip() or len(value) > CELL else None
    if isinstance(value, Mapping):
        rows = tuple((line(str(k), CELL), cell(v)) for k, v in islice(value.items(), ROWS))
        return Block("table", words(key), ("name", "value"), rows, _more(len(value)))
    if not isinstance(value, Sequence):
        return None
    cut = str(value[-1]) if len(value) > 1 and isinstance(value[-1], str) and value[-1].startswith("… ") else ""
    if all(isinstance(item, Mapping) for item in (value[:-1] if cut else value)[:ROWS]):
        block = _records(words(key), value[:-1] if cut else value)
        return replace(block, more=f"{block.more} {line(cut, 80)}".strip())
    if len(value) > 12 or sum(len(str(item)[:CELL]) for item in value) > CELL:
        return Block("table", words(key), (words(key),), tuple((cell(item),) for item in value[:ROWS]), _more(len(value)))
    return None


def _records(name: str, value: Sequence[Mapping[str, Any]]) -> Block:
    """A list of records: one column for each key that says something."""
    keys = list(
        dict.fromkeys(
            k for item in value[:ROWS] for k, v in islice(item.items(), 99) if v is not None and v not in ("", [], {}, ())
        )
    )
    shown = sorted(keys, key=_rank)[:COLUMNS]
    rows = tuple(tuple(cell(item.get(k)) for k in shown) for item in value[:ROWS])
    left = f" Not shown: {', '.join(words(k) for k in keys if k not in shown)}." if len(keys) > COLUMNS else ""
    return Block("table", name, tuple(words(k) for k in shown), rows, _more(len(value)) + left)


def _rank(key: object) -> int:
    """What names a record stands first, digests last."""
    name = str(key)
    return 0 if name in ("path", "name", "reference", "number") else 2 if name.endswith(("sha256", "digest", "_ns", "_id")) else 1


def _more(total: int) -> str:
    return f"{total - ROWS:,} more rows are in the evidence." if total > ROWS else ""
