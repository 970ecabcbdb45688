"""How is a stranger's text written in GitHub-flavoured Markdown, so that it is shown and does nothing?"""

from __future__ import annotations

import re
from collections.abc import Iterable

from reports.formats.clean import line


def table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """A GFM table of cells that are Markdown already."""
    head = f"| {' | '.join(columns)} |\n|{' --- |' * len(columns)}"
    return "\n".join([head, *(f"| {' | '.join(cell or '–' for cell in row)} |" for row in rows)])


def escape(text: str, limit: int = 600) -> str:
    """A stranger's text as Markdown that shows it and does nothing: no markup, link, mention or HTML. Code between backticks stays code."""
    parts = re.split(r"(`[^`]+`|(?<!\w)@\w[\w/-]*)", line(text, limit))
    return "".join(_span(part) if index % 2 else _plain(part) for index, part in enumerate(parts))


def _span(part: str) -> str:
    return f"`{code(part.strip('`'), len(part))}`"


def _plain(part: str) -> str:
    shown = re.sub(r"([\\`*_\[\]|~#$!])", r"\\\1", part.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    return (
        re.sub(r"(?i)\b(https?|ftp):(?=//)", r"\1&#58;", shown)
        .replace("www.", "www&#46;")
        .replace("- ", "\\- ", part.startswith("- "))
    )


def code(text: str, limit: int) -> str:
    """The inside of a code span in a table: no backtick, no bar."""
    return line(text, limit).replace("`", "'").replace("|", "¦") or " "


def fence(text: str) -> str:
    """A code block whose fence is longer than any in the text."""
    longest = max(map(len, re.findall(r"`+", text)), default=0)
    ticks = "`" * max(longest + 1, 3)
    return f"{ticks}\n{text.rstrip()}\n{ticks}"
