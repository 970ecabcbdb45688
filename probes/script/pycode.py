"""What does a Python file import and call, read as a syntax tree? Never imported, never run."""

from __future__ import annotations

import ast
import os.path
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_LINE = re.compile(r"^[ \t]*(?:import[ \t]+([\w., \t]+)|from[ \t]+(\.*[\w.]*)[ \t]+import\b)", re.MULTILINE)


@dataclass(frozen=True)
class Import:
    """`from ..a import b, c`: module `a`, level 2, names (b, c). `import a.b`: module `a.b`, level 0, no names."""

    module: str
    level: int
    names: tuple[str, ...]
    line: int


def tree(text: str) -> ast.Module | None:
    """None when it does not parse here (another Python version, a template, hostile nesting)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes in other people's strings
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def imports(parsed: ast.Module) -> tuple[Import, ...]:
    """All imports in order of line, also those inside functions."""
    found: list[Import] = []
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            found += [Import(a.name, 0, (), node.lineno) for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(Import(node.module or "", node.level, tuple(a.name for a in node.names), node.lineno))
    return tuple(sorted(found, key=lambda i: i.line))


def imports_by_line(text: str) -> Iterator[Import]:
    """The same by pattern, for a text that does not parse here or is too long to."""
    for match in _LINE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        if match[1]:
            for name in match[1].split(","):
                if words := name.split():
                    yield Import(words[0], 0, (), line)
        elif match[2]:
            module = match[2].lstrip(".")
            yield Import(module, len(match[2]) - len(module), (), line)


def local_files(wanted: Import, own: str, roots: Sequence[str], is_file: Callable[[str], bool]) -> tuple[str, ...]:
    """The files under `roots` (for a relative import: beside `own`) that this import would read, packages' `__init__` first."""
    parts = [p for p in wanted.module.split(".") if p]
    if wanted.level:
        base = os.path.dirname(own)
        for _ in range(wanted.level - 1):
            base = os.path.dirname(base)
        roots = (base,)
    for root in roots:
        found, folder = [], root
        for part in parts:
            folder = os.path.join(folder, part)
            hit = next((p for p in (f"{folder}/__init__.py", f"{folder}.py") if is_file(p)), None)
            if hit:
                found.append(hit)
        for name in wanted.names:
            hit = next((p for p in (f"{folder}/{name}.py", f"{folder}/{name}/__init__.py") if is_file(p)), None)
            if hit:
                found.append(hit)
        if found:
            return tuple(found)
    return ()


def name_of(node: ast.expr) -> str:
    """`np.random.seed` of an attribute chain; empty for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def calls(parsed: ast.Module) -> tuple[tuple[str, int], ...]:
    """(full name, line) of every call by a plain or dotted name, with the file's own imports undone."""
    known = aliases(parsed)
    found = ((full_name(node.func, known), node.lineno) for node in ast.walk(parsed) if isinstance(node, ast.Call))
    return tuple(sorted(((name, line) for name, line in found if name), key=lambda f: f[1]))


def full_name(node: ast.expr, known: dict[str, str]) -> str:
    """`np.random.seed` as `numpy.random.seed`, by the aliases known."""
    first, dot, rest = name_of(node).partition(".")
    return f"{known.get(first, first)}{dot}{rest}"


def aliases(parsed: ast.Module) -> dict[str, str]:
    """Local name -> full name: `import numpy as np` gives np -> numpy, `from random import seed` gives seed -> random.seed."""
    known: dict[str, str] = {}
    for node in ast.walk(parsed):
        if isinstance(node, ast.Import):
            known.update({a.asname or a.name.split(".")[0]: a.name if a.asname else a.name.split(".")[0] for a in node.names})
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            known.update({a.asname or a.name: f"{node.module}.{a.name}" for a in node.names})
    return known
