"""Which runs are there, and which one is meant? Lists, names, files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.model import AuditError, Job
from auditor.store import read
from auditor.store.rows import FileUse, RunRow
from auditor.store.text import escape, unescape

if TYPE_CHECKING:
    from auditor.store.store import Store

LIST = "`auditor list` shows the runs we know; `auditor adopt JOBID` adds one that was never wrapped"

# {pool}: numbers of the runs that are asked for; details are gathered of those alone
# one row a run, an array's submission only until its first task is known; `number` orders jobs of the same second
ROWS = """
with arrays as (select no, submission from run where is_array and submission <> ''
), tasks as (select distinct submission from run where not is_array and submission in (select submission from arrays)
), pool as ({pool}
), wide as (select no from pool union select a.no from arrays a join run r on r.submission = a.submission where r.no in (select no from pool)
), seen as (
    select run_no, max(submitted) as submitted, max(label) as label, max(username) as username, max(name) as name,
        max(case phase when 'start' then 1 when 'end' then 2 else 0 end) as step
    from capture where run_no in (select no from wide) group by run_no
), fact as (
    select run_no, max_by({{'name': name, 'user': username, 'state': state, 'submitted': submitted, 'elapsed': elapsed}},
        (final::integer)::varchar || taken_at) as a
    from accounting where run_no in (select no from pool) group by run_no
), audited as (select run_id, max_by({{'low': low, 'high': high, 'coverage': coverage, 'rung': rung}}, no) as u from audit
    where run_id in (select id from run where no in (select no from pool)) group by run_id
), parent as (select a.submission, s.* from arrays a join seen s on s.run_no = a.no
), rows as (
    select r.no, r.id, r.job_id, coalesce(nullif(f.a.name, ''), nullif(s.name, ''), p.name, '') as name,
        coalesce(nullif(f.a.state, ''), case s.step when 2 then 'ended' when 1 then 'started' else 'submitted' end) as state,
        coalesce(nullif(s.submitted, ''), nullif(p.submitted, ''), f.a.submitted, '') as submitted, f.a.elapsed as elapsed,
        u.u.low as low, u.u.high as high, u.u.coverage as coverage, coalesce(nullif(s.label, ''), p.label, '') as label,
        coalesce(u.u.rung, '') as rung, coalesce(nullif(s.username, ''), nullif(p.username, ''), f.a.user, '') as username,
        coalesce(try_cast(regexp_extract(r.job_id, '[0-9]+') as bigint), 0) as number
    from run r join seen s on s.run_no = r.no left join fact f on f.run_no = r.no left join audited u on u.run_id = r.id
        left join parent p on p.submission = r.submission and not r.is_array
    where r.no in (select no from pool) and not (r.is_array and r.submission in (select submission from tasks))
)
"""
EVERY = ROWS.format(pool="select no from run")
AUDITED = ROWS.format(
    pool="""
    with theirs as (select run_no from capture where username = $1 union select run_no from accounting where username = $1)
    select no from run where id in (select run_id from audit) and ($1 = '' or no in (select run_no from theirs)
        or submission in (select submission from arrays where no in (select run_no from theirs)))"""
)
NAMED = ROWS.format(pool="select no from run where job_id = $1")
TASKS = ROWS.format(pool="select no from run where starts_with(job_id, $1)")
PREFIXED = ROWS.format(pool="select no from run where starts_with(id, lower($1))")
CHOSEN = ROWS.format(pool="select unnest($1::integer[]) as no")
# the newest by the same order as below, from one column each: what accounting says is asked only of those that nothing else dates
NEWEST_FEW = """
with arrays as (select no, submission from run where is_array and submission <> ''
), tasks as (select distinct submission from run where not is_array and submission in (select submission from arrays)
), own as (select run_no, max(submitted) as moment from capture group by run_no
), inherited as (select a.submission, o.moment from arrays a join own o on o.run_no = a.no
), caught as materialized (
    select r.no, r.job_id, coalesce(nullif(o.moment, ''), nullif(p.moment, ''), '') as moment
    from run r join own o on o.run_no = r.no left join inherited p on p.submission = r.submission and not r.is_array
    where not (r.is_array and r.submission in (select submission from tasks))
), told as (select run_no, max_by(submitted, (final::integer)::varchar || taken_at) as moment from accounting
    where run_no in (select no from caught where moment = '') group by run_no
), dated as materialized (
    select c.no, c.job_id, coalesce(nullif(c.moment, ''), t.moment, '') as moment from caught c left join told t on t.run_no = c.no
)
select no from dated where moment >= (select min(moment) from (select moment from dated order by moment desc limit $1))
order by moment desc, coalesce(try_cast(regexp_extract(job_id, '[0-9]+') as bigint), 0) desc, no desc limit $1"""
COLUMNS = "id, job_id, name, state, submitted, elapsed, low, high, coverage, label, rung"
MOST_CONTENTS = 10_000
AMONG = 50
"""So many newest runs are looked through for one that is not a replay."""
KEYED = (
    "select content_no from file_key where key = $1 union select content_no from file_key_tail where key = $1 order by 1 limit $2"
)
USES = """select r.id, f.role, f.path, f.size, e.taken_at from file f join evidence e on e.content_no = f.content_no
    join run r on r.no = e.run_no where f.content_no in (select unnest($1::integer[])) and f.content_no between $2 and $3
    and e.content_no between $2 and $3 and f.sha256 = unhex($4)"""
NEWEST = "submitted desc, number desc, no desc"


def _row(row: tuple[Any, ...]) -> RunRow:
    id_, job_id, name, state, submitted, elapsed, low, high, coverage, label, rung = row
    texts = (unescape(job_id), unescape(name), unescape(state), unescape(submitted))
    return RunRow(id_, *texts, elapsed, low, high, coverage, unescape(label), unescape(rung))


def runs(store: Store, limit: int, *, label: str = "", state: str = "") -> tuple[RunRow, ...]:
    if limit and not label and not state:
        return tuple(map(_row, _newest(store, limit, COLUMNS, NEWEST)))
    found = store.query(
        f"{EVERY} select {COLUMNS} from rows where $1 in ('', label) and $2 in ('', lower(state)) order by {NEWEST} limit $3",
        escape(label),
        escape(state.lower()),
        limit or 1 << 62,
    )
    return tuple(map(_row, found))


def _newest(store: Store, limit: int, columns: str, order: str) -> list[tuple[Any, ...]]:
    """Details are gathered of the chosen ones alone."""
    chosen = [no for (no,) in store.query(NEWEST_FEW, limit)]
    return store.query(f"{CHOSEN} select {columns} from rows order by {order}", chosen)


def history(store: Store, user: str, limit: int) -> tuple[RunRow, ...]:
    found = store.query(
        f"{AUDITED} select {COLUMNS} from rows where low is not null and $1 in ('', username) order by submitted, number, no limit $2",
        escape(user),
        limit or 1 << 62,
    )
    return tuple(map(_row, found))


def unfinished(store: Store) -> tuple[Job, ...]:
    found = store.query(
        """select id from run where no not in (select run_no from accounting where final
            intersect select run_no from evidence where kind = 'JobAccounting' and phase = 'later' and status = 'ok')
        and id not in (select run_id from event where what = 'given-up') order by no"""
    )
    ids = [id_ for (id_,) in found]
    known = read.jobs(store, ids)
    return tuple(known[id_] for id_ in ids)


def resolve(store: Store, name: str | None) -> str:
    if name in (None, "", "last"):
        return _last(store)
    wanted = escape(str(name))
    found = store.query(f"{NAMED} select id, submitted from rows order by {NEWEST}", wanted)
    if len(found) > 1:
        store.notes.append(
            f"{len(found)} runs had job id {name}; taking the newest, {found[0][0]}, submitted {found[0][1] or 'unknown'}"
        )
    if found:
        return str(found[0][0])
    if tasks := store.query(f"{TASKS} select job_id from rows order by submitted desc, no", f"{wanted}_"):
        raise AuditError(
            f"{name} is an array of {len(tasks)} runs we know", f"name one task: {_some(job_id for (job_id,) in tasks)}"
        )
    near = store.query(f"{PREFIXED} select id, job_id from rows order by {NEWEST}", wanted)
    if not near:
        raise AuditError(f"no run is called {name!a}", LIST)
    if len(near) > 1:
        raise AuditError(f"{name} could be {len(near)} runs", f"one of: {_some(f'{i} (job {unescape(j)})' for i, j in near)}")
    return str(near[0][0])


def _last(store: Store) -> str:
    """The newest of the user's own runs; a replay is one of ours."""
    found = _newest(store, AMONG, "id, job_id", f"label = 'replay', {NEWEST}")
    if not found:
        raise AuditError("the store holds no run yet", "submit one: `auditor sbatch SCRIPT`, or `auditor run -- COMMAND`")
    store.notes.append(f"the last run: {found[0][0]}, job {unescape(found[0][1])}")
    return str(found[0][0])


def _some(names: Any) -> str:
    every = list(names)
    return ", ".join(every[:5]) + (f" and {len(every) - 5} more" if len(every) > 5 else "")


def uses(store: Store, sha256: str) -> tuple[FileUse, ...]:
    if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
        raise AuditError(f"{sha256!a} is no sha256", "64 hexadecimal digits, as sha256sum prints them")
    key = int(sha256[:8], 16)
    known = store.query(KEYED, key, MOST_CONTENTS)
    contents = [no for (no,) in known]
    # a few: one range of blocks each; many: all blocks once
    groups = [[no] for no in contents] if len(contents) < 20 else [contents]
    rows = (row for group in groups for row in store.query(USES, group, min(group), max(group), sha256))
    found = {FileUse(run, unescape(role), unescape(path), sha256, size, unescape(at)) for run, role, path, size, at in rows}
    return tuple(sorted(found, key=lambda f: (f.taken_at, f.run_id, f.role, f.path)))
