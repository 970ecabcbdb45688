"""How do our nouns become JSON and come back? Canonical (sorted, compact) bytes; an id is the sha256 over them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

from auditor.model import AuditError

T = TypeVar("T")


def plain(value: Any) -> Any:
    """Dataclasses, enums and tuples as dicts, strings and lists. Text that is not UTF-8 keeps its bytes as `\\udcXX`."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(v) for v in (sorted(value) if isinstance(value, (set, frozenset)) else value)]
    return value


def dumps(value: Any) -> bytes:
    """Canonical JSON: keys sorted, no blanks, ASCII (so lone surrogates survive), no NaN. Raises ValueError on NaN."""
    return json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False).encode("ascii")


def pretty(value: Any) -> bytes:
    """The same for people: two blanks of indent and a final newline."""
    return (json.dumps(plain(value), sort_keys=True, indent=2, allow_nan=False) + "\n").encode("ascii")


def digest(value: Any) -> str:
    return hashlib.sha256(dumps(value)).hexdigest()


def evidence_id(evidence: Any, data: bytes) -> str:
    """`Evidence.id` of a piece of evidence whose data is at hand as canonical JSON (`null`: none)."""
    rest = {k: v for k, v in vars(evidence).items() if k not in ("attempt", "data")}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(b'{"attempt":%d,"data":%s,%s' % (evidence.attempt, data, text[1:].encode("ascii"))).hexdigest()


def loads(raw: bytes, type_: type[T], what: str = "file") -> T:
    """Typed reading. Raises AuditError naming the first thing that does not fit; unknown keys are ignored."""
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise AuditError(f"{what} is not JSON: {error}", "was it cut short, or is it another kind of file?") from error
    return build(data, type_, what)


def build(data: Any, type_: type[T], what: str = "data") -> T:
    """Plain data as a noun. Raises AuditError."""
    import msgspec  # login side only; the in-job path never decodes

    try:
        return msgspec.convert(data, type_, strict=True)
    except msgspec.ValidationError as error:
        raise AuditError(f"{what} does not read as {type_.__name__}: {error}", "made by another version?") from error
