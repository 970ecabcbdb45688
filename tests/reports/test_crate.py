"""What does the crate tell of a run? (The profile's own validator runs in ci/validators.)"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from auditor.model import Evidence, Phase
from probes.containers import ContainerIdentities, ContainerReferences, ImageIdentity, Reference
from tests import archived, factory
from tests.factory import at, seen


def graph(tmp_path: Path, *more: Evidence, **options: Any) -> dict[str, dict[str, Any]]:
    info = archived.bundle(tmp_path, *more, **options)
    document = json.loads(zipfile.ZipFile(info.path).read("data/ro-crate-metadata.json"))
    return {e["@id"]: e for e in document["@graph"]}


def action(entities: dict[str, dict[str, Any]]) -> dict[str, Any]:
    return next(e for e in entities.values() if e["@type"] == "CreateAction")


def test_the_run_is_an_action_from_its_script_to_its_outputs(tmp_path: Path) -> None:
    entities = graph(tmp_path)
    run = action(entities)
    assert entities[run["instrument"]["@id"]]["name"] == "job.sh"
    assert [o["@id"] for o in run["object"]] == ["code/job.sh", "code/fit.py", "inputs/in.csv"]
    assert [o["@id"] for o in run["result"]] == ["expected/metrics.json", "expected/out.csv", "expected/slurm-123.out"]
    assert (run["startTime"], run["endTime"]) == ("2026-11-23T12:01:00+00:00", "2026-11-23T12:11:00+00:00")
    assert run["actionStatus"] == "http://schema.org/CompletedActionStatus"


def test_a_file_has_its_size_checksum_and_old_place(tmp_path: Path) -> None:
    assert graph(tmp_path)["inputs/in.csv"] == {
        "@id": "inputs/in.csv",
        "@type": "File",
        "name": "in.csv",
        "alternateName": "in.csv",
        "description": "Input of the run",
        "encodingFormat": "text/csv",
        "contentSize": "16",
        "sha256": factory.sha(archived.INPUT),
    }


def test_every_file_of_the_archive_stands_in_the_crate_and_the_other_way_round(tmp_path: Path) -> None:
    entities = graph(tmp_path)
    names = {n.removeprefix("data/") for n in zipfile.ZipFile(tmp_path / "fit.crate.zip").namelist() if n.startswith("data/")}
    files = {i for i, e in entities.items() if e["@type"] == "File"}
    assert files == names - {"ro-crate-metadata.json", "ro-crate-preview.html"}
    assert {p["@id"] for p in entities["./"]["hasPart"]} == files


def test_a_file_that_stays_outside_is_named_with_its_checksum(tmp_path: Path) -> None:
    big = factory.manifest(factory.file("/data/big.h5", content="x"), root=str(tmp_path / "work"))
    outside = [e for i, e in graph(tmp_path, seen(big, phase=Phase.START, taken_at=at(2))).items() if i.startswith("#ext-")]
    assert [(e["@type"], e["name"], e["alternateName"], e["sha256"], e["contentSize"]) for e in outside] == [
        ("CreativeWork", "big.h5", "/data/big.h5", factory.sha("x"), "1")
    ]


def test_a_failed_run_says_so_with_its_error(tmp_path: Path) -> None:
    killed = factory.attempt(0, "OUT_OF_MEMORY", exit_code=0, signal=9)
    accounting = archived.accounting(tmp_path / "work", attempts=(killed,))
    run = action(graph(tmp_path, seen(accounting, phase=Phase.LATER, taken_at=at(13))))
    assert (run["actionStatus"], run["error"]) == ("http://schema.org/FailedActionStatus", "OUT_OF_MEMORY, exit code 0")


def test_resources_are_named_by_the_manual_of_sacct_with_units(tmp_path: Path) -> None:
    assert graph(tmp_path)["#use-MaxRSS"] == {
        "@id": "#use-MaxRSS",
        "@type": "PropertyValue",
        "name": "peak resident memory",
        "propertyID": "https://slurm.schedmd.com/sacct.html#OPT_MaxRSS",
        "unitCode": "https://qudt.org/vocab/unit/BYTE",
        "value": "268435456",
    }


def test_a_sif_file_and_an_image_of_a_registry_are_told_apart(tmp_path: Path) -> None:
    digest = "sha256:" + "a" * 64
    references = ContainerReferences(
        (
            Reference("apptainer", "fit.sif", "fit.sif", "file", "", "", "", "", 3),
            Reference(
                "docker", f"quay.io/lab/fit@{digest}", f"quay.io/lab/fit@{digest}", "docker", "quay.io", "lab/fit", "", digest, 4
            ),
        )
    )
    identities = ContainerIdentities((ImageIdentity("fit.sif", "ok", "", sha256="b" * 64, size=9),))
    entities = graph(tmp_path, seen(references), seen(identities, phase=Phase.START))
    images = [entities[r["@id"]] for r in action(entities)["containerImage"]]
    terms = "https://w3id.org/ro/terms/workflow-run#"
    assert [(i["additionalType"]["@id"], i["registry"], i["name"], i["sha256"]) for i in images] == [
        (terms + "SIFImage", "local", "fit.sif", "b" * 64),
        (terms + "DockerImage", "quay.io/lab", "fit", "a" * 64),
    ]


def test_only_settings_that_change_results_are_published(tmp_path: Path) -> None:
    values = {"OMP_NUM_THREADS": "4", "PATH": "/usr/bin", "TF_CONFIG_FILE": "/root/private", "PYTHONPATH": f"{tmp_path}/work/lib"}
    more = seen(factory.environment(**values), phase=Phase.START, taken_at=at(2))
    assert [i for i in graph(tmp_path, more) if i.startswith("#env-")] == ["#env-OMP_NUM_THREADS", "#env-PYTHONPATH"]


@pytest.mark.parametrize(
    ("options", "person", "organisation"),
    [({}, "Anonymous", "Withheld"), ({"author": "Ada", "affiliation": "Analytical Society"}, "Ada", "Analytical Society")],
)
def test_the_author_is_anonymous_unless_named(tmp_path: Path, options: dict[str, str], person: str, organisation: str) -> None:
    entities = graph(tmp_path, **options)
    assert (entities["#author"]["name"], entities["#organisation"]["name"]) == (person, organisation)


def test_code_in_a_public_repository_is_named_by_its_commit(tmp_path: Path) -> None:
    run = action(graph(tmp_path, seen(factory.git_state(remote="https://example.org/ada/fit.git"))))
    assert run["instrument"] == {"@id": "https://example.org/ada/fit/tree/" + "a" * 40}


def test_no_folder_of_the_crate_is_called_data(tmp_path: Path) -> None:
    nested = factory.manifest(factory.file("data/in2.csv", content=archived.INPUT + " "), root=str(tmp_path / "work"))
    (tmp_path / "work" / "data").mkdir(parents=True)
    (tmp_path / "work" / "data" / "in2.csv").write_text(archived.INPUT + " ")
    names = [i for i in graph(tmp_path, seen(nested, phase=Phase.START, taken_at=at(2))) if "in2" in i]
    assert names == ["inputs/data_3a6eb079/in2.csv"]  # validators take a `data/` for the bag's own
