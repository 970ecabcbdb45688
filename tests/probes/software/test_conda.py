"""Are conda's packages read as conda wrote them? Files in the documented form of conda-meta; conda itself is not on this machine."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from auditor.model import Absent, Found, Grade, Job
from auditor.world import RealWorld
from probes.software import Component
from probes.software.conda import PROBE, CondaPackages, channel, parse, requested

HISTORY = """==> 2026-01-02 10:00:00 <==
# cmd: /opt/conda/bin/conda create -n ml python=3.11 openblas
# conda version: 24.11.3
+conda-forge/linux-64::openblas-0.3.28-pthreads_h6ec200e_1
# update specs: ['python=3.11', 'openblas']
==> 2026-02-02 10:00:00 <==
# cmd: /opt/conda/bin/conda install numpy python=3.12
# update specs: ["numpy", "python=3.12"]
"""
OPENBLAS = {
    "build": "pthreads_h6ec200e_1",
    "build_number": 1,
    "channel": "https://conda.anaconda.org/conda-forge/linux-64",
    "fn": "openblas-0.3.28-pthreads_h6ec200e_1.conda",
    "name": "openblas",
    "version": "0.3.28",
    "md5": "aa" * 16,
    "sha256": "bb" * 32,
    "url": "https://ada:pw@conda.anaconda.org/t/ad-1234-secret/conda-forge/linux-64/openblas-0.3.28-pthreads_h6ec200e_1.conda",
}
OLD = {
    "name": "tzdata",
    "version": "2026a",
    "build": "h0",
    "md5": "cc" * 16,
    "url": "file:///mirror/noarch/tzdata-2026a-h0.tar.bz2",
}


def environment(folder: Path) -> Path:
    prefix = folder / "envs" / "ml"
    (prefix / "conda-meta").mkdir(parents=True)
    (prefix / "bin").mkdir()
    (prefix / "bin" / "python").touch()
    (prefix / "conda-meta" / "history").write_text(HISTORY)
    for told in (OPENBLAS, OLD):
        (prefix / "conda-meta" / f"{told['name']}-{told['version']}-{told['build']}.json").write_text(json.dumps(told))
    (prefix / "conda-meta" / "broken-1-0.json").write_text('{"name": ')
    return prefix


def test_the_packages_of_the_active_prefix_are_told_with_archive_hash_and_build(tmp_path: Path) -> None:
    prefix = environment(tmp_path)
    world = RealWorld({"CONDA_PREFIX": str(prefix)}, str(tmp_path))

    expected = CondaPackages(
        str(prefix),
        "CONDA_PREFIX",
        ("file:///mirror", "https://conda.anaconda.org/t/[withheld]/conda-forge"),
        ("openblas", "numpy", "python=3.12"),
        hashlib.sha256(HISTORY.encode()).hexdigest(),
        (
            Component(
                "conda",
                "openblas",
                "0.3.28",
                "sha256:" + "bb" * 32,
                "https://conda.anaconda.org/t/[withheld]/conda-forge/linux-64/openblas-0.3.28-pthreads_h6ec200e_1.conda",
                "pthreads_h6ec200e_1",
            ),
            Component("conda", "tzdata", "2026a", "md5:" + "cc" * 16, "file:///mirror/noarch/tzdata-2026a-h0.tar.bz2", "h0"),
        ),
    )
    assert PROBE.collect(world, Job("slurm", "1", script="#!/bin/bash\n./model\n")) == Found(
        expected, f"{prefix}/conda-meta", Grade.OBSERVED
    )


def test_the_environment_that_the_script_activates_comes_before_the_one_that_is_active(tmp_path: Path) -> None:
    prefix = environment(tmp_path)
    script = f"#!/bin/bash\nconda activate {prefix}\npython train.py\n"
    seen = PROBE.collect(RealWorld({"CONDA_PREFIX": "/other"}, str(tmp_path)), Job("slurm", "1", script=script))

    assert isinstance(seen, Found)
    assert (seen.value.prefix, seen.value.chosen_by) == (str(prefix), "script line 2")


def test_a_job_without_conda_is_absent(tmp_path: Path) -> None:
    world = RealWorld({"CONDA_PREFIX": str(tmp_path)}, str(tmp_path))
    assert PROBE.collect(world, Job("slurm", "1", script="#!/bin/bash\ntrue\n")) == Absent("the job uses no conda environment")


def test_a_note_that_names_nothing_is_no_package() -> None:
    assert [parse(note) for note in ("", "[]", "{}", '{"version": "1"}', "[" * 100_000)] == [None] * 5


def test_what_was_asked_for_is_kept_with_the_newest_wish_last() -> None:
    assert requested("# update specs: ['a', 'b']\n# update specs: [broken\n# install specs: ['a=2', 'b']\n") == ("a=2", "b")


def test_a_channel_is_what_stands_before_the_platform() -> None:
    urls = ("https://e.org/conda-forge/noarch/a-1-0.conda", "https://e.org/c/linux-aarch64/a-1-0.tar.bz2", "somewhere")
    assert [channel(u) for u in urls] == ["https://e.org/conda-forge", "https://e.org/c", ""]
