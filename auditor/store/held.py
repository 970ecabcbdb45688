"""Which registered data sets did runs read? From the manifests' own words: a few to each run."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from auditor.campaign import Held

if TYPE_CHECKING:
    from auditor.store.store import Store

FIRST = ("start", "submit", "end", "later")
"""What was seen when the job began is what it read."""
PER_RUN = 100


def held(store: Store, runs: Mapping[int, str]) -> tuple[Held, ...]:
    """Of these runs, by number and id; an array task holds what its submission declared. Each path of a run once."""
    found: dict[tuple[str, str], Held] = {}
    for no, _, body in _bodies(store, list(runs)):
        for told in _told(body):
            one = _held(runs[no], told)
            found.setdefault((one.run_id, one.path), one)
    return tuple(sorted(found.values(), key=lambda h: (h.run_id, h.path)))


def _bodies(store: Store, numbers: Collection[int]) -> list[tuple[int, str, str]]:
    """(run, phase, manifest without its files) of those that name a data set, in the order of FIRST."""
    rows = store.query(
        """with own as (select no, no as of from run where no in (select unnest($1::integer[]))), w as (
          from own union all select p.no, own.no from own join run r on r.no = own.no
            join run p on p.is_array and p.submission <> '' and p.submission = r.submission and p.no <> own.no)
        select distinct w.of, e.phase, c.body from w join evidence e on e.run_no = w.no join content c on c.no = e.content_no
        where e.kind = 'DataManifest' and e.status = 'ok' and contains(c.body, '"datasets":[{')""",
        sorted(numbers),
    )
    return sorted(rows, key=lambda r: (r[0], FIRST.index(r[1]), r[2]))


def _told(body: str) -> list[Mapping[str, Any]]:
    told = json.loads(body).get("datasets")
    return [d for d in told[:PER_RUN] if isinstance(d, dict) and d.get("dataset")] if isinstance(told, list) else []


def _held(run_id: str, told: Mapping[str, Any]) -> Held:
    def word(key: str) -> str:
        return str(told.get(key) or "")

    def number(key: str) -> int:
        return n if isinstance(n := told.get(key), int) else 0

    return Held(
        run_id=run_id,
        path=word("path"),
        name=word("dataset"),
        digest=word("digest"),
        state=word("state"),
        part=word("part"),
        version=word("version"),
        doi=word("doi"),
        license=word("license"),
        url=word("url"),
        files=number("files"),
        bytes=number("bytes"),
    )
