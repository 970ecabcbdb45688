"""Which runs touch which, by data, dependency, array and label? SQL in, plain facts out; bounded."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.store import bulk
from auditor.store.facts import Facts
from auditor.store.text import escape, unescape

if TYPE_CHECKING:
    from auditor.store.store import Store

MAX_RUNS = 500
MAX_USES = 50_000
"""Of each phase."""


@dataclass(frozen=True)
class Use:
    """Run number, role, path, digest."""

    run: int
    role: str
    path: str
    sha256: str


def dependencies(store: Store) -> list[tuple[int, int]]:
    """(earlier, later) run numbers where the later waits for the earlier. An array's number stands for its tasks too.

    A number that was used twice means the newest submission before the one that waits.
    """
    found = store.query(
        """with own as (select run_no, max(submitted) as at from capture group by run_no),
        parent as (select r.submission, o.at from run r join own o on o.run_no = r.no where r.is_array and r.submission <> ''),
        dated as (select r.*, split_part(r.job_id, '_', 1) as base, coalesce(nullif(o.at, ''), p.at, '') as at
            from run r join own o on o.run_no = r.no left join parent p on p.submission = r.submission),
        wants as (select distinct run_no, job_id from dependency),
        pairs as (select w.job_id as wanted, w.run_no as later, e.no as earlier from wants w join dated e on e.job_id = w.job_id
            union select w.job_id, w.run_no, e.no from wants w join dated e on e.base = w.job_id)
        select p.later, p.wanted, e.no, e.at, e.submission from pairs p join dated e on e.no = p.earlier join dated l on l.no = p.later
        where e.no <> l.no and e.at <= l.at and (e.cluster = l.cluster or '' in (e.cluster, l.cluster)) order by all"""
    )
    newest: dict[tuple[int, str], tuple[str, str]] = {}
    for later, wanted, _, at, submission in found:
        newest[later, wanted] = max(newest.get((later, wanted), ("", "")), (at, submission))
    waits = [(no, later) for later, wanted, no, at, submission in found if (at, submission) == newest[later, wanted]]
    tasks = _tasks(store, {later for _, later in waits})
    return [(earlier, task) for earlier, later in waits for task in tasks.get(later, [later])]


def label_mates(store: Store, of: Facts) -> list[int]:
    if not of.label:
        return []
    return _numbers(
        store.query(
            """select distinct r.no from capture c join run s on s.no = c.run_no
            join run r on r.no = s.no or (s.is_array and s.submission <> '' and r.submission = s.submission)
            where c.label = ? and not r.is_array order by abs(r.no - ?), r.no limit ?""",
            escape(of.label),
            of.no,
            MAX_RUNS,
        )
    )


def array_mates(store: Store, of: Facts) -> tuple[int, list[int]]:
    """How many tasks of this run's array we know, and the nearest of them."""
    base, mark, _ = of.job_id.partition("_")
    if not mark:
        return 0, []
    where = "submission = $1" if of.submission else "submission = '' and cluster = $1 and starts_with(job_id, $2)"
    values = [escape(of.submission)] if of.submission else [escape(of.cluster), escape(f"{base}_")]
    count = store.query(f"select count(*) from run where not is_array and {where}", *values)[0][0]
    near = store.query(
        f"select no from run where not is_array and {where} order by abs(no - {of.no}), no limit {MAX_RUNS}", *values
    )
    return count, _numbers(near)


def lookalikes(store: Store, of: Facts) -> list[int]:
    """Submissions of the same user with the same script and command but for the numbers, no array tasks."""
    if not of.shape or "_" in of.job_id:
        return []
    return _numbers(
        store.query(
            """select distinct r.no from capture c join run r on r.no = c.run_no
            where c.shape = ? and not r.is_array and not contains(r.job_id, '_') and r.no <> ? order by abs(r.no - ?), r.no limit ?""",
            of.shape,
            of.no,
            of.no,
            MAX_RUNS,
        )
    )


