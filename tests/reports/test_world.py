"""Do whole literal runs become bundles that are small, whole and the same every time?"""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor import codec
from auditor.model import Evidence, Job
from auditor.replay import plan
from reports.archive.bundle import BundleInfo, build
from reports.archive.verify import verify
from reports.score import score
from tests.archived import nothing

WORLDS = Path(__file__).parents[1] / "worlds"
RUNS = sorted(p.parent.name for p in WORLDS.glob("*/evidence.json"))


def bundled(name: str, destination: Path) -> BundleInfo:
    job = codec.loads((WORLDS / name / "job.json").read_bytes(), Job)
    evidence = codec.loads((WORLDS / name / "evidence.json").read_bytes(), tuple[Evidence, ...])
    return build(job, evidence, score(job, evidence), destination, objects=nothing)


@pytest.mark.parametrize("name", RUNS)
def test_every_literal_run_is_bundled_whole_and_twice_the_same(name: str, tmp_path: Path) -> None:
    one, two = bundled(name, tmp_path / "one.zip"), bundled(name, tmp_path / "two.zip")
    assert Path(one.path).read_bytes() == Path(two.path).read_bytes()
    found = verify(one.path)
    assert (found.ok, found.score, found.id) == (True, "equal", one.id)


def test_a_small_ml_job_without_payload_stays_under_200_kb(tmp_path: Path) -> None:
    assert bundled("ml_job", tmp_path / "x.zip").size <= 200_000


def test_the_plan_of_a_run_whose_data_is_elsewhere_names_all_that_is_missing(tmp_path: Path) -> None:
    bundled("ml_job", tmp_path / "x.zip")
    assert {stop.split(":")[0] for stop in plan(tmp_path / "x.zip").stops} == {
        "input data/slices.h5",
        "image images/torch.sif",
        "code train.py",
        "code model.py",
    }
