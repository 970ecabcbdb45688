"""How is a picture written down? Small helpers; all text is escaped here and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from unicodedata import east_asian_width

from reports.formats.clean import line


def number(value: float) -> str:
    """Coordinates with at most one decimal: short, and the same on every machine."""
    shown = f"{value:.1f}".removesuffix(".0")
    return "0" if shown == "-0" else shown


def attributes(**values: str | float) -> str:
    pairs = ((name.rstrip("_").replace("_", "-"), value) for name, value in values.items())
    return "".join(
        f' {name}="{escape(value) if isinstance(value, str) else number(value)}"' for name, value in pairs if value != ""
    )


def tag(element: str, body: str = "", **values: str | float) -> str:
    """One element; `body` is markup already."""
    opening = f"<{element}{attributes(**values)}"
    return f"{opening}>{body}</{element}>" if body else f"{opening}/>"


def text(x: float, y: float, words: str, **values: str | float) -> str:
    return f"<text{attributes(x=x, y=y, **values)}>{escape(line(words))}</text>"


def labelled(name: str, rest: str) -> str:
    """The inside of a text element: a name, and softer what is to be said of it. Both cut to fit a row."""
    return f'<tspan class="strong">{escape(fit(name, 44))}</tspan> <tspan class="soft">{escape(fit(rest, 64))}</tspan>'


def titled(words: str, *shapes: str) -> str:
    """A group whose tooltip says `words` in full."""
    return tag("g", tag("title", escape(line(words, 600))) + "".join(shapes))


def rect(x: float, y: float, width: float, height: float, **values: str | float) -> str:
    return f"<rect{attributes(x=x, y=y, width=max(width, 0), height=height, **values)}/>"


def hatch(name: str) -> str:
    """The pattern for "perhaps": slanted lines, told from the solid "for sure" without any colour."""
    stroke = '<path d="M0 0V6" class="hatch"/>'
    return f'<pattern id="{name}" width="5" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">{stroke}</pattern>'


def picture(name: str, width: float, height: float, title: str, description: str, body: Iterable[str]) -> str:
    """A whole picture. `name` makes its ids unique in the page; `title` and `description` are what a screen reader says."""
    head = (
        f'<svg class="pic pic-{name}" role="img" aria-labelledby="pic-{name}-t pic-{name}-d" '
        f'viewBox="0 0 {number(width)} {number(height)}" width="{number(width)}" height="{number(height)}">'
    )
    told = f'<title id="pic-{name}-t">{escape(title)}</title><desc id="pic-{name}-d">{escape(line(description, 1200))}</desc>'
    return f"{head}{told}{''.join(body)}</svg>"


def fit(words: str, columns: int) -> str:
    """`words` cut to so many character columns, wide characters counting twice."""
    used, kept = 0, ""
    for char in line(words):
        used += 2 if east_asian_width(char) in "WF" else 1
        if used > columns:
            return kept[:-1].rstrip() + "…"
        kept += char
    return kept


def folded(words: str, columns: int) -> tuple[str, ...]:
    """`words` on one or two lines, broken after a slash or blank where there is one, else after a dash, dot or underscore.

    The first line keeps the beginning, the second the end: of a path, that is the name.
    """
    words = line(words)
    if fit(words, columns) == words:
        return (words,)
    head = fit(words, columns + 1).removesuffix("…")[:columns]
    cuts = (max(head.rfind(char) + 1 for char in kind) for kind in ("/ ", "-._"))
    first = next((head[:cut] for cut in cuts if cut > columns // 4), head)
    rest = words[len(first) :].strip()
    return first.rstrip(), rest if fit(rest, columns) == rest else "…" + fit(rest[::-1], columns)[::-1].lstrip("…")
