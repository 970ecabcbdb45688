"""What is read from Hydra's folders? By hand; Hydra itself runs in tests/real/test_trackers.py."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from auditor.world import RealWorld
from probes.tracking import TrackedRun
from probes.tracking.hydra import READER
from probes.workflows import Place, State, Unreadable
from tests.probes.tracking.stores import files

OWN = """
hydra:
  run: {dir: "outputs/${now:%Y-%m-%d}/${now:%H-%M-%S}"}
  sweep: {dir: "multirun/${now:%Y-%m-%d}/${now:%H-%M-%S}"}
  launcher: {_target_: hydra._internal.core_plugins.basic_launcher.BasicLauncher}
  mode: RUN
  job: {name: train, id: "???", override_dirname: ""}
  runtime: {version: 1.3.8, output_dir: /old/outputs/2026-11-23/12-00-05, choices: {model: big, hydra/launcher: basic}}
"""
CONFIG = "seed: 7\nmodel:\n  lr: 1e-3\n  name: mean-${seed}\n  layers: [1, 2]\n"


@pytest.fixture(autouse=True)
def in_new_york(monkeypatch: pytest.MonkeyPatch) -> object:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def run(tmp_path: Path, config: str = CONFIG, own: str = OWN, overrides: str = "- model.lr=1e-3\n- +x=2\n") -> Path:
    return files(tmp_path, {".hydra/config.yaml": config, ".hydra/hydra.yaml": own, ".hydra/overrides.yaml": overrides})


def read(folder: Path) -> list[TrackedRun]:
    return list(READER.read(RealWorld(), str(folder)))


def test_values_are_as_they_are_written_and_references_are_said_to_be_some(tmp_path: Path) -> None:
    assert read(run(tmp_path)) == [
        TrackedRun(
            system="hydra",
            id="/old/outputs/2026-11-23/12-00-05",
            folder=str(tmp_path),
            state=State.UNKNOWN,
            proof="Hydra keeps no exit status",
            version="1.3.8",
            name=tmp_path.name,
            experiment="train",
            started="2026-11-23T17:00:05+00:00",
            zone_assumed=True,
            source="train",
            parameters={"seed": "7", "model.lr": "1e-3", "model.name": "mean-${seed}", "model.layers": '["1", "2"]'},
            seeds={"seed": "7"},
            tags={
                "hydra.overrides": "model.lr=1e-3 x=2",
                "hydra.choices": "model=big",
                "hydra.mode": "RUN",
                "hydra.launcher": "hydra._internal.core_plugins.basic_launcher.BasicLauncher",
            },
            place=Place(".hydra/config.yaml"),
            gaps=("1 values are references, as written: Hydra resolves them while the program runs",),
        )
    ]


def test_a_job_of_a_sweep_names_the_sweep(tmp_path: Path) -> None:
    own = OWN.replace("mode: RUN", "mode: MULTIRUN").replace("outputs/2026-11-23/12-00-05", "multirun/2026-11-23/12-00-05/3")
    found = read(run(tmp_path, own=own))[0]

    assert (found.parent, found.started) == ("/old/multirun/2026-11-23/12-00-05", "2026-11-23T17:00:05+00:00")


def test_a_folder_that_the_user_named_tells_no_time(tmp_path: Path) -> None:
    own = OWN.replace("outputs/${now:%Y-%m-%d}/${now:%H-%M-%S}", "results/best")

    assert [(r.started, r.zone_assumed) for r in read(run(tmp_path, own=own))] == [("", False)]


def test_the_submitit_launcher_tells_the_schedulers_number_and_others_do_not(tmp_path: Path) -> None:
    slurm = OWN.replace(
        "hydra._internal.core_plugins.basic_launcher.BasicLauncher", "hydra_plugins.hydra_submitit_launcher.SlurmLauncher"
    )
    numbered = [read(run(tmp_path, own=text.replace("???", "812_3")))[0].job_ids for text in (slurm, OWN)]

    assert numbered == [("812_3",), ()]


def test_a_password_in_the_configuration_is_withheld_wherever_it_stands(tmp_path: Path) -> None:
    found = read(run(tmp_path, config="db: {password: hunter22}\n", overrides="- db.password=hunter22\n"))[0]

    assert (found.parameters, found.tags["hydra.overrides"]) == ({"db.password": "[withheld]"}, "db.password=[withheld]")


def test_what_is_damaged_or_missing_is_said_and_the_rest_is_read(tmp_path: Path) -> None:
    folder = files(tmp_path, {".hydra/config.yaml": CONFIG, ".hydra/hydra.yaml": "hydra: [\n"})
    found = read(folder)[0]

    assert (found.parameters["seed"], found.id) == ("7", str(tmp_path))
    assert [g.split(":")[0] for g in found.gaps[:2]] == [".hydra/hydra.yaml", ".hydra/overrides.yaml is not there"]


def test_a_folder_without_anything_that_can_be_read_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / ".hydra").mkdir()

    with pytest.raises(Unreadable, match=r"\.hydra/config\.yaml is not there"):
        read(tmp_path)


@pytest.mark.parametrize(
    "config", ["- a\n- b\n", "text", "a: &a [*a]\n", "x: !!python/object/apply:os.system ['true']\n", "? [1]\n: 2\n"]
)
def test_a_configuration_of_another_shape_makes_no_accident(tmp_path: Path, config: str) -> None:
    assert len(read(run(tmp_path, config=config))) == 1


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    folder = run(tmp_path / "run")
    os.unlink(folder / ".hydra/config.yaml")
    os.symlink(files(tmp_path / "else", {"secret.yaml": "key: value\n"}) / "secret.yaml", folder / ".hydra/config.yaml")

    assert read(folder)[0].parameters == {}
