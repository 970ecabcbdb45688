"""What did cwltool run? Its provenance bundle (`--provenance DIR`, CWLProv), or at least the summary of its outputs (`--write-summary FILE`).

https://w3id.org/cwl/prov/0.6.0, https://cwltool.readthedocs.io. How a job ended stands in the engine log only; the PROV record has an end for
failed ones, too, and no steps at all of a run with `--parallel`. The log is in UTC and the record in local time: one tells the other's zone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from auditor.world import World
from probes.records.inside import inside, there
from probes.records.lines import one_line, why
from probes.workflows import (
    Definition,
    Digest,
    File,
    Place,
    Reader,
    Unreadable,
    WorkflowRun,
    cwl_course,
    cwl_log,
    cwl_packed,
    cwl_prov,
    cwl_summary,
    cwl_tasks,
)
from probes.workflows.cwl_tasks import PROV

_BAG = ("workflow/packed.cwl", "metadata/manifest.json")
MAX_NESTED = 500


def read(world: World, folder: str) -> Iterator[WorkflowRun]:
    if any(there(world, folder, name) for name in (PROV, *_BAG)):
        yield _Bundle(world, folder).run()
    else:
        yield from cwl_summary.runs(world, folder)


class _Bundle:
    """One bundle while it is read: what could not be is in `gaps`."""

    def __init__(self, world: World, folder: str) -> None:
        self.world, self.folder = world, folder
        self.gaps: list[str] = []
        self.places: list[Place] = []

    def run(self) -> WorkflowRun:
        manifest = self._json("metadata/manifest.json")
        log, log_path = self._log()
        steps = self._steps()
        records = self._records()
        if not (records or log_path or steps):
            raise Unreadable("; ".join(self.gaps) or "a CWLProv bundle without a record in it")
        known = cwl_tasks.Known(log, log_path, steps, records, *cwl_course.zone(log, records))
        state, proof = cwl_course.end(known)
        tasks = tuple(cwl_tasks.tasks(known, state, self._size))
        main = next((a for r in records[:1] for a in r.activities if a.of_run), None)
        created = manifest.get("createdBy") if isinstance(manifest.get("createdBy"), dict) else {}
        made = (records[0].engine if records else "") or one_line(str((created or {}).get("name", "")))
        author = manifest.get("authoredBy")
        return WorkflowRun(
            "cwltool",
            made.removeprefix("cwltool").strip(),
            main.id.removeprefix("id:") if main else self._bag_id(),
            self.folder,
            state,
            proof,
            name=cwl_course.name(log),
            command=one_line(log.command, 2000),
            user=one_line(str(author.get("name", ""))) if isinstance(author, dict) else (records[0].person if records else ""),
            started=(cwl_tasks.at(main.started, known) if main else "") or log.started,
            ended=(cwl_tasks.at(main.ended, known) if main else "") or log.ended,
            zone_assumed=known.assumed,
            definitions=tuple(self._definitions()),
            parameters=self._parameters(),
            tasks=tasks,
            inputs=tuple(cwl_tasks.files(main.used, "input", self._size)) if main else (),
            outputs=tuple(cwl_tasks.files(main.made, "output", self._size)) if main else self._outputs(),
            events=tuple(cwl_course.events(known)),
            constructs=tuple(cwl_course.constructs(known)),
            workers=1 if log.command and "--parallel" not in log.options else None,
            places=tuple(self.places),
            gaps=tuple(self.gaps),
        )

    def _log(self) -> tuple[cwl_log.EngineLog, str]:
        """The engine log; of several (a bundle that was written twice) the last by its times."""
        found: list[tuple[str, cwl_log.EngineLog, str]] = []
        for path in self.world.glob(f"{_escaped(self.folder)}/metadata/logs/engine.*.txt")[:10]:
            name = f"metadata/logs/{path.rsplit('/', 1)[-1]}"
            try:
                log = cwl_log.read(self.world, inside(self.world, self.folder, name))
                found.append((log.ended, log, name))
            except OSError as error:
                self.gaps.append(f"{name}: {why(error)}")
        if not found:
            self.gaps.append("no engine log: how the jobs ended is not recorded anywhere else")
            return cwl_log.EngineLog(), ""
        _, log, name = max(found, key=lambda f: f[0])
        self.places.append(Place(name))
        if not log.whole:
            self.gaps.append(
                f"{name}: not all of it was read (it is larger than we read, or of more jobs than {cwl_log.MAX_JOBS})"
            )
        return log, name

    def _steps(self) -> Mapping[str, cwl_packed.Step]:
        try:
            steps = cwl_packed.read(self.world, inside(self.world, self.folder, cwl_packed.PACKED))
        except (Unreadable, OSError) as error:
            self.gaps.append(why(error))
            return {}
        self.places.append(Place(cwl_packed.PACKED))
        return steps

    def _records(self) -> tuple[cwl_prov.Provenance, ...]:
        """The run's record, then those of nested runs."""
        found: list[cwl_prov.Provenance] = []
        waiting, seen = [PROV.rsplit("/", 1)[-1]], set[str]()
        while waiting and len(seen) < MAX_NESTED:
            name = waiting.pop(0)
            if name in seen or "/" in name:
                continue
            seen.add(name)
            path = f"metadata/provenance/{name}"
            try:
                found.append(cwl_prov.read(self.world, inside(self.world, self.folder, path)))
                self.places.append(Place(path))
                waiting += cwl_prov.nested(found[-1])
            except (Unreadable, OSError) as error:
                self.gaps.append(f"{path}: {why(error)}")
        return tuple(found)

    def _definitions(self) -> Iterator[Definition]:
        sums = self._sums()
        snapshots = [f"snapshot/{p.rsplit('/', 1)[-1]}" for p in self.world.glob(f"{_escaped(self.folder)}/snapshot/*")[:200]]
        for path in (cwl_packed.PACKED, *snapshots):
            if there(self.world, self.folder, path):
                yield Definition(path, "workflow", sums.get(path, ()), place=Place(path))
        if there(self.world, self.folder, "workflow/primary-job.json"):
            yield Definition("workflow/primary-job.json", "config", sums.get("workflow/primary-job.json", ()))

    def _sums(self) -> dict[str, tuple[Digest, ...]]:
        """What the bag's tag manifest says of its parts: declared, and not checked here."""
        found: dict[str, tuple[Digest, ...]] = {}
        path = there(self.world, self.folder, "tagmanifest-sha256.txt")
        text = self.world.text(path, 4 << 20) if path and self.world.stat(path).size <= 4 << 20 else ""
        for line in text.splitlines():
            digest, _, name = line.partition(" ")
            if re.fullmatch("[0-9a-f]{64}", digest):
                found[name.strip()] = (Digest("sha256", digest),)
        return found

    def _parameters(self) -> dict[str, str]:
        job = self._json("workflow/primary-job.json")
        plain = {k: v for k, v in job.items() if not k.startswith("@") and not _holds_file(v)}
        return {one_line(k): one_line(v if isinstance(v, str) else json.dumps(v)) for k, v in list(plain.items())[:1000]}

    def _outputs(self) -> tuple[File, ...]:
        return cwl_summary.outputs(self._json("workflow/primary-output.json"))

    def _json(self, name: str) -> dict[str, Any]:
        path = there(self.world, self.folder, name)
        if not path:
            return {}
        try:
            read = json.loads(self.world.text(path))
        except (ValueError, RecursionError, OSError) as error:
            self.gaps.append(f"{name}: {why(error)}")
            return {}
        return read if isinstance(read, dict) else {}

    def _bag_id(self) -> str:
        path = there(self.world, self.folder, "bag-info.txt")
        text = self.world.span(path, 0, 65536).decode("utf-8", "replace") if path else ""
        found = re.search(r"arcp://uuid,([0-9a-f-]{36})", text)
        return found[1] if found else ""

    def _size(self, sha1: str) -> int | None:
        """Of a file that the bundle holds."""
        if not re.fullmatch("[0-9a-f]{40}", sha1):
            return None
        try:
            seen = self.world.stat(f"{self.folder}/data/{sha1[:2]}/{sha1}", follow=False)
        except OSError:
            return None
        return seen.size if seen.is_file else None


def _holds_file(value: Any) -> bool:
    if isinstance(value, list):
        return any(_holds_file(v) for v in value[:100])
    return isinstance(value, dict) and value.get("class") in {"File", "Directory"}


def _escaped(path: str) -> str:
    import glob

    return glob.escape(path)


READER = Reader("cwltool", (PROV, *_BAG, "*summary*.json"), read)