def files_of(store: Store, numbers: Collection[int]) -> set[Use]:
    """What these runs read and made, by content; empty files say nothing and are left out."""
    rows = _rows(
        store.query(
            f"""with own as (select no, no as of from run where no in (select unnest($1::integer[]))), w as (
              from own union all select p.no, own.no from own join run r on r.no = own.no
                join run p on p.is_array and p.submission <> '' and p.submission = r.submission and p.no <> own.no)
            select distinct w.of, f.role, f.path, lower(hex(f.sha256)), e.phase from w join evidence e on e.run_no = w.no
            join file f on f.content_no = e.content_no
            where e.kind = 'DataManifest' and f.size > 0 and octet_length(f.sha256) = 32 order by all limit {3 * MAX_USES}""",
            sorted(numbers),
        )
    )
    started = {(use.run, use.path) for use, phase in rows if phase == "start" and use.role == "input"}
    return _as_begun(rows, started)


def counterparts(store: Store, uses: Iterable[Use]) -> set[Use]:
    """Who made what these read, and who read what these made."""
    store.query("create or replace temp table wanted_file (key uinteger, id blob, role varchar)")
    other = {"input": "output", "output": "input"}
    wanted = sorted({(u.sha256, other[u.role]) for u in uses if u.role in other})
    bulk.append(store.con, "wanted_file", [f"{int(sha[:8], 16)}\t{sha}\t{role}" for sha, role in wanted])
    found = store.query(
        f"""with c as (select distinct content_no from (from file_key union all from file_key_tail) where key in (select key from wanted_file))
        select distinct e.run_no, f.role, f.path, lower(hex(f.sha256)), e.phase from c join file f on f.content_no = c.content_no
        join wanted_file w on w.id = f.sha256 and w.role = f.role join evidence e on e.content_no = f.content_no
        where f.size > 0 and e.kind = 'DataManifest' order by all limit {3 * MAX_USES}"""
    )
    rows = _spread(store, _rows(found))
    return _as_begun(rows, _begun_with(store, {use.run for use, phase in rows if phase == "submit" and use.role == "input"}))


def _as_begun(rows: Iterable[tuple[Use, str]], started: Collection[tuple[int, str]]) -> set[Use]:
    """Without inputs as they were submitted where the start saw that path again: while a job waits, its data may change."""
    return {u for u, phase in rows if phase != "submit" or u.role != "input" or (u.run, u.path) not in started}


def _begun_with(store: Store, numbers: Collection[int]) -> set[tuple[int, str]]:
    """(run, path) of the inputs that these runs were seen to begin with."""
    held = store.query(
        """select run_no, content_no from evidence where run_no in (select unnest($1::integer[])) and phase = 'start'
        and kind = 'DataManifest' and content_no is not null""",
        sorted(numbers),
    )
    if not held:
        return set()
    contents = sorted({content for _, content in held})
    paths: dict[int, list[str]] = defaultdict(list)
    for content, path in store.query(
        """select content_no, path from file where role = 'input' and content_no between $2 and $3
        and content_no in (select unnest($1::integer[]))""",
        contents,
        contents[0],
        contents[-1],
    ):
        paths[content].append(unescape(path))
    return {(run, path) for run, content in held for path in paths[content]}


def _spread(store: Store, rows: Collection[tuple[Use, str]]) -> list[tuple[Use, str]]:
    """What an array's submission declared holds for each of its tasks."""
    tasks = _tasks(store, {use.run for use, _ in rows})
    return [(Use(task, u.role, u.path, u.sha256), phase) for u, phase in rows for task in tasks.get(u.run, [u.run])]


def _tasks(store: Store, numbers: Collection[int]) -> dict[int, list[int]]:
    """The known tasks of those of these runs that are arrays as submitted."""
    tasks: dict[int, list[int]] = defaultdict(list)
    for parent, task in store.query(
        """select p.no, t.no from run p join run t on t.submission = p.submission and not t.is_array
        where p.is_array and p.submission <> '' and p.no in (select unnest(?::integer[])) order by all""",
        sorted(numbers),
    ):
        tasks[parent].append(task)
    return tasks


def _rows(found: Iterable[tuple[int, str, str, str, str]]) -> list[tuple[Use, str]]:
    """(use, phase in which it was seen)."""
    return [(Use(no, unescape(role), unescape(path), sha), phase) for no, role, path, sha, phase in found]


def _numbers(rows: Iterable[tuple[int, ...]]) -> list[int]:
    return [no for no, *_ in rows]
