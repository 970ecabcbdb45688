"""What does a Python expression say, when it is a literal or made of literals and known names? Parsed, never run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Mapping

MAX_EXPRESSION = 2000
MAX_SHOWN = 60


def value(expression: str, known: Mapping[str, str]) -> str | None:
    """The text; None where only running it would tell."""
    node = _parsed(expression)
    return None if node is None else _text(node, known)


def is_none(expression: str) -> bool:
    node = _parsed(expression)
    return isinstance(node, ast.Constant) and node.value is None


def shown(expression: str) -> str:
    """The expression as it stands, on one line and cut."""
    line = " ".join(expression[:MAX_EXPRESSION].split())
    return line if len(line) <= MAX_SHOWN else f"{line[: MAX_SHOWN - 2]}.."


def _parsed(expression: str) -> ast.expr | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(f"({expression[:MAX_EXPRESSION]}\n)", mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _text(node: ast.expr, known: Mapping[str, str], depth: int = 0) -> str | None:
    if depth > 20:
        return None
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.FormattedValue):
        plain = node.conversion == -1 and node.format_spec is None
        return _text(node.value, known, depth + 1) if plain else None
    parts: list[ast.expr] = []
    if isinstance(node, ast.JoinedStr):
        parts = node.values
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [node.left, node.right]
    texts = [_text(part, known, depth + 1) for part in parts]
    return "".join(t for t in texts if t is not None) if parts and None not in texts else None
