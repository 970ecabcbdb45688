"""Does a replay find the data set that a run referred to, and take no other one for it? Real trees, a real run."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from auditor.model import Phase
from auditor.replay import execute, plan
from auditor.verdict import Sameness
from auditor.world import RealWorld
from probes.data import DataManifest, Reference
from probes.manifest.look import Wish
from probes.manifest.tree import manifest
from reports.archive.bundle import build
from tests import archived
from tests.factory import at, seen

SCRIPT = "#!/bin/bash\npython3 fit.py points/in.csv out.csv metrics.json $1\necho slope done\n"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The tiny run; what it read lay in `points`, a registered data set that is now elsewhere."""
    (tmp_path / "given" / "points").mkdir(parents=True)
    (tmp_path / "given" / "points" / "in.csv").write_text(archived.INPUT)
    job, evidence = archived.run(tmp_path / "work", {**archived.FILES, "job.sh": SCRIPT}, SCRIPT)
    total = manifest(RealWorld({}), (str(tmp_path / "given" / "points"),), Wish(), lambda _: None)
    known = Reference(
        "points",
        "points",
        "",
        total.digest,
        "unchanged",
        1,
        total.bytes,
        "2",
        "10.5281/zenodo.1",
        "CC-BY-4.0",
        "https://example.org/p",
    )
    referred = DataManifest(str(tmp_path / "work"), "sha256", (), (), True, 0, 0, (known,))
    everything = (
        *(e for e in evidence if e.kind != "DataManifest" or e.phase is Phase.END),
        seen(referred, phase=Phase.START, taken_at=at(1)),
    )
    build(job, everything, archived.card(job, everything), tmp_path / "fit.crate.zip", objects=archived.nothing)
    (tmp_path / "work").rename(tmp_path / "moved")
    return tmp_path / "fit.crate.zip"


def test_the_crate_names_the_data_set_by_its_doi_with_version_licence_and_digest(bundle: Path) -> None:
    graph = {e["@id"]: e for e in json.loads(zipfile.ZipFile(bundle).read("data/ro-crate-metadata.json"))["@graph"]}
    told = graph["https://doi.org/10.5281/zenodo.1"]
    assert (told["@type"], told["name"], told["version"], told["identifier"]) == (
        "Dataset",
        "points",
        "2",
        "doi:10.5281/zenodo.1",
    )
    assert told["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}
    assert "1 files, 16 bytes" in told["description"]
    run = next(e for e in graph.values() if e["@type"] == "CreateAction")
    assert {"@id": "https://doi.org/10.5281/zenodo.1"} in run["object"]


def test_the_data_set_is_found_in_the_given_folder_and_the_run_is_the_same(bundle: Path, tmp_path: Path) -> None:
    made = plan(bundle, inputs_dir=tmp_path / "given")
    assert made.sources == {"points": str(tmp_path / "given" / "points")}
    assert execute(made, tmp_path / "again", yes=True).sameness is Sameness.IDENTICAL


def test_another_tree_under_its_name_is_not_taken(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "given" / "points" / "in.csv").write_text(archived.INPUT.replace("7", "8"))
    there = tmp_path / "given" / "points"
    assert plan(bundle, inputs_dir=tmp_path / "given").stops == (
        "input points: data set points 2 is not here; get it from https://doi.org/10.5281/zenodo.1 and name its folder with --inputs; "
        f"{there} is another one (its digest differs)",
    )
