"""Which runs touch which, by data, dependency, array and label? SQL in, plain facts out; bounded."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditor.store import bulk
from auditor.store.text import escape, numberless, unescape

if TYPE_CHECKING:
    from auditor.store.store import Store

MAX_RUNS = 500
MAX_USES = 50_000


@dataclass(frozen=True)
class Facts:
    """What a campaign needs to know of a run. Times ISO 8601 UTC or empty; `no` is the store's own number."""

    no: int
    id: str
    job_id: str
    cluster: str
    submission: str
    is_array: bool
    user: str
    label: str
    name: str
    state: str
    submitted: str
    started: str
    ended: str
    partition: str
    core_seconds: float | None
    throttle: int
    command: str
    shape: str
    arguments: tuple[str, ...]
    script_no: int | None
    argv: tuple[str, ...]
    newest: str
    """Time of its newest evidence."""


@dataclass(frozen=True)
class Use:
    """Run number, role, path, digest."""

    run: int
    role: str
    path: str
    sha256: str


def facts(store: Store, numbers: Collection[int]) -> dict[int, Facts]:
    """Of these runs; an array task takes what it lacks from its array's submission."""
    found = store.query(
        """with own as (select * from run where no in (select unnest($1::integer[]))),
        parent as (select r.submission, min(r.no) as no from run r where r.is_array and r.submission <> '' group by 1),
        caught as (select w.no, c.phase <> 'submit' as late, c.attempt, w.no <> c.run_no as inherited, c.job, c.script_no, c.submitted,
              c.label, c.username, c.name, c.command, c.shape
            from (select no, no as of from own union all
              select own.no, p.no from own join parent p on p.submission = own.submission and p.no <> own.no) w
            join capture c on c.run_no = w.of),
        one as (select no, max(submitted) as submitted, max(label) as label, max(username) as username, max(name) as name,
              max_by({'command': command, 'shape': shape, 'script': script_no, 'job': job},
                  (shape <> '')::varchar || (command <> '')::varchar || (not late)::varchar || shape || command) as t
            from caught group by no),
        fact as (select run_no, max_by({'name': name, 'username': username, 'state': state, 'submitted': submitted, 'started': started,
              'ended': ended, 'core_seconds': core_seconds, 'partition': partition, 'throttle': throttle, 'line': line},
              (final::integer)::varchar || taken_at) as a
            from accounting where run_no in (select no from own) group by run_no),
        late as (select run_no, max(taken_at) as newest from evidence where run_no in (select no from own) group by run_no)
        select own.no, own.id, own.job_id, own.cluster, own.submission, own.is_array, coalesce(nullif(one.username, ''), a.username, ''),
            coalesce(one.label, ''), coalesce(nullif(a.name, ''), one.name, ''), coalesce(a.state, ''),
            coalesce(nullif(one.submitted, ''), a.submitted, ''), coalesce(a.started, ''), coalesce(a.ended, ''),
            coalesce(a.partition, ''), a.core_seconds, coalesce(a.throttle, 0), coalesce(one.t.command, ''), coalesce(a.line, ''),
            coalesce(one.t.shape, ''), one.t.script, one.t.job, coalesce(late.newest, '')
        from own left join one on one.no = own.no left join fact on fact.run_no = own.no left join late on late.run_no = own.no""",
        sorted(numbers),
    )
    return {row[0]: _facts(row) for row in found}


def _facts(row: tuple[Any, ...]) -> Facts:
    no, id_, job_id, cluster, submission, is_array, *texts, core, throttle, command, line, shape, script, job, newest = row
    known = json.loads(job) if job else {}
    user, label, name, state, submitted, started, ended, partition = map(unescape, texts)
    return Facts(
        no=no,
        id=id_,
        job_id=unescape(job_id),
        cluster=unescape(cluster),
        submission=unescape(submission),
        is_array=is_array,
        user=user,
        label=label,
        name=name,
        state=state,
        submitted=submitted,
        started=started,
        ended=ended,
        partition=partition,
        core_seconds=core,
        throttle=throttle,
        command=unescape(command) or numberless(unescape(line)),
        shape=shape,
        arguments=_arguments(tuple(known.get("argv", ())), known.get("script_path", "")),
        script_no=script,
        argv=tuple(known.get("argv", ())),
        newest=unescape(newest),
    )


