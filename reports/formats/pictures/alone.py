"""How does a picture stand alone, as a file of its own? With its name space, and the colours that the page gives it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

TEMPLATES = Path(__file__).parents[1] / "templates"


def alone(svg: str) -> str:
    """`svg` as it stands in a page → an SVG document, light and dark."""
    head, _, rest = svg.partition(">")
    return f'{head} xmlns="http://www.w3.org/2000/svg"><style>{_style()}</style>{rest}\n'


@cache
def _style() -> str:
    css = "".join((TEMPLATES / name).read_text("utf-8") for name in ("colours.css", "pictures.css"))
    return css + "svg { background: var(--paper); font-family: var(--sans); }"
