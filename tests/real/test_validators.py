"""Do other people's validators accept our bundles? They are installed once, each in an environment of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from auditor.model import Phase
from tests import archived, factory
from tests.factory import seen
from tests.needs import need
from tests.reports.test_crate_steps import engined, stepped
from tests.reports.test_verify import files, packed
from tests.reports.test_world import RUNS, bundled

VALIDATORS = Path(__file__).parents[2] / "ci/validators"
NO_INDEX = 3


def test_roc_validator_at_level_recommended_and_runcrate_accept_our_crates(tmp_path: Path) -> None:
    known = (seen(factory.packages("numpy==2.4.6"), phase=Phase.START), seen(factory.git_state()))
    archived.bundle(
        tmp_path, *known, author="Ada", affiliation="Analytical Society", license_url="https://spdx.org/licenses/CC0-1.0"
    )
    for name, steps in {"steps": stepped(tmp_path / "steps/work"), "engine": engined()}.items():
        (tmp_path / name).mkdir(exist_ok=True)
        archived.bundle(tmp_path / name, steps)
        (tmp_path / name / "fit.crate.zip").rename(tmp_path / f"{name}.crate.zip")
    archived.bundle(tmp_path / "newer", stepped(tmp_path / "newer/work"), crate_version="1.3")
    inner = [tmp_path / "steps.crate.zip", tmp_path / "engine.crate.zip"]
    bundles = [
        tmp_path / "fit.crate.zip",
        *inner,
        tmp_path / "newer/fit.crate.zip",
        *(Path(bundled(name, tmp_path / f"{name}.crate.zip").path) for name in RUNS),
    ]
    told = subprocess.run([sys.executable, VALIDATORS, *bundles], capture_output=True, text=True, check=False)
    if told.returncode == NO_INDEX:
        need("a Python package index for the validators")
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.count("PASS") == 2 * len(bundles)
    assert told.stdout.count("provenance-run-crate-0.5") >= len(inner)
    assert told.stdout.count("ro-crate-1.3, RECOMMENDED") == 1


def test_the_same_validators_refuse_a_crate_that_lacks_what_is_recommended_and_one_without_its_action(tmp_path: Path) -> None:
    """So that a validator that checks nothing would be noticed."""
    archived.bundle(tmp_path)
    contents = files(tmp_path / "fit.crate.zip")
    crate = json.loads(contents["data/ro-crate-metadata.json"])

    def judged(graph: list[dict[str, object]]) -> list[str]:
        packed(tmp_path / "x.zip", contents | {"data/ro-crate-metadata.json": json.dumps(crate | {"@graph": graph}).encode()})
        told = subprocess.run([sys.executable, VALIDATORS, tmp_path / "x.zip"], capture_output=True, text=True, check=False)
        if told.returncode == NO_INDEX:
            need("a Python package index for the validators")
        assert told.returncode == 1
        return [line.split(",")[0] for line in told.stdout.splitlines() if line.startswith("FAIL")]

    without_end = [{k: v for k, v in e.items() if k != "endTime"} for e in crate["@graph"]]
    assert judged(without_end) == ["FAIL  x.zip: roc-validator 0.13.0"]
    without_action = [e for e in crate["@graph"] if e["@type"] != "CreateAction"]
    assert judged(without_action) == ["FAIL  x.zip: runcrate 0.6.2 report"]


def test_the_validator_refuses_a_crate_of_steps_in_which_a_tool_never_ran(tmp_path: Path) -> None:
    archived.bundle(tmp_path, engined())
    contents = files(tmp_path / "fit.crate.zip")
    crate = json.loads(contents["data/ro-crate-metadata.json"])
    tools = {e["@id"] for e in crate["@graph"] if e["@id"].startswith("http://step.invalid/")}
    graph = [e for e in crate["@graph"] if not (e["@type"] == "CreateAction" and e["instrument"]["@id"] in tools)]
    packed(tmp_path / "x.zip", contents | {"data/ro-crate-metadata.json": json.dumps(crate | {"@graph": graph}).encode()})
    told = subprocess.run([sys.executable, VALIDATORS, tmp_path / "x.zip"], capture_output=True, text=True, check=False)
    if told.returncode == NO_INDEX:
        need("a Python package index for the validators")
    assert "FAIL  x.zip: roc-validator 0.13.0, provenance-run-crate-0.5, RECOMMENDED" in told.stdout
