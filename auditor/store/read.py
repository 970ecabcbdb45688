"""What is known of one run: its job, merged from its captures, and its evidence, byte for byte as it came in?"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from auditor import codec
from auditor.model import AuditError, Evidence, Grade, Job, Phase, Status
from auditor.store.snapshot import joined
from auditor.store.text import unescape

if TYPE_CHECKING:
    from auditor.store.store import Store

OF_ITS_OWN = ("job_id", "submission", "submitted_at", "started_at", "ended_at")
"""What of a job is not in the JSON that its captures share."""

ORDER = {phase.value: i for i, phase in enumerate(Phase)}

FEW = 8
"""Manifests that are asked for one by one."""

# a run's own captures, and those of the array it is a task of
OWN = """select own.no, true as mine from run own where own.id = $1
  union select parent.no, false from run parent join run own on own.submission = parent.submission
  where own.id = $1 and own.submission <> '' and parent.is_array and parent.no <> own.no"""
# numbers that are known let all blocks be passed over but theirs; an array's final record speaks for the task most in need of
# attention, not for this one
SEEN = """select probe, version, kind, phase, attempt, status, grade, source, reason, taken_at, host, content_no from evidence e
  where run_no in (select unnest($1::integer[])) and run_no between $2 and $3
  and not (kind = 'JobAccounting' and phase = 'later' and run_no not in (select unnest($4::integer[])))"""


def evidence(store: Store, run_id: str) -> tuple[Evidence, ...]:
    """Each piece once, ordered by phase, attempt, probe and time. Raises AuditError for an unknown run."""
    own = store.query(OWN, run_id)
    if not own:
        raise AuditError(f"no run {run_id}", "`auditor list` shows the runs we know")
    numbers = [no for no, _ in own]
    seen = store.query(SEEN, numbers, min(numbers), max(numbers), [no for no, mine in own if mine])
    wanted = sorted({row[-1] for row in seen if row[-1] is not None})
    bodies = {
        no: rest
        for no, *rest in store.query("select no, body, split from content where no in (select unnest(?::integer[]))", wanted)
    }
    rows = [(*row, *bodies.get(row[-1], (None, None))) for row in seen]
    rows.sort(key=order)
    contents = files(store, sorted({r[11] for r in rows if r[13]}))
    return tuple(
        e for _, alike in groupby(dict.fromkeys(rows), key=order) for e in _by_id([_evidence(row, contents) for row in alike])
    )


def order(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return ORDER[row[3]], row[4], row[0], row[9]


def _by_id(alike: list[Evidence]) -> list[Evidence]:
    """An id takes a walk through all that was seen: only where nothing else tells two apart."""
    return sorted(alike, key=lambda e: e.id) if len(alike) > 1 else alike


def _evidence(row: tuple[Any, ...], contents: Mapping[int, list[dict[str, Any]]]) -> Evidence:
    *words, no, body, split = row
    return piece(words, None if body is None else joined(body, contents[no]) if split else json.loads(body))


def piece(words: Sequence[Any], data: Mapping[str, Any] | None) -> Evidence:
    """A row of the table `evidence` without its content's number, and its data."""
    probe, version, kind, phase, attempt, status, grade, source, reason, taken_at, host = words
    return Evidence(
        probe=unescape(probe),
        version=version,
        kind=unescape(kind),
        phase=Phase(phase),
        attempt=attempt,
        status=Status(status),
        grade=Grade(grade),
        source=unescape(source),
        reason=unescape(reason),
        taken_at=unescape(taken_at),
        host=unescape(host),
        data=data,
    )


def files(store: Store, contents: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The files of each manifest, in their order."""
    found: dict[int, list[dict[str, Any]]] = {no: [] for no in contents}
    columns = "select content_no, dataset, how, kind, mtime_ns, path, role, lower(hex(sha256)), size from file where"
    if len(contents) <= FEW:  # one range each: the blocks of a manifest lie together
        rows = [row for no in contents for row in store.query(f"{columns} content_no = ? order by place", no)]
    else:
        chosen = "content_no in (select unnest(?::integer[])) and content_no between ? and ? order by content_no, place"
        rows = store.query(f"{columns} {chosen}", list(contents), min(contents), max(contents))
    for no, dataset, how, kind, mtime_ns, path, role, sha256, size in rows:
        found[no].append(
            ({} if dataset is None else {"dataset": unescape(dataset)})
            | {
                "how": unescape(how),
                "kind": unescape(kind),
                "mtime_ns": mtime_ns,
                "path": unescape(path),
                "role": unescape(role),
                "sha256": sha256,
                "size": size,
            }
        )
    return found


def job(store: Store, run_id: str) -> Job:
    """Raises AuditError for an unknown run."""
    return jobs(store, [run_id])[run_id]


def jobs(store: Store, run_ids: Sequence[str]) -> dict[str, Job]:
    """Several at once. Facts come from the earliest phase that knows them, attempt and start from the last attempt."""
    rows = store.query(
        """with own as (select no, id, submission, no as of from run where id in (select unnest($1::varchar[]))),
        wanted as (from own union all
          select parent.no, own.id, own.submission, own.no from run parent join own on own.submission = parent.submission
          where own.submission <> '' and parent.is_array and parent.no <> own.no)
        select w.id, w.no = w.of as own, c.job, s.body, c.phase, c.attempt, c.id, r.job_id, r.submission, c.submitted, c.started, c.ended
        from capture c join wanted w on c.run_no = w.no join run r on r.no = w.no left join content s on s.no = c.script_no""",
        list(run_ids),
    )
    rows.sort(key=lambda r: (r[0], ORDER[r[4]], r[5], r[6]))
    merged: dict[str, list[tuple[bool, Job]]] = {}
    for run_id, own, text, script, _, attempt, _, *known in rows:
        texts = {name: unescape(text) for name, text in zip(OF_ITS_OWN, known, strict=True) if text is not None}
        value = {**json.loads(text), **texts, "attempt": attempt, "script": json.loads(script) if script else ""}
        merged.setdefault(run_id, []).append((own, codec.build(value, Job, "stored job")))
    if missing := set(run_ids) - set(merged):
        raise AuditError(f"no run {min(missing)}", "`auditor list` shows the runs we know")
    return {run_id: _merge(captures) for run_id, captures in merged.items()}


def _merge(captures: Sequence[tuple[bool, Job]]) -> Job:
    """Own identity; of everything else the first that is known."""
    own = [job for mine, job in captures if mine]
    last = max(own, key=lambda j: (j.attempt, j.started_at))
    facts = {
        field.name: next((v for _, j in captures if (v := getattr(j, field.name))), getattr(own[0], field.name))
        for field in dataclasses.fields(Job)
        if field.name not in ("job_id", "is_array", "attempt", "started_at", "ended_at", "cluster", "submitted_at")
    }
    facts["ended_at"] = next((j.ended_at for j in own if j.ended_at), "")
    # an adopted job's identity rests on these two: they stay its own when it has them
    for name in ("cluster", "submitted_at"):
        mine = [getattr(j, name) for j in own] + [getattr(j, name) for _, j in captures]
        facts[name] = next((v for v in mine if v), "")
    return Job(job_id=own[0].job_id, is_array=own[0].is_array, attempt=last.attempt, started_at=last.started_at, **facts)
