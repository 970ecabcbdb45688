"""Is a lineage in W3C PROV what the standard's own library reads, and does it say what happened?"""

from __future__ import annotations

import json

from prov.model import ProvDocument

from auditor.campaign import Family, Sibling, Touch
from auditor.codec import dumps
from reports.prov import document


def run(run_id: str, job_id: str, name: str, started: str = "", ended: str = "") -> Sibling:
    return Sibling(run_id, job_id, name, "COMPLETED", "", f"{name}.sh", "2026-11-23T12:00:00+00:00", started, ended)


FAMILY = Family(
    (
        run("b2", "2", "train", "2026-11-23T12:01:00+00:00", "2026-11-23T12:02:00+00:00"),
        run("a1", "1", "simulate", "yesterday", ""),
    ),
    (
        Touch("a1", "output", "sim.csv", "aa"),
        Touch("b2", "input", "data/sim.csv", "aa"),
        Touch("b2", "output", "model.bin", "bb"),
    ),
)


def test_runs_are_activities_and_files_entities_known_by_content() -> None:
    found = document(FAMILY)
    assert found["activity"]["run:b2"] == {
        "prov:startTime": "2026-11-23T12:01:00+00:00",
        "prov:endTime": "2026-11-23T12:02:00+00:00",
        "prov:label": "train",
        "ra:job": "2",
        "ra:state": "COMPLETED",
        "ra:command": "train.sh",
    }
    assert "prov:startTime" not in found["activity"]["run:a1"]  # `yesterday` is no time
    assert found["entity"]["sha256:aa"]["prov:label"] == ["data/sim.csv", "sim.csv"]
    assert found["used"] == {"_:u1": {"prov:activity": "run:b2", "prov:entity": "sha256:aa"}}
    assert found["wasGeneratedBy"] == {
        "_:g1": {"prov:entity": "sha256:aa", "prov:activity": "run:a1"},
        "_:g2": {"prov:entity": "sha256:bb", "prov:activity": "run:b2"},
    }
    assert found["wasInformedBy"] == {"_:i1": {"prov:informed": "run:b2", "prov:informant": "run:a1"}}


def test_the_standards_own_library_reads_it_and_writes_the_same_facts() -> None:
    text = dumps(document(FAMILY)).decode()
    read = ProvDocument.deserialize(content=text, format="json")
    assert len(read.get_records()) == 2 + 2 + 1 + 2 + 1
    again = ProvDocument.deserialize(content=read.serialize(format="json"), format="json")
    assert again == read
    assert "wasInformedBy(run:b2, run:a1)" in read.get_provn()


def test_the_same_lineage_gives_the_same_bytes_in_any_order() -> None:
    shuffled = Family(FAMILY.runs[::-1], FAMILY.touches[::-1])
    assert json.dumps(document(shuffled), sort_keys=True) == json.dumps(document(FAMILY), sort_keys=True)
