"""Do other people's programs read our statements, and their signatures? By in-toto-attestation and securesystemslib."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from in_toto_attestation.predicates.provenance.v1.provenance_pb2 import Provenance as ProvenanceMessage
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1.statement_pb2 import Statement as StatementMessage

from auditor.sign import bundles, dsse, sshsig, statements
from auditor.sign.check import Trust, look
from auditor.verdict import OutputVerdict, ReplayVerdict, Sameness
from tests import archived
from tests.needs import need
from tests.reports.test_verify import files
from tests.reports.test_world import RUNS, bundled


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    archived.bundle(folder)
    return folder / "fit.crate.zip"


def accepted(statement: bytes) -> dict[str, Any]:
    """By the reference reader: every field known to its schema, and valid."""
    message = json_format.Parse(statement, StatementMessage())
    Statement.copy_from_pb(message).validate()
    predicate = json_format.Parse(json_format.MessageToJson(message.predicate), ProvenanceMessage())
    assert predicate.build_definition.build_type and predicate.run_details.builder.id
    value: dict[str, Any] = json.loads(statement)
    return value


VERDICT = ReplayVerdict(
    bundle="ab" * 32,
    run_id="3e3b2ed893bf4fe5",
    sameness=Sameness.DIFFERENT,
    reason="of 3 outputs 1 identical, 1 equivalent, 1 different",
    outputs=(
        OutputVerdict("out.csv", Sameness.IDENTICAL, "bytes", "", "11" * 32, "11" * 32),
        OutputVerdict("m.json", Sameness.EQUIVALENT, "json", "largest difference 1e-9", "22" * 32, "33" * 32),
        OutputVerdict("model.npy", Sameness.DIFFERENT, "numpy", "shape (3,) became (4,)", "44" * 32, "55" * 32),
    ),
    steps=(),
    where="local",
    same_machine=True,
    sandbox="bubblewrap",
    environment="rebuilt-from-lock",
    started_at="2026-11-20T10:00:00+00:00",
    ended_at="2026-11-20T10:01:00+01:00",
    auditor="0.1.0",
)


def test_a_run_s_statement_names_what_went_in_and_what_came_out(bundle: Path) -> None:
    told = accepted(statements.of_run(bundle))
    recipe = json.loads(files(bundle)["data/replay.json"])
    digests = {f["place"]: f["sha256"] for f in recipe["files"]}
    assert [(s["name"], s["digest"]["sha256"]) for s in told["subject"][1:]] == [
        (name, digests[name]) for name in ("metrics.json", "out.csv")
    ]
    definition = told["predicate"]["buildDefinition"]
    assert definition["buildType"] == "urn:run-auditor:buildtype:slurm-run:v1"
    assert definition["externalParameters"]["arguments"] == ["7"]
    assert {d["name"] for d in definition["resolvedDependencies"]} == {"job.sh", "fit.py", "in.csv"}
    assert told["predicate"]["runDetails"]["metadata"]["startedOn"].endswith("Z")


def test_the_first_subject_is_the_bundle_by_its_id(bundle: Path) -> None:
    from reports.archive.verify import verify

    assert json.loads(statements.of_run(bundle))["subject"][0]["digest"]["sha256"] == verify(bundle).id


@pytest.mark.parametrize("name", RUNS)
def test_every_literal_run_s_statement_is_accepted_and_twice_the_same(name: str, tmp_path: Path) -> None:
    path = Path(bundled(name, tmp_path / "x.zip").path)
    accepted(statements.of_run(path))
    assert statements.of_run(path) == statements.of_run(path)


def test_a_verdict_vouches_for_what_came_out_again_and_only_for_that() -> None:
    rules = {"rtol": "1e-06", "atol": "1e-12"}
    told = accepted(statements.of_verdict(VERDICT, rules))
    assert [s["name"] for s in told["subject"]] == ["tagmanifest-sha256.txt", "out.csv", "m.json"]
    assert told["subject"][2]["digest"] == {"sha256": "33" * 32}
    definition = told["predicate"]["buildDefinition"]
    assert definition["buildType"] == "urn:run-auditor:buildtype:replication-equivalence:v1"
    assert definition["externalParameters"]["comparison"] == rules
    assert definition["externalParameters"]["comparators"] == {"out.csv": "bytes", "m.json": "json", "model.npy": "numpy"}
    byproducts = told["predicate"]["runDetails"]["byproducts"]
    assert byproducts[0]["annotations"]["sameness"] == "different"
    assert byproducts[1]["name"] == "model.npy"
    assert told["predicate"]["runDetails"]["metadata"] == {
        "startedOn": "2026-11-20T10:00:00Z",
        "finishedOn": "2026-11-20T09:01:00Z",
    }


def test_the_reference_reader_refuses_a_statement_without_a_digest() -> None:
    """So that a reader that checks nothing would be noticed."""
    told = json.loads(statements.of_verdict(VERDICT))
    del told["subject"][0]["digest"]
    with pytest.raises(ValueError, match="digest"):
        accepted(json.dumps(told).encode())


@pytest.fixture
def key(tmp_path: Path) -> Path:
    if not shutil.which("ssh-keygen"):
        need("ssh-keygen")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    return tmp_path / "key"


def test_securesystemslib_verifies_the_envelope_and_refuses_another_payload(bundle: Path, key: Path, tmp_path: Path) -> None:
    from cryptography.hazmat.primitives.serialization import load_ssh_public_key
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import VerificationError
    from securesystemslib.signer import SSlibKey

    (place,) = statements.signed(statements.of_run(bundle), str(key), tmp_path / "run.intoto")
    assert place.name == "run.intoto.dsse.json"
    row = json.loads(place.read_bytes())
    public = SSlibKey.from_crypto(load_ssh_public_key(key.with_suffix(".pub").read_bytes()), row["signatures"][0]["keyid"])
    assert len(Envelope.from_dict(json.loads(place.read_bytes())).verify([public], 1)) == 1
    accepted(base64.b64decode(row["payload"]))
    row["payload"] = base64.b64encode(base64.b64decode(row["payload"]).replace(b"out.csv", b"in.csv ")).decode()
    with pytest.raises(VerificationError):
        Envelope.from_dict(row).verify([public], 1)


def test_a_key_that_only_ssh_keygen_can_use_signs_the_statement_beside_it(bundle: Path, tmp_path: Path, key: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "other"], check=True)
    whole, signature = statements.signed(statements.of_run(bundle), str(tmp_path / "other"), tmp_path / "run.intoto")
    assert (whole.name, signature.name) == ("run.intoto.json", "run.intoto.json.sig")
    assert look(whole.read_bytes(), signature.read_bytes(), sshsig.STATEMENT).trust is Trust.NOT_CHECKED
    assert look(whole.read_bytes(), signature.read_bytes(), sshsig.BUNDLE).trust is Trust.REFUSED


def test_an_envelope_is_none_where_the_key_cannot_be_read(tmp_path: Path, key: Path) -> None:
    locked = tmp_path / "locked"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "a passphrase", "-f", locked], check=True)
    assert [dsse.envelope(b"{}", "x", str(k)) for k in (locked, key.with_suffix(".pub"), tmp_path / "none")] == [None] * 3


def test_the_statement_lies_beside_the_bundle(bundle: Path, key: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copy(bundle, tmp_path / "run.crate.zip"))
    assert [p.name for p in statements.beside(copy, str(key))] == ["run.crate.zip.intoto.dsse.json"]
    assert bundles.found(copy) is None
