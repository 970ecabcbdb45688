"""What did we conclude, and what happened? Audits and events, append-only; the last one counts."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from auditor import codec
from auditor.scorecard import Scorecard
from auditor.store.rows import Event
from auditor.store.text import escape, unescape

if TYPE_CHECKING:
    from auditor.store.store import Store


def save_scorecard(store: Store, card: Scorecard) -> None:
    body = codec.dumps(card)
    id_ = codec.digest(card)
    rung = next((r.name for r in reversed(card.rungs) if r.reached), "")
    with store.transaction() as con:
        last = con.execute("select lower(hex(id)) from audit where run_id = ? order by no desc limit 1", [card.run.id]).fetchone()
        if last != (id_,):
            con.execute(
                "insert into audit select coalesce(max(no) + 1, 0), unhex(?), ?, ?, ?, ?, ?, ?, ? from audit",
                [id_, card.run.id, card.low, card.high, card.coverage, escape(rung), escape(card.ruleset), body.decode("ascii")],
            )


def scorecard(store: Store, run_id: str) -> Scorecard | None:
    rows = store.query("select body from audit where run_id = ? order by no desc limit 1", run_id)
    return codec.build(json.loads(rows[0][0]), Scorecard, "stored scorecard") if rows else None


def record(store: Store, run_id: str, what: str, detail: str) -> None:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    with store.transaction() as con:
        con.execute(
            "insert into event select coalesce(max(no) + 1, 0), ?, ?, ?, ? from event",
            [run_id, now, escape(what), escape(detail)],
        )


def events(store: Store, run_id: str = "") -> tuple[Event, ...]:
    rows = store.query("select run_id, seen_at, what, detail from event where $1 in ('', run_id) order by no", run_id)
    return tuple(Event(run, at, unescape(what), unescape(detail)) for run, at, what, detail in rows)
