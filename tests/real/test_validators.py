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
from tests.reports.test_verify import files, packed
from tests.reports.test_world import RUNS, bundled

VALIDATORS = Path(__file__).parents[2] / "ci/validators"
NO_INDEX = 3


def test_roc_validator_at_level_recommended_and_runcrate_accept_our_crates(tmp_path: Path) -> None:
    known = (seen(factory.packages("numpy==2.4.6"), phase=Phase.START), seen(factory.git_state()))
    archived.bundle(
        tmp_path, *known, author="Ada", affiliation="Analytical Society", license_url="https://spdx.org/licenses/CC0-1.0"
    )
    bundles = [tmp_path / "fit.crate.zip", *(Path(bundled(name, tmp_path / f"{name}.crate.zip").path) for name in RUNS)]
    told = subprocess.run([sys.executable, VALIDATORS, *bundles], capture_output=True, text=True, check=False)
    if told.returncode == NO_INDEX:
        need("a Python package index for the validators")
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stdout.count("PASS") == 2 * len(bundles)


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
