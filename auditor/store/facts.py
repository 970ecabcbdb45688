"""What does a campaign need to know of each run? One question for many runs; an array task takes what it lacks from its array."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from auditor.store.text import numberless, unescape

if TYPE_CHECKING:
    from auditor.store.store import Store


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
    workdir: str = ""


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
        workdir=str(known.get("workdir", "")),
    )


def _arguments(argv: tuple[str, ...], script_path: str) -> tuple[str, ...]:
    """What follows the script's name, numbers replaced, each once: the same for every turn of a loop."""
    name = script_path.rpartition("/")[2]
    at = next((i for i, word in enumerate(argv) if name and word.rpartition("/")[2] == name), len(argv))
    return tuple(dict.fromkeys(map(numberless, argv[at + 1 :])))
