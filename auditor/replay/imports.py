"""Which packages does carried Python code import beyond the standard library? Told from its syntax; when in doubt: not known."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

_MODULE = re.compile(r"\bpython[\d.]*\b[^\n;|&]*?\s-m\s+([A-Za-z_]\w*)")
_INLINE = re.compile(r"\bpython[\d.]*\b[^\n;|&]*?\s(?:-c\b|-\s*<<|<<)")
_OTHER = re.compile(r"\b(?:Rscript|julia|matlab|octave|conda|mamba|pip|uv|poetry)\b")


def outside(files: Mapping[str, str], script: str) -> frozenset[str] | None:
    """Top-level names that are neither the standard library's nor one of these files; None: it cannot be told.

    files: place -> text of the code; script: the place of the batch script among them.
    """
    shell = "".join(line for line in files.get(script, "").splitlines(keepends=True) if not line.lstrip().startswith("#"))
    python = {place: text for place, text in files.items() if place.endswith(".py")}
    if not python or _INLINE.search(shell) or _OTHER.search(shell):
        return None
    ours = {PurePosixPath(p).stem for p in python} | {part for p in python for part in PurePosixPath(p).parts[:-1]}
    found = set(_MODULE.findall(shell))
    for text in python.values():
        try:
            found.update(_imports(ast.parse(text)))
        except (SyntaxError, ValueError, RecursionError, _Dynamic):
            return None
    return frozenset(found - ours - sys.stdlib_module_names - {"__future__"})


class _Dynamic(Exception):
    """The code imports by a name that is only known when it runs."""


_DYNAMIC = {"__import__", "exec", "eval", "import_module", "entry_points", "run_module", "run_path"}


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module.partition(".")[0]
        elif (node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else "") in _DYNAMIC:
            raise _Dynamic
