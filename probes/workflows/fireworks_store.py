"""What does a FireWorks launch pad hold? Its three collections, from the file backend, a mongodump, a mongoexport or `lpad get_wflows`.

https://materialsproject.github.io/fireworks/; formats: fireworks 2.1 `LaunchPad`, mongomock's server store, MongoDB extended JSON (v1, v2).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from auditor.redact import Redactor
from auditor.world import World
from probes.records import bson, jsonl
from probes.records.lines import one_line

MAX_FIREWORKS = 200_000
MAX_STORE = 256 << 20
"""Bytes of one JSON file that is one document, which has to be in memory at once; a mongodump has no such limit."""
KINDS = ("workflows", "fireworks", "launches")
SNIFFED = 1 << 16
Document = Mapping[str, Any]


@dataclass
class Store:
    """One launch pad. path: of the file or folder, absolute; documents are cut down to what is told of them."""

    path: str
    name: str = ""
    workflows: list[Document] = field(default_factory=list)
    fireworks: dict[str, Document] = field(default_factory=dict)
    launches: dict[str, Document] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)

    def add(self, kind: str, document: object) -> None:
        """A document that is none, or has no number, is passed over and told once."""
        if not isinstance(document, dict):
            self._gap(f"a document of {kind} is none")
        elif kind == "workflows":
            self.workflows.append(plain(document))
        elif kind == "fireworks" and "fw_id" in document and len(self.fireworks) < MAX_FIREWORKS:
            self.fireworks[one_line(str(plain(document["fw_id"])), 60)] = plain(document)
        elif kind == "launches" and "launch_id" in document and len(self.launches) < 2 * MAX_FIREWORKS:
            self.launches[str(plain(document["launch_id"]))] = _launch(plain(document))
        else:
            self._gap(f"a document of {kind} has no number, or there are more of them than are read")

    def _gap(self, text: str) -> None:
        if text not in self.gaps:
            self.gaps.append(text)


def stores(world: World, folder: str) -> Iterator[Store]:
    """Every launch pad whose files lie in this folder. One that cannot be read has nothing but `gaps`. Raises OSError."""
    for names, made in _ways(folder):
        for path in (p for n in names for p in world.glob(n)):
            if _own(world, path):
                yield from _tried(made, world, path)


def _ways(folder: str) -> Iterable[tuple[tuple[str, ...], Callable[[World, str], Iterator[Store]]]]:
    from glob import escape

    here = escape(folder)
    yield tuple(f"{here}/workflows.{end}" for end in ("bson", "bson.gz")), _dumped
    yield (f"{here}/workflows.json",), _exported
    yield (f"{here}/*.json",), _single


def _tried(made: Callable[[World, str], Iterator[Store]], world: World, path: str) -> Iterator[Store]:
    try:
        yield from made(world, path)
    except (OSError, ValueError) as error:
        yield Store(path, gaps=[f"{os.path.basename(path)} cannot be read: {one_line(str(error))}"])


def _own(world: World, path: str) -> bool:
    """A plain file that is no link out of the tree."""
    try:
        return world.stat(path, follow=False).is_file
    except OSError:
        return False


def _dumped(world: World, path: str) -> Iterator[Store]:
    """mongodump: `workflows.bson` and its sisters, perhaps packed."""
    store = Store(os.path.dirname(path), os.path.basename(os.path.dirname(path)))
    ending = path[path.index("workflows.") + len("workflows") :]
    for kind in KINDS:
        beside = os.path.join(store.path, kind + ending)
        if not _own(world, beside):
            store.gaps.append(f"{kind}{ending} is not there")
            continue
        try:
            for document in bson.documents(world, beside):
                store.add(kind, document)
        except (OSError, ValueError) as error:
            store.gaps.append(f"{kind}{ending} cannot be read to its end: {error}")
    yield store


def _exported(world: World, path: str) -> Iterator[Store]:
    """mongoexport: one document a line, or with --jsonArray one list."""
    store = Store(os.path.dirname(path))
    for kind in KINDS:
        beside = os.path.join(store.path, f"{kind}.json")
        if not _own(world, beside):
            store.gaps.append(f"{kind}.json is not there")
            continue
        for document in _exports(world, beside):
            store.add(kind, document)
    yield store


def _exports(world: World, path: str) -> Iterator[object]:
    if world.span(path, 0, 64).lstrip()[:1] == b"[":
        yield from jsonl.document(world, path, MAX_STORE)
    else:
        yield from (document for _, document in jsonl.rows(world, path))


def _single(world: World, path: str) -> Iterator[Store]:
    """One JSON file: the file backend's store, or what `lpad get_wflows -d all` printed; anything else is not ours."""
    name = os.path.basename(path)
    if name in ("FW.json", "FW_offline.json", "FW_ping.json", *(f"{k}.json" for k in KINDS)):
        return
    head = world.span(path, 0, SNIFFED) + world.span(path, -SNIFFED, SNIFFED)
    if b'"workflows"' in head and b'"documents"' in head:
        yield from _backend(world, path)
    elif re.search(rb'"fws?"\s*:', head) or re.search(rb'"launch_dirs"\s*:', head):
        yield _printed(world, path)


