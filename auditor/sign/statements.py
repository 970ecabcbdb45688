"""How is a run, or what a replay proved, told to programs that check provenance? As an in-toto Statement v1 with SLSA provenance v1.

in-toto.io/Statement/v1: who is spoken of (`subject`, by digest) and what is said (`predicate`). slsa.dev/provenance/v1: what was asked for,
what went in, who ran it. A replay's verdict copies OSS Rebuild's way: provenance whose build type is the comparison.
Nothing is filled in that is not known. Same bundle, same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from auditor import codec
from auditor.model import AuditError
from auditor.sign import bundles, dsse, keygen, sshsig
from auditor.verdict import ReplayVerdict, Sameness
from reports.archive import verifier
from reports.archive.recipe import Recipe, RecipeFile

TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
RUN = "urn:run-auditor:buildtype:slurm-run:v1"
LOCAL_RUN = "urn:run-auditor:buildtype:local-run:v1"
REPLICATION = "urn:run-auditor:buildtype:replication-equivalence:v1"
BUILDER = "urn:run-auditor:builder:"
MEDIA = "application/vnd.in-toto+json"
Json = dict[str, Any]


def of_run(path: Path) -> bytes:
    """What made the outputs that the bundle names. Raises AuditError for what is no bundle of a run."""
    raw = bundles.manifest(path)
    try:
        with closing(verifier.open_bundle(str(path))) as bundle:
            recipe = codec.loads(verifier.read(bundle, "data/replay.json"), Recipe, "replay.json")
            card = codec.loads(verifier.read(bundle, "data/scorecard.json"), dict, "scorecard.json")
    except verifier.Refused as refused:
        raise AuditError(refused.message, refused.hint) from refused
    run = card.get("run") or {}
    outputs = [f for f in recipe.files if f.role == "expected" and f.sha256]
    return _statement(
        [_bundle(hashlib.sha256(raw).hexdigest()), *(_digested(f) for f in outputs)],
        {
            "buildDefinition": {
                "buildType": RUN if recipe.scheduler == "slurm" else LOCAL_RUN,
                "externalParameters": _asked(recipe),
                "internalParameters": _known(
                    {"cluster": recipe.cluster, "modules": list(recipe.modules), "python": recipe.python}
                ),
                "resolvedDependencies": _inputs(recipe),
            },
            "runDetails": {
                "builder": {"id": BUILDER + (recipe.scheduler or "unknown"), "version": {"run-auditor": recipe.auditor}},
                "metadata": _known(
                    {
                        "invocationId": recipe.run_id,
                        "startedOn": _time(str(run.get("started_at", ""))),
                        "finishedOn": _time(str(run.get("ended_at", ""))),
                    }
                ),
                "byproducts": [_digested(f) for f in recipe.files if f.role == "log" and f.sha256],
            },
        },
    )


def of_verdict(verdict: ReplayVerdict, rules: Mapping[str, Any] | None = None) -> bytes:
    """What a replay proved. rules: by what outputs were compared, beyond what the verdict says of it (tolerances, ignored fields).

    Subjects are the outputs as the replay made them; of one that differs or is missing nothing is claimed, so it is a byproduct only.
    """
    same = [o for o in verdict.outputs if o.sameness in (Sameness.IDENTICAL, Sameness.EQUIVALENT) and o.actual_sha256]
    rest = [o for o in verdict.outputs if o not in same]
    return _statement(
        [_bundle(verdict.bundle), *({"name": _text(o.path), "digest": {"sha256": o.actual_sha256}} for o in same)],
        {
            "buildDefinition": {
                "buildType": REPLICATION,
                "externalParameters": _known(
                    {
                        "bundle": verdict.bundle,
                        "run": verdict.run_id,
                        "level": str(verdict.level),
                        "rules": [_text(r) for r in verdict.rules],
                        "comparison": codec.plain(dict(rules or {})),
                        "comparators": {_text(o.path): o.comparator for o in verdict.outputs},
                    }
                ),
                "internalParameters": _known(
                    {"where": _text(verdict.where), "sandbox": verdict.sandbox, "environment": verdict.environment}
                ),
                "resolvedDependencies": [
                    _bundle(verdict.bundle),
                    *({"name": _text(o.path), "digest": {"sha256": o.expected_sha256}} for o in same if o.expected_sha256),
                ],
            },
            "runDetails": {
                "builder": {"id": f"{BUILDER}replay", "version": {"run-auditor": verdict.auditor}},
                "metadata": _known({"startedOn": _time(verdict.started_at), "finishedOn": _time(verdict.ended_at)}),
                "byproducts": [
                    {
                        "name": "verdict",
                        "mediaType": "application/json",
                        "digest": {"sha256": codec.digest(verdict)},
                        "annotations": {"sameness": str(verdict.sameness), "reason": _text(verdict.reason)},
                    },
                    *(
                        {"name": _text(o.path), "annotations": {"sameness": str(o.sameness), "detail": _text(o.detail)[:500]}}
                        for o in rest
                    ),
                ],
            },
        },
    )


def signed(statement: bytes, key: str, place: Path) -> list[Path]:
    """Write a statement with its signature: a DSSE envelope where the key's file can be read, else the statement and `.sig` beside it.

    The paths that were written. Raises AuditError.
    """
    envelope = dsse.envelope(statement, MEDIA, key)
    if envelope:
        return [bundles.write(place.with_name(f"{place.name}.dsse.json"), envelope)]
    armored = keygen.sign(statement, key, sshsig.STATEMENT)
    whole = place.with_name(f"{place.name}.json")
    return [bundles.write(whole, statement), bundles.write(bundles.beside(whole), armored)]


def beside(path: Path, key: str) -> list[Path]:
    """The statement of a bundle's run, signed, beside the bundle: `BUNDLE.intoto...`."""
    place = bundles.beside(path)
    return signed(of_run(path), key, place.with_name(f"{place.name.removesuffix('.sig')}.intoto"))


