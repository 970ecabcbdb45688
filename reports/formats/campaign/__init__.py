"""How is the audit of a campaign written down? The same four ways as a run's; each a pure function of its card."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from auditor import codec
from auditor.campaigncard import CampaignCard
from reports.formats.campaign import html, markdown, terminal

FORMATS: Mapping[str, Callable[[CampaignCard], bytes]] = {
    "html": html.render,
    "markdown": markdown.render,
    "json": codec.pretty,
    "terminal": terminal.render,
}
