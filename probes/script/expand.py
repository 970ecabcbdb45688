"""What does a shell word become, as far as that is known before it runs? Variables, defaults, braces; nothing is executed."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass

from probes.script.pieces import Piece, braces, pieces

MAX_NESTED = 5
_NAME = re.compile(r"[A-Za-z_]\w*|\d|[@*#?$!-]")
_USED = re.compile(r"\$\{?[!#]?([A-Za-z_]\w*)")
_ANY_USED = re.compile(r"\$\{?[!#]?([A-Za-z_]\w*|\d|[@*#?$!-])")
MAX_NAMED = 60
MAX_VALUE = 64 << 10  # `A=$A$A` a few dozen times over would fill any memory
MAX_FIELDS = 500
_OPERATOR = re.compile(r":?[-=+?]|%%?|##?|//?|,,|\^\^")
_SPACE = re.compile(r"[ \t\n]+")
_QUOTED = re.compile(r"['\"]")


@dataclass(frozen=True)
class Word:
    """text: with known variables filled in; what is known only at run time stays as written, and `known` is False.

    raw: as written, except where one written word became several: then as `text`. missing: names of what only the run knows,
    a substitution as written and cut.
    """

    text: str
    known: bool
    raw: str
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Values:
    """What a shell would know: one value a variable (None: set, but only at run time), arrays, current folder (`""`: unknown)."""

    names: Mapping[str, str | None]
    arrays: Mapping[str, tuple[str, ...]]
    cwd: str


def used(raw: str) -> set[str]:
    """Names of the variables a raw word mentions."""
    return set(_USED.findall(raw)) if "$" in raw else set()


def words(raw: str, values: Values) -> tuple[Word, ...]:
    """The fields a raw word becomes: braces, then parameters, then splitting of what was not quoted."""
    found = [field for part in braces(raw) for field in _fields(part, values, split=True)]
    alone = len(found) == 1
    return tuple(Word(text, not missing, raw if alone or missing else text, missing) for text, missing in found)


def one(raw: str, values: Values) -> Word:
    """The same without braces and splitting, as in an assignment."""
    fields = _fields(raw, values, split=False)
    missing = tuple(dict.fromkeys(name for _, names in fields for name in names))
    return Word(" ".join(text for text, _ in fields), not missing, raw, missing)


Field = tuple[str, tuple[str, ...]]
"""Text, and the names of what only the run knows."""


def _fields(raw: str, values: Values, split: bool) -> list[Field]:
    if raw.count("$") + raw.count("`") > MAX_FIELDS:
        return [(raw, _named(raw))]
    home = values.names.get("HOME") if raw == "~" or raw.startswith("~/") else None
    fields: list[Field] = [(home, ())] if home else []
    for piece in pieces(raw, 1 if home else 0):
        for number, (text, missing) in enumerate(_piece(piece, values, split)):
            if number == 0 and fields:
                before, also = fields.pop()
                fields.append((before + text, tuple(dict.fromkeys((*also, *missing)))))
            else:
                fields.append((text, missing))
    if len(fields) > MAX_FIELDS or sum(len(text) for text, _ in fields) > MAX_VALUE:
        return [(raw, _named(raw))]
    empty = not _QUOTED.search(raw)
    return [f for f in fields if f[0] or not empty]


def _piece(piece: Piece, values: Values, split: bool) -> list[Field]:
    if not piece.code:
        return [(piece.text, ())]
    found = _parameter(piece.text, values)
    if found is None:
        return [(piece.text, _named(piece.text))]
    if isinstance(found, tuple) and (not piece.quoted or "@" in piece.text):
        return [(item, ()) for item in found]
    value = " ".join(found) if isinstance(found, tuple) else found
    return [(part, ()) for part in ([value] if piece.quoted or not split else _SPACE.split(value))]


def _named(code: str) -> tuple[str, ...]:
    """What to call an expansion that has no value: its variables, or a substitution as it stands."""
    if code.startswith("$("):
        return (code if len(code) <= MAX_NAMED else f"{code[: MAX_NAMED - 3]}..)",)
    return tuple(dict.fromkeys(_ANY_USED.findall(code[:MAX_NAMED]))) or (code[:MAX_NAMED],)


def _parameter(code: str, values: Values) -> str | tuple[str, ...] | None:
    """`$X`, `${X:-y}`, `$(dirname ..)`: its value, or None when only the run will tell."""
    if code.startswith("$((") or code.count("$(") + code.count("`") > MAX_NESTED or code.count("${") > MAX_NESTED:
        return None
    if code.startswith("$("):
        from probes.script.answers import answer

        return answer(code[2:-1].strip(), values)
    if code in ("$@", "$*", "${@}", "${*}"):
        return values.arrays.get("@")
    if not code.startswith("${"):
        return _plain(code[1:], values)
    body = code[2:-1]
    match = _NAME.match(body)
    if match is None:
        return None  # ${#X}, ${!X}
    name, rest = match[0], body[match.end() :]
    if rest.startswith("["):
        items = values.arrays.get(name)
        return items if items is not None and rest in ("[@]", "[*]") else None
    return _operator(name, _plain(name, values), rest, values) if rest else _plain(name, values)


def _plain(name: str, values: Values) -> str | None:
    return (values.cwd or None) if name == "PWD" else values.names.get(name)


def _operator(name: str, value: str | None, rest: str, values: Values) -> str | None:
    kind = _OPERATOR.match(rest)
    if kind is None:
        return None
    operator, argument = kind[0], rest[kind.end() :]
    if operator.strip(":") in ("-", "="):
        if value or (value is not None and ":" not in operator):
            return value
        word = one(argument, values)
        return word.text if word.known and not (name in values.names and value is None) else None
    if operator.strip(":") == "?" or value is None:
        return value
    if operator in (",,", "^^"):
        return value.lower() if operator == ",," else value.upper()
    if operator in ("/", "//") and "/" in argument:
        old, new = argument.split("/", 1)
        return None if re.search(r"[*?\[$]", old + new) else value.replace(old, new, 1 if operator == "/" else -1)
    return _strip(value, one(argument, values), operator) if operator[0] in "%#" else None


def _strip(value: str, pattern: Word, operator: str) -> str | None:
    if not pattern.known or len(value) > 512 or len(pattern.text) > 64 or pattern.text.count("*") > 3:
        return None
    cuts = range(len(value) + 1)
    if operator[0] == "%":
        ends = cuts if operator == "%%" else reversed(cuts)
        return next((value[:cut] for cut in ends if fnmatch.fnmatchcase(value[cut:], pattern.text)), value)
    starts = reversed(cuts) if operator == "##" else cuts
    return next((value[cut:] for cut in starts if fnmatch.fnmatchcase(value[:cut], pattern.text)), value)
