"""How does a scorecard travel to other programs? As it is; `scorecard.schema.json` beside this file describes it."""

from __future__ import annotations

from auditor import codec
from auditor.scorecard import Format

FORMAT = Format("json", ".json", codec.pretty, "application/json", of_campaign=codec.pretty)
