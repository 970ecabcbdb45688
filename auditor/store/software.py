"""Which runs had this software, in which version? Over all ecosystems, and images by digest too.

What was seen only after a run counts only where nothing else was: an upgrade since is no part of the run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from auditor.store.components import key
from auditor.store.rows import PackageVersion, SoftwareUse
from auditor.store.text import escape, unescape

if TYPE_CHECKING:
    from auditor.store.store import Store

# an image's name is sought with or without transport, registry, folders before it, tag and digest
IMAGE = r"""ecosystem = 'image' and (ends_with('/' || key, '/' || $1) or ends_with('/' || regexp_replace(key, '(:[^/:@]*)?(@.*)?$', ''), '/' || $1))"""
# $1 name as sought, $2 digest, $3 version, $4 ecosystem; an array's tasks have what its submission saw
USED = f"""
with found as (select * from component
    where (($1 <> '' and (key = $1 or {IMAGE})) or ($2 <> '' and digest = $2)) and $3 in ('', version) and $4 in ('', ecosystem)
), hit as (select distinct e.run_no, e.kind, e.phase, f.ecosystem, f.name, f.version, f.digest
    from found f join content_list l on l.list_no = f.list_no join evidence e on e.content_no = l.content_no
), task as (select p.no as parent, t.no from run p join run t on t.submission = p.submission and not t.is_array
    where p.is_array and p.submission <> '' and p.no in (select run_no from hit)
), own as (select run_no as no, * exclude (run_no) from hit where run_no not in (select parent from task)
    union select t.no, h.* exclude (run_no) from hit h join task t on t.parent = h.run_no
), sooner as (select e.run_no, e.kind from evidence e
    where e.phase <> 'later' and e.status = 'ok' and e.kind in (select kind from own where phase = 'later')
    and (e.run_no in (select no from own where phase = 'later') or e.run_no in (select parent from task))
), earlier as (select run_no, kind from sooner union select t.no, s.kind from sooner s join task t on t.parent = s.run_no
), used as (select * from own where phase <> 'later' or (no, kind) not in (select (run_no, kind) from earlier)
), born as (select no, max(submitted) as submitted from (
    select run_no as no, submitted from capture where run_no in (select no from used)
    union all select t.no, c.submitted from capture c join task t on t.parent = c.run_no) group by no)
"""
LIST = f"""{USED}, told as (select u.no, u.ecosystem, u.name, u.version, max(u.digest) as digest,
    min(case u.phase when 'start' then 0 when 'end' then 1 when 'submit' then 2 else 3 end) as seen
    from used u group by 1, 2, 3, 4)
select r.id, r.job_id, coalesce(born.submitted, ''), t.ecosystem, t.name, t.version, t.digest, t.seen, (select count(distinct no) from used)
from told t join run r on r.no = t.no left join born on born.no = t.no
order by 3 desc, r.no desc, 4, 5, 6 limit $5"""
VERSIONS = f"""{USED} select u.name, u.version, count(distinct u.no), min(born.submitted), max(born.submitted), max_by(r.id, born.submitted || r.id)
from (select distinct no, name, version from used) u join run r on r.no = u.no join born on born.no = u.no group by 1, 2 order by 4, 2, 1"""
WHEN = ("start", "end", "submit", "later")


def _sought(name: str) -> tuple[str, str]:
    """The name as it is indexed, and the digest, one of which is empty."""
    return ("", escape(name.lower())) if name.lower().startswith(("sha256:", "md5:")) else (escape(key(name)), "")


def packages(store: Store, name: str, version: str, ecosystem: str, limit: int) -> tuple[tuple[SoftwareUse, ...], int]:
    found = store.query(LIST, *_sought(name), escape(version), escape(ecosystem), limit or 1 << 62)
    return tuple(map(_use, found)), found[0][8] if found else 0


def _use(row: tuple[Any, ...]) -> SoftwareUse:
    run_id, *texts, seen, _ = row
    job, submitted, ecosystem, name, version, digest = map(unescape, texts)
    return SoftwareUse(run_id, job, submitted, ecosystem, name, version, digest, WHEN[seen])


def versions(store: Store, name: str, ecosystem: str) -> tuple[PackageVersion, ...]:
    found = store.query(VERSIONS, *_sought(name), "", escape(ecosystem))
    return tuple(PackageVersion(unescape(n), unescape(v), runs, first, last, newest) for n, v, runs, first, last, newest in found)
