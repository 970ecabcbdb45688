"""Do the literal jobs still get the scorecards that people have read? `ci/golden` rewrites them; read the difference."""

from __future__ import annotations

import pytest

from auditor import codec
from auditor.scorecard import Scorecard
from reports.score import score
from tests.worlds.make import WORLDS
from tests.worlds.write import GOLDEN, golden, stored


@pytest.mark.parametrize("name", WORLDS)
def test_a_stored_world_gets_its_golden_scorecard(name: str) -> None:
    job, evidence = stored(name)

    assert golden(job, evidence).decode() == (GOLDEN / name / "scorecard.json").read_text()


@pytest.mark.parametrize("name", WORLDS)
def test_a_world_on_the_disk_is_the_one_that_is_written_down(name: str) -> None:
    assert stored(name) == WORLDS[name]()


@pytest.mark.parametrize("name", WORLDS)
def test_a_scorecard_survives_json(name: str) -> None:
    card = score(*stored(name))

    assert codec.dumps(codec.loads(codec.dumps(card), Scorecard)) == codec.dumps(card)


def test_the_jobs_span_the_scale() -> None:
    cards = {name: score(*stored(name)) for name in WORLDS}

    assert {name: (c.low, c.high, c.coverage) for name, c in cards.items()} == {
        "ml_job": (72.7, 72.7, 98.7),
        "poor_job": (2.8, 2.8, 83.0),
        "requeued_task": (5.6, 63.9, 17.3),
        "engine_run": (36.1, 55.6, 63.6),
    }
