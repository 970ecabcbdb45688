"""What did Snakemake write down for each output file? Both backends: a JSON file an output, or one SQLite database.

`.snakemake/metadata/<base64 of the path>` (long names are split into folders that begin with `@`), or with `--persistence-backend db`
`.snakemake/metadata.db`, table `snakemake_metadata` (persistence/ of Snakemake 9.27). A record of a job that failed looks like one that
succeeded: nothing here says how a job ended. `code` of version 7 is a pickle in base64: its strings are read, it is never loaded.
"""

from __future__ import annotations

import base64
import binascii
import glob
import io
import json
import os
import pickletools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from auditor.world import World
from probes.records.inside import inside
from probes.records.lines import one_line, why
from probes.records.sqlite import Broken, opened
from probes.records.within import below
from probes.workflows import Place

MAX_RECORDS = 200_000
MAX_BYTES = 1 << 20
MAX_DEPTH = 32
MAX_CODE = 4096
_COLUMNS = (
    "target", "rule", "input", "log", "params", "shellcmd", "code", "conda_env", "container_img_url", "software_stack_hash",
    "starttime", "endtime", "incomplete", "external_jobid", "input_checksums", "record_format_version",
)  # fmt: skip


@dataclass(frozen=True)
class Record:
    """Of one output. started, ended: seconds since 1970; a remote executor swaps them. checksums: input → `sha256:hex` or bare hex."""

    target: str
    rule: str
    inputs: tuple[str, ...]
    logs: tuple[str, ...]
    params: tuple[str, ...]
    shell: str
    code: str
    conda: str
    container: str
    stack: str
    started: float | None
    ended: float | None
    incomplete: bool
    external: str
    checksums: Mapping[str, str]
    form: int | None
    place: Place

    @property
    def key(self) -> tuple[str, tuple[str, ...], tuple[str, ...], str, tuple[str, ...]]:
        """What all outputs of one job have in common."""
        return self.rule, self.inputs, self.logs, self.shell, self.params


def records(world: World, folder: str) -> tuple[dict[str, Record], list[str]]:
    """Output path → record, of both backends; and what could not be read, one line each."""
    found: dict[str, Record] = {}
    gaps: list[str] = []
    broken = 0
    for record in _of_files(world, folder, gaps):
        if record is None:
            broken += 1
        else:
            found[record.target] = record
    if broken:
        gaps.append(f"{broken} metadata records of .snakemake/metadata could not be read")
    try:
        found.update((r.target, r) for r in _of_database(world, folder, gaps))
    except FileNotFoundError:
        pass
    except (Broken, OSError) as error:
        gaps.append(f".snakemake/metadata.db: {why(error)}")
    return found, gaps


def _of_files(world: World, folder: str, gaps: list[str]) -> Iterator[Record | None]:
    try:
        base = below(world, folder, ".snakemake/metadata")
    except FileNotFoundError:
        return
    except OSError as error:
        gaps.append(f".snakemake/metadata: {why(error)}")
        return
    for count, (path, name) in enumerate(_names(world, base, "", 0)):
        if count >= MAX_RECORDS:
            gaps.append(f"more than {MAX_RECORDS} metadata records: the rest was not read")
            return
        yield _read(world, folder, path, name)


def _names(world: World, at: str, before: str, depth: int) -> Iterator[tuple[str, str]]:
    """(path, whole encoded name) of each record file. Links are none."""
    for path in world.glob(f"{glob.escape(at)}/*"):
        name = os.path.basename(path)
        if name.startswith("@"):
            if depth < MAX_DEPTH and world.stat(path, follow=False).is_dir:
                yield from _names(world, path, before + name[1:], depth + 1)
        else:
            yield path, before + name


def _read(world: World, folder: str, path: str, name: str) -> Record | None:
    place = Place(os.path.relpath(path, folder))
    try:
        target = base64.b64decode(name, altchars=b"-_", validate=True).decode("utf-8", "surrogateescape")
        if not world.stat(path, follow=False).is_file:
            return None
        raw = json.loads(world.read(path, MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return _record(target, raw, place) if isinstance(raw, dict) else None


def _of_database(world: World, folder: str, gaps: list[str]) -> Iterator[Record]:
    path = inside(world, folder, ".snakemake/metadata.db")
    with opened(path) as database:
        if database.stale:
            gaps.append(f".snakemake/metadata.db: {one_line(database.stale)}")
        if "snakemake_metadata" not in database.tables:
            gaps.append(".snakemake/metadata.db has no table snakemake_metadata")
        for count, row in enumerate(database.rows("snakemake_metadata", *_COLUMNS)):
            if count >= MAX_RECORDS:
                gaps.append(f"more than {MAX_RECORDS} metadata records: the rest was not read")
                return
            raw = dict(zip(_COLUMNS, row, strict=True))
            for column in ("input", "log", "params", "input_checksums"):
                raw[column] = _json(raw[column])
            target = str(raw["target"])
            yield _record(target, raw, Place(".snakemake/metadata.db", f"table snakemake_metadata, target {one_line(target)}"))


def _json(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, (str, bytes)) else text
    except (ValueError, RecursionError):
        return None


def _record(target: str, raw: Mapping[str, Any], place: Place) -> Record:
    sums = raw.get("input_checksums")
    form = raw.get("record_format_version")
    return Record(
        target=target,
        rule=_text(raw.get("rule")),
        inputs=_texts(raw.get("input")),
        logs=_texts(raw.get("log")),
        params=_texts(raw.get("params")),
        shell=_text(raw.get("shellcmd")),
        code=_text(raw.get("code")),
        conda=_text(raw.get("conda_env")),
        container=_text(raw.get("container_img_url")),
        stack=_text(raw.get("software_stack_hash")),
        started=_number(raw.get("starttime")),
        ended=_number(raw.get("endtime")),
        incomplete=bool(raw.get("incomplete")),
        external=_text(raw.get("external_jobid")),
        checksums={str(k): str(v) for k, v in sums.items()} if isinstance(sums, dict) else {},
        form=form if isinstance(form, int) else None,
        place=place,
    )


def code(text: str) -> str:
    """The rule's code as text, at most MAX_CODE characters: as it stands, or the strings of version 7's pickle, one a line."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return text[:MAX_CODE]
    if not raw.startswith(b"\x80") and b"." not in raw[-1:]:
        return text[:MAX_CODE]
    strings: list[str] = []
    try:
        for _, value, _ in pickletools.genops(io.BytesIO(raw)):
            if isinstance(value, str):
                strings.append(value)
    except (ValueError, IndexError, UnicodeDecodeError, OverflowError):
        pass  # what came before the damage is still true
    return "\n".join(strings)[:MAX_CODE] if strings else text[:MAX_CODE]


def conda_text(record: Record) -> str:
    """The environment file as it was (base64 in the record); empty where there is none."""
    try:
        return base64.b64decode(record.conda, validate=True).decode("utf-8", "replace") if record.conda else ""
    except (binascii.Error, ValueError):
        return ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)[:MAX_CODE]


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(v) for v in value) if isinstance(value, list) else ()


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
