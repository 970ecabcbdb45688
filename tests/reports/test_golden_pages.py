"""Are the pages of the three worlds what they were? `ci/golden` rewrites them; the difference is for reading."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor import codec
from auditor.registry import formats
from auditor.scorecard import Scorecard
from tests.worlds.write import deposits, is_page, stored

GOLDEN = Path(__file__).parents[1] / "golden"
WORLDS = sorted(path.parent.name for path in GOLDEN.glob("*/scorecard.json"))


@pytest.mark.parametrize("name", sorted(n for n, f in formats().items() if is_page(f)))
@pytest.mark.parametrize("world", WORLDS)
def test_a_page_is_what_it_was(world: str, name: str) -> None:
    card = codec.loads((GOLDEN / world / "scorecard.json").read_bytes(), Scorecard)
    form = formats()[name]
    assert form.render(card).decode() == (GOLDEN / world / f"report{form.suffix}").read_text("utf-8")


@pytest.mark.parametrize("world", WORLDS)
def test_what_accompanies_a_deposit_is_what_it_was(world: str) -> None:
    for path, raw in deposits(GOLDEN / world, *stored(world)):
        assert raw.decode() == path.read_text("utf-8"), path.name
