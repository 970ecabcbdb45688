"""Which parameters are seeds, which tags name a job, what is kept of the rest?"""

from __future__ import annotations

import pytest

from probes.tracking.series import MAX_METRICS, Series
from probes.tracking.told import MAX_PARAMETERS, bounded, flat, job_ids, kept, seeds


@pytest.mark.parametrize(
    "name",
    "seed random_state model.seed train/seed randomSeed rng_seed seed_everything np_seed SEED seeds seed_1 data-seed rng_state".split(),
)
def test_a_seed_is_known_by_its_own_name(name: str) -> None:
    assert seeds({name: "42"}) == {name: "42"}


@pytest.mark.parametrize("name", "seeding birdseeds_count seed_fraction random state lr seedling proceed use_seed_file".split())
def test_what_only_sounds_like_a_seed_is_none(name: str) -> None:
    assert seeds({name: "42"}) == {}


@pytest.mark.parametrize("value", ["", "None", "null", "nan", "False"])
def test_a_seed_that_is_set_to_nothing_is_none(value: str) -> None:
    assert seeds({"seed": value}) == {}


def test_job_numbers_are_known_by_name_and_form() -> None:
    tags = {
        "slurm.job_id": "812",
        "SLURM_JOB_ID": "812",
        "slurm_array_job_id": "900_3",
        "pbs.jobid": "77.head",
        "job_id": "a run",
        "slurm.job_name": "1234",
        "note": "813",
    }

    assert job_ids(tags) == ("812", "900_3", "77.head")


def test_only_tags_on_the_list_are_kept() -> None:
    tags = {
        "phase": "train",
        "mlflow.source.git.commit": "c",
        "mlflow.user": "ada",
        "mlflow.databricks.token": "x",
        "diary": "private",
    }

    assert kept(tags) == {"mlflow.source.git.commit": "c", "phase": "train"}


def test_passwords_among_parameters_are_withheld_and_numbers_are_not() -> None:
    given = {
        "db.password": "hunter22",
        "apiKey": "abcdefgh",
        "max_tokens": "4096",
        "auth": "true",
        "tokenizer": "bert-base",
        "keys": "a,b,c,d",
    }

    assert bounded(given) == given | {"db.password": "[withheld]", "apiKey": "[withheld]"}


def test_parameters_are_bounded_in_number_and_length() -> None:
    found = bounded({f"p{n}": "x" * 10_000 for n in range(10_000)})

    assert (len(found), max(map(len, found.values()))) == (MAX_PARAMETERS, 500)


def test_a_tree_becomes_dotted_names_however_deep_it_is() -> None:
    deep: dict[str, object] = {}
    for _ in range(2000):
        deep = {"a": deep}

    assert dict(flat({"lr": 1, "model": {"layers": [1, 2], "none": {}}})) == {"lr": 1, "model.layers": [1, 2], "model.none": {}}
    assert [name for name, _ in flat(deep)] == [".".join("a" * 8)]
    assert [len(v) <= 500 for v in bounded(flat(deep)).values()] == [True]


def test_a_series_has_its_ends_and_counts_what_is_no_number() -> None:
    series = Series()
    for step, value in enumerate(["1.5", float("nan"), None, "text", 0.5]):
        series.add("loss", value, step)

    assert [(m.count, m.last, m.lowest, m.highest, m.step) for m in series.metrics()] == [(5, 0.5, 0.5, 1.5, 4)]


def test_a_point_that_was_written_late_is_not_the_last_one() -> None:
    series = Series()
    for step, value in ((0, 1.0), (2, 3.0), (1, 2.0)):
        series.add("loss", value, step)

    assert [(m.last, m.step) for m in series.metrics()] == [(3.0, 2)]


def test_so_many_names_and_no_more() -> None:
    series = Series()
    for n in range(MAX_METRICS + 5):
        series.add(f"m{n}", 1)

    assert (len(series.metrics()), series.omitted) == (MAX_METRICS, 5)