def _statement(subject: Sequence[Json], predicate: Json) -> bytes:
    return codec.pretty({"_type": TYPE, "subject": list(subject), "predicateType": PREDICATE, "predicate": predicate})


def _bundle(digest: str) -> Json:
    return {"name": "tagmanifest-sha256.txt", "digest": {"sha256": digest}}


def _asked(recipe: Recipe) -> Json:
    """What a person chose: script, arguments, resources, variables."""
    return _known(
        {
            "command": [_text(c) for c in recipe.command],
            "script": _text(recipe.script),
            "arguments": [_text(a) for a in recipe.arguments],
            "arrayTask": recipe.array_task,
            "environment": {_text(k): _text(v) for k, v in recipe.environment.items()},
            "asked": _known(codec.plain(recipe.asked)),
        }
    )


def _inputs(recipe: Recipe) -> list[Json]:
    files = [_digested(f) for f in recipe.files if f.role in ("code", "input") and f.sha256]
    sets = [
        {
            "name": _text(d.name),
            "uri": _text(d.url or (f"doi:{d.doi}" if d.doi else "")),
            "digest": {"auditorTree": d.digest.rpartition(":")[2]},
        }
        for d in recipe.datasets
    ]
    images = [
        {"name": _text(i.reference), "digest": {"sha256": digest}}
        for i in recipe.images
        if (digest := i.pull.partition("@sha256:")[2] or i.sha256)
    ]
    return [*files, *(_known(s) for s in sets), *images]


def _digested(file: RecipeFile) -> Json:
    return {"name": _text(file.place), "digest": {"sha256": file.sha256}}


def _known(values: Json) -> Json:
    """Without what is not known."""
    return {k: v for k, v in values.items() if v not in ("", None, [], {})}


def _time(text: str) -> str:
    """RFC 3339 in UTC, whole seconds, as protobuf's timestamps are read; empty for what is no time."""
    from datetime import UTC, datetime

    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if text else ""
    except ValueError:
        return ""


def _text(value: str) -> str:
    """JSON of other readers knows no lone surrogates."""
    return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