def _arguments(argv: tuple[str, ...], script_path: str) -> tuple[str, ...]:
    """What follows the script's name, numbers replaced, each once: the same for every turn of a loop."""
    name = script_path.rpartition("/")[2]
    at = next((i for i, word in enumerate(argv) if name and word.rpartition("/")[2] == name), len(argv))
    return tuple(dict.fromkeys(map(numberless, argv[at + 1 :])))


def dependencies(store: Store) -> list[tuple[int, int]]:
    """(earlier, later) run numbers where the later waits for the earlier. A number used twice means the newest before it."""
    found = store.query(
        """select later.no, max_by(earlier.no, earlier.no) from (select distinct run_no, job_id from dependency) d
        join run later on later.no = d.run_no
        join run earlier on earlier.job_id = d.job_id and earlier.cluster = later.cluster and earlier.no <> later.no
        group by later.no, d.job_id"""
    )
    return [(earlier, later) for later, earlier in found]


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
    return _uses(
        store.query(
            f"""with own as (select no, no as of from run where no in (select unnest($1::integer[]))), w as (
              from own union all select p.no, own.no from own join run r on r.no = own.no
                join run p on p.is_array and p.submission <> '' and p.submission = r.submission and p.no <> own.no)
            select distinct w.of, f.role, f.path, lower(hex(f.sha256)) from w join evidence e on e.run_no = w.no
            join file f on f.content_no = e.content_no
            where e.kind = 'DataManifest' and f.size > 0 and octet_length(f.sha256) = 32 order by all limit {MAX_USES}""",
            sorted(numbers),
        )
    )


def counterparts(store: Store, uses: Iterable[Use]) -> set[Use]:
    """Who made what these read, and who read what these made."""
    store.query("create or replace temp table wanted_file (key uinteger, id blob, role varchar)")
    other = {"input": "output", "output": "input"}
    wanted = sorted({(u.sha256, other[u.role]) for u in uses if u.role in other})
    bulk.append(store.con, "wanted_file", [f"{int(sha[:8], 16)}\t{sha}\t{role}" for sha, role in wanted])
    found = store.query(
        f"""with c as (select distinct content_no from (from file_key union all from file_key_tail) where key in (select key from wanted_file))
        select distinct e.run_no, f.role, f.path, lower(hex(f.sha256)) from c join file f on f.content_no = c.content_no
        join wanted_file w on w.id = f.sha256 and w.role = f.role join evidence e on e.content_no = f.content_no
        where f.size > 0 and e.kind = 'DataManifest' order by all limit {MAX_USES}"""
    )
    return _spread(store, _uses(found))


def _spread(store: Store, uses: set[Use]) -> set[Use]:
    """What an array's submission declared holds for each of its tasks."""
    tasks: dict[int, list[int]] = defaultdict(list)
    for parent, task in store.query(
        """select p.no, t.no from run p join run t on t.submission = p.submission and not t.is_array
        where p.is_array and p.submission <> '' and p.no in (select unnest(?::integer[]))""",
        sorted({u.run for u in uses}),
    ):
        tasks[parent].append(task)
    return {Use(task, u.role, u.path, u.sha256) for u in uses for task in tasks.get(u.run, [u.run])}


def _uses(rows: Iterable[tuple[int, str, str, str]]) -> set[Use]:
    return {Use(no, unescape(role), unescape(path), sha) for no, role, path, sha in rows}


def _numbers(rows: Iterable[tuple[int, ...]]) -> list[int]:
    return [no for no, *_ in rows]
