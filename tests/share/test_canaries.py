"""Does anything come out that must not? A real run in a workplace full of secrets, then every file, format and verb.

Two promises: a secret that can be recognised is never stored at all; and whatever else is somebody's is not published.
"""

from __future__ import annotations

import base64
import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

import planted
import pytest
from planted import NAMES, SECRETS, Place
from typer.testing import CliRunner

from auditor import registry
from auditor.cli.app import app
from auditor.cli.judge import _seen
from auditor.cli.publish import public_page, public_run
from auditor.model import AuditError
from auditor.scorecard import Owner
from reports.archive.share.share import Shared

READING = {
    "list": (), "show": (), "score": ("--json",), "report": ("-f", "terminal", "-o", "-"), "lineage": (), "packages": (),
    "campaign": (), "config": (), "doctor": (), "workflow": (".",), "experiments": (".",), "manifest": ("made",), "preflight": ("job.sh",),
    "capture": ("--help",), "image": ("--help",),
}  # fmt: skip
"""Verbs that show something of a run, and the words they need."""
OTHERS = {
    "adopt",
    "bisect",
    "bundle",
    "claims",
    "dataset",
    "demo",
    "diff",
    "hook",
    "replay",
    "run",
    "sbatch",
    "shim",
    "sign",
    "sweep",
    "verdict",
    "verify",
}
"""Verbs that show nothing of this run, or are tried elsewhere in this file."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return planted.plant(tmp_path_factory.mktemp("canaries"))


@pytest.fixture(scope="module")
def shared(place: Place) -> Path:
    path = place.home / "shared.zip"
    code, said = planted.auditor(place, "bundle", "--share", "-o", str(path))
    assert (code, b"names and secrets were replaced" in said) == (0, True), said.decode()
    return path


def files(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    """A file, and all that is packed in it."""
    yield name, data
    if data[:4] == b"PK\3\4":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for inner in archive.infolist():
                yield from files(f"{name}!{inner.filename}", archive.read(inner))
    elif data[:2] == b"\x1f\x8b":
        yield from files(f"{name}!", gzip.decompress(data))
    elif data[257:262] == b"ustar":
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            for member in archive:
                if file := archive.extractfile(member):
                    yield from files(f"{name}!{member.name}", file.read())


def spellings(secret: str) -> Iterator[bytes]:
    raw = secret.encode()
    yield raw
    yield quote(secret, safe="").encode()
    yield json.dumps(secret)[1:-1].encode()
    for before in range(3):
        yield base64.b64encode(b"\0" * before + raw)[4:-4]


def leaks(found: Mapping[str, bytes], canaries: Mapping[str, str]) -> list[str]:
    """`canary in file`, for each that is there in any spelling."""
    every = [(inner, data) for name, raw in found.items() for inner, data in files(name, raw)]
    views = [
        (inner, inner.encode() + b"\0" + data + b"\0" + (unquote_to_bytes(data) if b"%" in data else b""))
        for inner, data in every
    ]
    return [
        f"{canary} in {inner}"
        for canary, secret in canaries.items()
        for spelled in set(spellings(secret))
        for inner, view in views
        if len(spelled) > 3 and spelled in view
    ]


def test_there_are_forty_secrets_and_each_is_really_there(place: Place) -> None:
    lying = b"".join(name.encode() + data for name, data in planted.spread(place.work).items()).replace(b"\\\n", b"")
    given = "\0".join(place.environment.values()).encode() + b"".join(
        map(str.encode, (SECRETS["argument"], SECRETS["job label"]))
    )
    absent = [name for name, secret in {**SECRETS, **NAMES}.items() if secret.encode() not in lying + given]
    assert (len(SECRETS) + len(NAMES) >= 40, absent) == (True, [])


def test_no_recognisable_secret_is_ever_stored(place: Place) -> None:
    assert leaks(planted.spread(place.records), SECRETS) == []


def test_no_value_of_a_variable_outside_of_the_list_is_ever_stored(place: Place) -> None:
    variables = {k: NAMES[k] for k in ("private variable", "ssh agent", "kerberos cache")}
    kept = {n: d for n, d in planted.spread(place.records).items() if not n.startswith("objects/")}
    assert leaks(kept, variables) == []


def test_every_verb_is_tried_or_shows_nothing_of_a_run() -> None:
    verbs = {c.name or c.callback.__name__.rstrip("_") for c in app.registered_commands if c.callback}
    verbs |= {g.name for g in app.registered_groups if g.name}
    assert verbs - set(READING) - OTHERS - {"tip", "images"} == set()


@pytest.mark.parametrize("verb", READING)
def test_no_verb_shows_a_secret(place: Place, verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place.work)
    said = CliRunner().invoke(app, [verb, *READING[verb]], env=dict(place.environment))
    spoken = {"stdout": said.stdout_bytes, "stderr": said.stderr_bytes}
    listed = {"manifest": {"file name", "folder name"}, "preflight": {"cookie in a url"}}.get(verb, set())
    # both show their user what the user points them at: names of files, lines of a script
    assert leaks(spoken, {k: v for k, v in SECRETS.items() if k not in listed}) == []


def test_nothing_of_anybody_is_in_a_shared_bundle(shared: Path) -> None:
    assert leaks({"bundle": shared.read_bytes()}, {**SECRETS, **NAMES}) == []


def test_the_same_search_finds_names_in_a_bundle_that_is_not_shared(place: Place) -> None:
    path = place.home / "own.zip"
    planted.auditor(place, "bundle", "-o", str(path))
    found = leaks({"bundle": path.read_bytes()}, NAMES)
    assert {"user", "account", "mail address", "comment", "node"} <= {line.partition(" in ")[0] for line in found}


@pytest.fixture(scope="module")
def public(place: Place) -> Shared:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place.work)
        for variable, value in place.environment.items():
            patch.setenv(variable, value)
        return public_run(*_seen(""), None)


@pytest.mark.parametrize("name", registry.formats())
def test_nothing_of_anybody_is_in_a_shared_page_of_any_format(public: Shared, name: str) -> None:
    try:
        page = public_page(registry.formats()[name], public, Owner, ())
    except AuditError as error:
        if "not installed" in error.message or "needs" in error.message:
            pytest.skip(error.message)
        raise
    assert leaks({name: page}, {**SECRETS, **NAMES}) == []


def test_a_page_and_a_bundle_call_everybody_the_same(place: Place, shared: Path) -> None:
    code, said = planted.auditor(place, "report", "--share", "-f", "json", "-o", "card.json")
    assert (code, (place.work / "card.json").read_bytes()) == (0, zipfile.ZipFile(shared).read("data/scorecard.json")), said


def test_a_shared_bundle_is_whole_and_its_score_follows_from_its_evidence(place: Place, shared: Path) -> None:
    code, said = planted.auditor(place, "verify", "--json", str(shared))
    assert (code, json.loads(said[said.index(b"{") :])["score"]) == (0, "equal")


def test_a_shared_bundle_scores_as_the_run_does(place: Place, shared: Path) -> None:
    own, _ = json.JSONDecoder().raw_decode(planted.auditor(place, "score", "--json")[1].decode())
    public = json.loads(zipfile.ZipFile(shared).read("data/scorecard.json"))
    assert {k: public[k] for k in ("low", "high", "coverage")} == {k: own[k] for k in ("low", "high", "coverage")}


def test_a_shared_bundle_runs_again_though_its_paths_have_other_names(place: Place, shared: Path) -> None:
    assert b"python3 /$WORK/make.py /$WORK/in.csv" in zipfile.ZipFile(shared).read("data/code/job.sh")
    _, said = planted.auditor(place, "replay", str(shared), "--yes", "--into", str(place.home / "again"))
    assert b"out.csv" in said
    assert (place.home / "again" / "work" / "out.csv").read_text() == "X,Y\n1,2\n2,4\n", said.decode()


def test_the_record_of_what_was_done_names_files_and_rules_and_no_value(shared: Path) -> None:
    record = json.loads(zipfile.ZipFile(shared).read("data/evidence/redactions.json"))
    assert {tuple(sorted(row)) for row in record} == {("action", "count", "file", "rule")}
    assert {"user", "node", "account", "folder", "mail", "secret"} <= {row["rule"] for row in record}
    assert all(row["count"] > 0 for row in record)


def test_another_scanner_finds_nothing_either(shared: Path, tmp_path: Path) -> None:
    pytest.importorskip("detect_secrets", reason="detect-secrets is not installed")
    from detect_secrets.core.scan import scan_file
    from detect_secrets.settings import transient_settings

    named = [
        "AWSKeyDetector",
        "GitHubTokenDetector",
        "PrivateKeyDetector",
        "JwtTokenDetector",
        "SlackDetector",
        "StripeDetector",
        "BasicAuthDetector",
    ]
    with zipfile.ZipFile(shared) as archive, transient_settings({"plugins_used": [{"name": n} for n in named]}):
        archive.extractall(tmp_path)
        found = [(p.name, s.type) for p in tmp_path.rglob("*") if p.is_file() for s in scan_file(str(p))]
    assert found == []
