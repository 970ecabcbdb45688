"""Which of my runs used this software, in this version? One index over all ecosystems."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import duckdb
import pytest

from auditor import codec
from auditor.model import Capture, Evidence, Grade, Phase, Status
from auditor.store import Store
from auditor.store.components import Row, key, rows
from probes.containers import ImageFacts, RanImage, RanImages
from probes.packages import Package
from probes.software import Component
from probes.software.toolchain import Toolchain
from reports.judging.software import of
from tests.factory import NOON, at, capture, hardware, image, job, modules, packages, seen, sha

GCC = Component("module", "GCC", "13.2.0", "sha256:" + sha("gcc"))
SSL = Component("deb", "libssl3", "3.0.15-1~deb12u1")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(str(tmp_path / "store.duckdb")) as opened:
        yield opened


@dataclass(frozen=True)
class Listed:
    """A kind of evidence that lists software, as the probes of probes/software do."""

    components: tuple[Component, ...]
    pid: int = 0


def listed(*components: Component, phase: Phase = Phase.START, pid: int = 0, status: Status = Status.OK) -> Evidence:
    data: Mapping[str, object] = codec.plain(Listed(components, pid))
    return Evidence("listed", 1, "Listed", phase, 0, status, Grade.OBSERVED, "", "", NOON, "node1", data)


def numbers(store: Store, name: str, version: str = "", ecosystem: str = "") -> list[str]:
    return [use.job_id for use in store.packages(name, version, ecosystem=ecosystem)[0]]


def ran(reference: str, content: str) -> RanImages:
    image = ImageFacts(reference, manifest=f"sha256:{sha(content)}", config=f"sha256:{sha(content + ' config')}")
    return RanImages((RanImage("docker", "engine", reference, image, "a container of the job"),))


def snapshot(number: int, *evidence: Evidence, phase: Phase = Phase.START) -> Capture:
    return capture(job(str(number), submitted_at=at(number)), phase, *evidence)


def test_software_of_every_ecosystem_is_found_by_name_and_version(store: Store) -> None:
    store.ingest([snapshot(1, listed(GCC, SSL), seen(packages("numpy==2.0"))), snapshot(2, listed(SSL))])

    assert numbers(store, "gcc") == ["1"]
    assert numbers(store, "gcc", "12.1.0") == []
    assert numbers(store, "libssl3", SSL.version) == ["2", "1"]
    assert numbers(store, "numpy", "2.0") == ["1"]
    assert numbers(store, "cpython", "3.11.7") == ["1"]


def test_a_name_is_found_however_it_is_written(store: Store) -> None:
    store.ingest([snapshot(1, seen(packages("ruamel.yaml==0.18")))])

    (use,), total = store.packages("Ruamel_YAML")
    assert (use.ecosystem, use.name, use.version, use.when, total) == ("pypi", "ruamel-yaml", "0.18", "start", 1)


def test_one_ecosystem_can_be_asked_alone(store: Store) -> None:
    store.ingest([snapshot(1, seen(packages("openmpi==5.0"))), snapshot(2, listed(Component("mpi", "openmpi", "4.1.4")))])

    assert numbers(store, "openmpi") == ["2", "1"]
    assert numbers(store, "openmpi", ecosystem="mpi") == ["2"]


def test_an_image_is_found_by_its_name_and_by_each_of_its_digests(store: Store) -> None:
    store.ingest([snapshot(1, seen(ran("lab/torch:2", "monday"))), snapshot(2, seen(ran("lab/torch:2", "tuesday")))])

    assert numbers(store, "lab/torch:2") == ["2", "1"]
    assert numbers(store, f"sha256:{sha('monday')}") == ["1"]
    assert numbers(store, f"SHA256:{sha('tuesday config')}") == ["2"]


@pytest.mark.parametrize(
    "name", ["lab/torch", "torch", "Torch:2.1", "reg.example:5000/lab/torch", "docker://reg.example:5000/lab/torch:2.1"]
)
def test_an_image_is_found_by_any_part_of_its_name_that_ends_it(store: Store, name: str) -> None:
    store.ingest(
        [snapshot(1, seen(ran("docker://reg.example:5000/lab/torch:2.1", "a"))), snapshot(2, seen(ran("lab/pytorch:2.1", "b")))]
    )

    assert numbers(store, name) == ["1"]


def test_an_image_file_that_was_there_is_found_and_an_engine_s_id_is_no_digest(store: Store) -> None:
    store.ingest(
        [snapshot(1, seen(image("img/model.sif", "file"))), snapshot(2, seen(image("lab/x:1", image_id=f"sha256:{sha('id')}")))]
    )

    assert numbers(store, "model.sif") == numbers(store, f"sha256:{sha('file')}") == ["1"]
    assert (numbers(store, "lab/x"), numbers(store, f"sha256:{sha('id')}")) == (["2"], [])


def test_no_run_is_an_empty_answer_and_the_count_is_of_all(store: Store) -> None:
    assert store.packages("numpy") == ((), 0)
    store.ingest([snapshot(n, listed(GCC)) for n in range(5)])

    found, total = store.packages("GCC", limit=2)
    assert ([use.job_id for use in found], total) == (["4", "3"], 5)


def test_tasks_of_an_array_had_what_its_submission_saw(store: Store) -> None:
    whole = replace(job("7"), is_array=True)
    store.ingest([capture(whole, Phase.SUBMIT, listed(GCC))])
    assert numbers(store, "gcc") == ["7"]

    tasks = [capture(replace(job(f"7_{n}"), submission=whole.submission), Phase.START, listed(SSL)) for n in (1, 2)]
    store.ingest(tasks)
    assert sorted(numbers(store, "gcc")) == ["7_1", "7_2"]


def test_an_upgrade_after_the_run_is_no_part_of_it_unless_nothing_else_was_seen(store: Store) -> None:
    before, after = seen(packages("numpy==1.26")), seen(packages("numpy==2.0", "scipy==1.14"))
    store.ingest([snapshot(1, before, phase=Phase.SUBMIT), snapshot(1, after, phase=Phase.LATER)])
    store.ingest([snapshot(2, after, phase=Phase.LATER)])

    assert numbers(store, "numpy", "1.26") == ["1"]
    assert numbers(store, "numpy", "2.0") == ["2"]
    assert numbers(store, "scipy") == ["2"]
    assert [use.when for use in store.packages("scipy")[0]] == ["later"]


def test_a_list_that_many_runs_share_is_stored_once(store: Store) -> None:
    store.ingest([snapshot(n, listed(GCC, SSL, pid=n)) for n in range(30)])
    store.ingest([snapshot(99, listed(SSL, GCC, pid=99))])

    assert store.query("select count(*) from component") == [(2,)]
    assert len(numbers(store, "gcc")) == 31


def test_text_from_outside_survives_the_index(store: Store) -> None:
    odd = Component("spack", 'na"me\t\\\n\x1b[31mü\udc80', "1.0\t2", "", "", "x")
    store.ingest([snapshot(1, listed(odd))])

    (use,), _ = store.packages(odd.name, "1.0\t2")
    assert (use.name, use.version) == (odd.name, odd.version)


def test_evidence_of_another_shape_is_stored_and_not_indexed() -> None:
    assert rows("Listed", b'{"components":[{"name":3}]}') == ()
    assert rows("PythonPackages", b'{"packages":"none"}') == ()
    assert rows("Listed", b'{"components":[{"ecosystem":"deb","name":"x","more":1}]}') == (Row("deb", "x"),)
    assert key("A__b.-c") == "a-b-c"


def test_the_index_names_software_as_the_reports_do() -> None:
    conda = Package("OpenSSL", "3.0", "/c", "conda", "https://e.org/openssl.conda#md5=cd34", "conda", "")
    wheel = Package("Ruamel_Yaml", "1", "/v", "wheel", "https://e.org/x-1.whl#sha256=ab12", "pip", sha("x"))
    cached = Package("torch", "2", "/v", "index", "", "uv", sha("x"), wheel_sha256=sha("whl"))
    values = (
        packages(packages=(conda, wheel, cached)),
        modules("gcc/12.2.0", "cuda/toolkit/12.4", "anaconda"),
        hardware(gpu_driver="550.54.15"),
        Toolchain((GCC, SSL)),
    )
    for value in values:
        found = [(c.ecosystem, c.name, c.version, c.digest) for c in of(value)]
        assert sorted(
            tuple(getattr(r, f) for f in ("ecosystem", "name", "version", "digest"))
            for r in rows(type(value).__name__, codec.dumps(value))
        ) == sorted(found)


def test_a_store_of_before_answers_the_same_question(tmp_path: Path) -> None:
    """Rows as the second migration's code wrote them: job, evidence and packages each in full."""
    path = str(tmp_path / "old.duckdb")
    told = capture(job("1", script="#!/bin/bash\n"), Phase.START, seen(packages("PyYAML==6.0")))
    [e] = told.evidence
    slim = dataclasses.replace(told.job, script="")
    with duckdb.connect(path) as con:
        con.execute("create table migration (name varchar, applied_at varchar)")
        for name in ("0001_captures.sql", "0002_audits.sql"):
            con.execute((resources.files("auditor.store") / "migrations" / name).read_text())
            con.execute("insert into migration values (?, '2026-01-01T00:00:00+00:00')", [name])
        row = [told.job.run_id, "slurm", told.job.cluster, "1", told.job.submission, False]
        con.execute("insert into run values (0, ?, ?, ?, ?, ?, ?)", row)
        texts = [codec.dumps(slim).decode(), told.job.submitted_at]
        con.execute(
            "insert into capture values (0, 'x', 0, 'start', 0, 1, ?, 1, ?, '', 'ada', 'train.sh', 'train.sh', 's')", texts
        )
        con.execute(
            "insert into content values (0, 'y', ?, false), (1, 'z', ?, false)",
            [codec.dumps(e.data).decode(), r'"#!/bin/bash\n"'],
        )
        cells = [
            bytes.fromhex(e.id),
            e.probe,
            e.version,
            e.kind,
            e.phase,
            e.status,
            e.grade,
            e.source,
            e.reason,
            e.taken_at,
            e.host,
        ]
        con.execute("insert into evidence values (?, 0, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, 0)", cells)
        con.execute("insert into package values (0, 'PyYAML', '6.0')")

    with Store.open(path) as opened:
        assert opened.evidence(told.job.run_id) == told.evidence
        assert opened.job(told.job.run_id) == told.job
        assert numbers(opened, "pyyaml", "6.0") == ["1"]
        opened.ingest([snapshot(2, seen(packages("PyYAML==6.0")), listed(GCC))])
        assert numbers(opened, "pyyaml") == ["2", "1"]
        assert numbers(opened, "gcc") == ["2"]


def test_every_migration_is_packed() -> None:
    found = sorted(e.name for e in (resources.files("auditor.store") / "migrations").iterdir() if e.name.endswith(".sql"))
    assert found[:3] == ["0001_captures.sql", "0002_audits.sql", "0003_components.sql"]
