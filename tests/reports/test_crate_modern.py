"""What differs in a crate of the newer generation, and is nothing lost on the way?"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from auditor.model import AuditError
from probes.containers import ContainerReferences, Reference
from tests import archived, factory
from tests.factory import seen
from tests.reports.test_crate import graph
from tests.reports.test_crate_steps import engined


def newer(tmp_path: Path, *more: Any) -> dict[str, dict[str, Any]]:
    return graph(tmp_path, *more, crate_version="1.3")


def test_the_newer_crate_names_the_newer_profiles_and_context(tmp_path: Path) -> None:
    info = archived.bundle(tmp_path, engined(), crate_version="1.3")
    document = json.loads(zipfile.ZipFile(info.path).read("data/ro-crate-metadata.json"))
    entities = {e["@id"]: e for e in document["@graph"]}
    assert document["@context"][0] == "https://w3id.org/ro/crate/1.3/context"
    assert entities["ro-crate-metadata.json"]["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.3"}
    assert [p["@id"] for p in entities["./"]["conformsTo"]] == [
        f"https://w3id.org/ro/wfrun/{name}/0.6" for name in ("process", "workflow", "provenance")
    ]
    assert entities["https://w3id.org/ro/wfrun/provenance/0.6"]["@type"] == ["CreativeWork", "Profile"]


def test_software_has_a_version_and_an_image_a_type_that_others_know(tmp_path: Path) -> None:
    packages = seen(factory.packages("numpy==2.4.6"))
    script = ContainerReferences((Reference("apptainer", "x.sif", "x.sif", "file", "", "", "", "", 3),), ())
    entities = newer(tmp_path, packages, seen(script))
    software = [e for e in entities.values() if e["@type"] == "SoftwareApplication"]
    assert software and all("version" in e and "softwareVersion" not in e for e in software)
    assert [e["@type"] for i, e in entities.items() if i.startswith("#image-")] == [["ContainerImage", "SoftwareApplication"]]


def test_nothing_else_is_lost(tmp_path: Path) -> None:
    old = set(graph(tmp_path / "old", engined()))
    renamed = {i.replace("/0.5", "/0.6") for i in old} - {"https://w3id.org/workflowhub/workflow-ro-crate/1.0"}
    renamed = {"https://withheld.invalid/no-licence" if i == "#no-licence" else i for i in renamed}
    assert set(newer(tmp_path / "new", engined())) == renamed | {"#contact"}


def test_a_version_that_we_do_not_write_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match=r"'1\.2' is none of 1\.1, 1\.3"):
        archived.bundle(tmp_path, crate_version="1.2")
