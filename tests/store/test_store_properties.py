"""Is evidence the same bytes again whatever was in it, and the content the same in whatever order it came?"""

from __future__ import annotations

import dataclasses
import hashlib
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor import codec
from auditor.model import Capture, Evidence, Grade, Job, Phase, Status
from auditor.store import Store
from auditor.store.snapshot import from_canonical, from_capture

quiet = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])

texts = st.text(st.characters(exclude_categories=()), max_size=12)  # lone surrogates and NUL too
numbers = st.integers(-(2**63), 2**63 - 1)
anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
files = st.fixed_dictionaries(
    {
        "path": texts,
        "role": st.sampled_from(["input", "output"]) | texts,
        "how": texts,
        "kind": texts,
        "size": numbers | st.booleans(),
        "mtime_ns": st.integers(),
        "sha256": st.just("") | st.binary(max_size=3).map(lambda b: hashlib.sha256(b).hexdigest()) | texts,
    },
    optional={"extra": anything},
)
manifests = st.fixed_dictionaries({"files": st.lists(files, max_size=4), "root": texts}, optional={"a": anything, "z": anything})
datas = st.none() | manifests | st.dictionaries(texts, anything, max_size=4)
evidences = st.builds(
    Evidence,
    probe=texts,
    version=numbers,
    kind=st.sampled_from(["DataManifest", "JobAccounting", "PythonPackages"]) | texts,
    phase=st.sampled_from(Phase),
    attempt=st.integers(0, 5),
    status=st.sampled_from(Status),
    grade=st.sampled_from(Grade),
    source=texts,
    reason=texts,
    taken_at=texts,
    host=texts,
    data=datas,
)
jobs = st.builds(
    Job,
    scheduler=texts,
    job_id=st.sampled_from(["1", "1_0", "1_1", "2"]) | texts,
    submission=st.sampled_from(["", "s1", "s2"]),
    cluster=texts,
    script=texts,
    argv=st.lists(texts, max_size=2).map(tuple),
    label=texts,
    submitted_at=texts,
    attempt=st.integers(0, 3),
    is_array=st.booleans(),
)
captures = st.builds(Capture, jobs, st.sampled_from(Phase), st.lists(evidences, max_size=4).map(tuple))


def content(found: list[Capture]) -> dict[str, tuple[Job, tuple[Evidence, ...]]]:
    """All that a store knows of all runs after taking these in, one transaction each."""
    with tempfile.TemporaryDirectory() as folder, Store.open(str(Path(folder, "store.duckdb"))) as store:
        for one in found:
            store.ingest([one])
        assert store.ingest(found) == 0
        ids = {c.job.run_id for c in found}
        return {id_: (store.job(id_), store.evidence(id_)) for id_ in sorted(ids)}


@quiet
@given(st.lists(captures, max_size=4))
def test_evidence_has_the_same_ids_again(found: list[Capture]) -> None:
    known = content(found)
    for one in found:
        assert {e.id for e in one.evidence} <= {e.id for e in known[one.job.run_id][1]}
    assert {e.id for _, evidence in known.values() for e in evidence} == {e.id for c in found for e in c.evidence}


@quiet
@given(st.lists(captures, min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_any_order_gives_the_same_content(found: list[Capture], random: Any) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    assert codec.dumps(content(found)) == codec.dumps(content(shuffled))


@settings(max_examples=200, deadline=None)
@given(captures)
def test_cutting_bytes_and_taking_a_capture_apart_are_the_same(one: Capture) -> None:
    raw = codec.dumps(one)
    cut, whole = from_canonical(raw, hashlib.sha256(raw).digest()), from_capture(one)
    assert dataclasses.replace(cut, job=one.job) == whole
    assert codec.dumps(cut.job) == codec.dumps(one.job)
