"""Who saw how far the run log went? Bundles carry its head; the store remembers the head after each bundle that was made or signed."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

from auditor.home import Home
from auditor.model import AuditError
from auditor.runlog import Head
from auditor.store import Store
from reports.archive import verifier

PLACE = "run-log.json"
"""In a bundle's crate: the log's last record before it was made."""
SEEN = "run-log"
"""The kind of event in the store; its detail: number and hash."""


def of_bundle(path: Path) -> list[Head]:
    """Empty for a bundle that was made without a log. Raises AuditError."""
    try:
        with closing(verifier.open_bundle(os.fspath(path))) as bundle:
            if f"data/{PLACE}" not in bundle.sizes:
                return []
            raw = verifier.read(bundle, f"data/{PLACE}", 4096)
    except verifier.Refused as refused:
        raise AuditError(refused.message, refused.hint) from refused
    try:
        told = json.loads(raw)
        return [Head(int(told["seq"]), str(told["hash"]), str(path))]
    except (ValueError, KeyError, TypeError) as error:
        raise AuditError(f"{PLACE} in {path} does not read", "was it made by another version?") from error


def of_store(home: Home) -> list[Head]:
    """How far the log went whenever a bundle was made; the store is another file, so that both would have to be changed."""
    if not os.path.exists(home.store):
        return []
    with Store.open(home.store) as store:
        events = store.events()
    heads = []
    for event in events:
        seq, _, hashed = event.detail.partition(" ")
        if event.what == SEEN and seq.isdigit():
            heads.append(Head(int(seq), hashed, f"the store, {event.seen_at}"))
    return heads
