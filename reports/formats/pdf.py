"""How is the report printed? As a tagged PDF/UA-1 made from the HTML page, with the scorecard as JSON attached. Needs the extra `pdf`.

ISO 14289-1. The page names no asset, and nothing is fetched. Same scorecard, same bytes with one version of WeasyPrint and one set of
fonts: nothing in it is of today. What evidence holds is left to the attachment; on paper it would be forty pages.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from functools import cache
from typing import Any

from auditor import codec
from auditor.model import AuditError
from auditor.scorecard import Format, Scorecard
from reports.formats import html, words
from reports.formats.clean import line, tidy
from reports.formats.register import Budget

HINT = "pip install 'run-auditor[pdf]'; it also needs the system's Pango library. `--format html` needs neither, and a browser prints it"
PAPER = Budget(0, 300)
"""Evidence is listed, and not shown."""
FIT = """
.tip summary { display: block !important; padding-left: 0; }
.tip summary > * { display: block !important; width: auto; text-align: left; }
.tip summary > .no { display: inline !important; margin-right: .5em; }
.tip summary > h3 { display: inline !important; }
"""
"""What WeasyPrint lays out otherwise than browsers do: a grid whose children name their own places."""
EPOCH = datetime(1980, 1, 1, tzinfo=UTC)


def render(card: Scorecard) -> bytes:
    """Raises AuditError where WeasyPrint or Pango is not there."""
    made = card.run.ended_at or card.run.started_at or card.run.submitted_at
    return pdf(html.page_within(tidy(card), PAPER), codec.pretty(card), "audit.json", made)


def pdf(page: bytes, data: bytes, name: str, made: str) -> bytes:
    """The page with `data` attached under `name`. made: ISO 8601, the attachment's date; empty: not known."""
    weasyprint = _weasyprint()
    when = words.instant(made) or EPOCH
    attached = weasyprint.Attachment(
        string=data, name=name, description="The audit, for programs", created=when, modified=when, relationship="Source"
    )
    drawn = re.sub(r'<svg class="pic[^>]*>', lambda m: m[0] + _style(), page.decode("utf-8"))
    return bytes(
        weasyprint.HTML(string=drawn, url_fetcher=_nothing).write_pdf(
            stylesheets=[weasyprint.CSS(string=FIT)],
            pdf_variant="pdf/ua-1",
            attachments=[attached],
            pdf_identifier=hashlib.sha256(page + data).digest()[:16],
        )
    )


@cache
def _style() -> str:
    """The pictures' style with the colours of print put in: WeasyPrint gives an SVG neither the page's rules nor its variables."""
    told = (html.TEMPLATES / "colours.css").read_text("utf-8")
    light, _, rest = told.partition("@media (prefers-color-scheme: dark)")
    paper = (html.TEMPLATES / "paper.css").read_text("utf-8") + rest.partition("@media print")[2]
    colours = dict(re.findall(r"--([\w-]+):\s*([^;]+);", light)) | dict(re.findall(r"--([\w-]+):\s*([^;]+);", paper))
    style = (html.TEMPLATES / "pictures.css").read_text("utf-8")
    style = re.sub(r"font: (\d+) (\w+) [^;]+;", r"font-weight: \1; font-size: \2;", style)  # the short form is not read there
    filled = re.sub(r"var\(--([\w-]+)\)", lambda m: colours.get(m[1], "black"), style)
    return f"<style>{filled}</style>"


def _nothing(url: str, *_: Any, **__: Any) -> Any:
    raise ValueError("a report fetches nothing")


def _weasyprint() -> Any:
    try:
        import weasyprint
    except ImportError as error:
        raise AuditError("a PDF needs WeasyPrint, which is not installed", HINT) from error
    except OSError as error:  # the library is looked for when it is loaded
        raise AuditError(f"WeasyPrint finds no Pango library here: {line(str(error), 120)}", HINT) from error
    return weasyprint


FORMAT = Format("pdf", ".pdf", render, "application/pdf")