def _backend(world: World, path: str) -> Iterator[Store]:
    """{database: {collection: {"documents": [[id, document], ...]}}}"""
    for name, collections in jsonl.document(world, path, MAX_STORE).items():
        if not isinstance(collections, dict) or "workflows" not in collections:
            continue
        store = Store(path, str(name))
        for kind in KINDS:
            held = collections.get(kind)
            documents = held.get("documents") if isinstance(held, dict) else None
            if not isinstance(documents, list):
                store.gaps.append(f"there is no collection {kind}")
                continue
            for pair in documents:
                store.add(kind, pair[1] if isinstance(pair, list) and len(pair) == 2 else None)
        yield store


def _printed(world: World, path: str) -> Store:
    """`lpad get_wflows -d all` (and `-d more`): fireworks and links by `name--number`; of a launch its number and folder only."""
    store = Store(path)
    whole = jsonl.document(world, path, MAX_STORE)
    for workflow in whole if isinstance(whole, list) else [whole]:
        if not isinstance(workflow, dict):
            continue
        works = workflow.get("fw") or workflow.get("fws") or []
        nodes = []
        for work in (w for w in works if isinstance(w, dict) and "fw_id" in w):
            launches = [x for x in work.get("launches") or [] if isinstance(x, dict) and "launch_id" in x]
            for launch in launches:
                store.add("launches", {"fw_id": work["fw_id"], **launch})
            numbers = [x["launch_id"] for x in launches]
            store.add("fireworks", {**work, "launches": numbers} if numbers else work)
            nodes.append(work["fw_id"])
        store.add("workflows", {"nodes": nodes, **{k: v for k, v in workflow.items() if k not in ("fw", "fws")}})
    if not any("state" in x for x in store.launches.values()):
        store.gaps.append("`lpad get_wflows` prints no times and states of single launches")
    return store


def plain(value: Any, depth: int = 0) -> Any:
    """MongoDB's extended JSON as plain values: numbers as numbers, ids and dates as text."""
    if isinstance(value, list):
        return [plain(v, depth + 1) for v in value] if depth < bson.MAX_DEPTH else []
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (name, inner), *_ = value.items()
        if name in ("$oid", "$symbol", "$numberDouble", "$numberDecimal"):
            return str(inner)
        if name in ("$numberInt", "$numberLong"):
            return int(inner) if str(inner).lstrip("-").isdecimal() else None
        if name == "$date":
            moment = plain(inner)
            return moment if isinstance(moment, str) else bson.moment(moment) if isinstance(moment, int) else ""
    return {k: plain(v, depth + 1) for k, v in value.items()} if depth < bson.MAX_DEPTH else {}


_HISTORY = ("state", "created_on", "updated_on", "reservation_id")
_LAUNCH = ("launch_id", "fw_id", "launch_dir", "host", "state", "time_start", "time_end", "runtime_secs")


def _launch(document: Document) -> Document:
    """Without what the task stored, of which there may be megabytes, and without the worker's environment, which may hold secrets."""
    kept = {name: document[name] for name in _LAUNCH if name in document}
    history = document.get("state_history")
    steps = [h for h in history if isinstance(h, dict)] if isinstance(history, list) else []
    worker, action = document.get("fworker"), document.get("action")
    return kept | {
        "state_history": [{k: h[k] for k in _HISTORY if k in h} for h in steps],
        "worker": str(worker.get("name", "")) if isinstance(worker, dict) else "",
        "action": _action(action) if isinstance(action, dict) else {},
    }


def _action(action: Document) -> Document:
    new = {kind: works for kind in ("detours", "additions", "append_wfs") if (works := list(_new(action.get(kind))))}
    changed = {kind: True for kind in ("mod_spec", "update_spec") if action.get(kind)}
    stored = action.get("stored_data")
    thrown = stored.get("_exception") if isinstance(stored, dict) else None
    trace = thrown.get("_stacktrace") if isinstance(thrown, dict) else None
    last = next((line for line in reversed(trace.splitlines()) if line.strip()), "") if isinstance(trace, str) else ""
    flags = {f: True for f in ("defuse_children", "defuse_workflow") if action.get(f)}
    return new | changed | flags | ({"reason": one_line(Redactor().text(last[:20_000]))} if last else {})


def _new(value: object) -> Iterator[Document]:
    """Fireworks that an action adds, alone or as workflows: what each is called, and when it was made."""
    for item in value if isinstance(value, list) else []:
        inner = item.get("workflow", item) if isinstance(item, dict) else {}
        works = inner.get("fws", [inner]) if isinstance(inner, dict) else []
        for work in (w for w in works if isinstance(w, dict) and "spec" in w):
            yield {"name": called(work), "created_on": work.get("created_on")}


def called(work: Document) -> str:
    """What its like are called: its name without the numbers at its end; of one without a name, what its first task does."""
    name = one_line(str(work.get("name") or ""), 200)
    if name and not name.startswith("Unnamed"):
        return re.sub(r"(?:[-_. #]*\d+)+$", "", name) or name
    first = next(iter(tasks(work)), {})
    return one_line(str(first.get("func") or first.get("_fw_name") or "firework"), 200)


def tasks(work: Document) -> list[Document]:
    """The task descriptions of a firework."""
    spec = work.get("spec")
    listed = spec.get("_tasks") if isinstance(spec, dict) else None
    return [t for t in listed if isinstance(t, dict)] if isinstance(listed, list) else []
