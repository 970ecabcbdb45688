"""Is a lineage in W3C PROV what the standard's own library reads, and does it say what happened?"""

from __future__ import annotations

import json

from prov.model import ProvDocument

from auditor.campaign import Family, Held, Sibling, Touch
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


IRIS = f"sha256:{'d' * 64}"


def family_with(*datasets: Held) -> Family:
    return Family(FAMILY.runs, FAMILY.touches, datasets)


def test_a_registered_data_set_is_a_collection_with_its_doi_version_and_licence() -> None:
    known = Held(
        "b2",
        "data/iris",
        "iris",
        IRIS,
        "unchanged",
        "",
        "3",
        "10.24432/C56C76",
        "CC-BY-4.0",
        "https://example.org/iris",
        150,
        4551,
    )
    found = document(family_with(known))
    assert found["entity"][f"tree:{'d' * 64}"] == {
        "prov:type": [
            {"$": "prov:Collection", "type": "prov:QUALIFIED_NAME"},
            {"$": "ra:DataSet", "type": "prov:QUALIFIED_NAME"},
        ],
        "prov:label": "iris 3",
        "dct:identifier": "https://doi.org/10.24432/C56C76",
        "dct:license": "CC-BY-4.0",
        "schema:version": "3",
        "schema:url": "https://example.org/iris",
        "ra:files": "150",
        "ra:bytes": "4551",
    }
    assert {"prov:activity": "run:b2", "prov:entity": f"tree:{'d' * 64}"} in found["used"].values()
    assert "wasDerivedFrom" not in found
    assert (
        f"used(run:b2, tree:{'d' * 64}, -)" in ProvDocument.deserialize(content=dumps(found).decode(), format="json").get_provn()
    )


def test_a_data_set_that_had_changed_is_not_called_what_was_registered() -> None:
    found = document(family_with(Held("b2", "data/iris", "iris", IRIS, "changed", version="3")))
    seen = "seen:b2-iris-data_iris"
    assert found["entity"][seen]["prov:label"] == "iris 3 (changed)"
    assert {"prov:activity": "run:b2", "prov:entity": seen} in found["used"].values()
    assert f"tree:{'d' * 64}" not in {u["prov:entity"] for u in found["used"].values()}
    assert found["wasDerivedFrom"] == {"_:d1": {"prov:generatedEntity": seen, "prov:usedEntity": f"tree:{'d' * 64}"}}
    assert "wasDerivedFrom" in ProvDocument.deserialize(content=dumps(found).decode(), format="json").get_provn()


def test_a_data_set_whose_index_cannot_be_read_has_a_name_and_no_digest() -> None:
    found = document(family_with(Held("b2", "a b/ü", "iris", "", "unreadable")))
    assert [key for key in found["entity"] if not key.startswith("sha256:")] == ["seen:b2-iris-a_b__"]
    assert "wasDerivedFrom" not in found
    ProvDocument.deserialize(content=dumps(found).decode(), format="json")
