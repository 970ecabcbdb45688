"""How do many rows get into a table at once? As tab-separated lines in memory; one INSERT a row is a hundred times slower.

Every text in a line has been through `escape`, so there is no tab, newline, quote or NUL to trip over.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from auditor.store.text import NULL

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

LONG = 1 << 20  # a longer line does not fit the reader's buffer and goes alone

TABLES: dict[str, str] = {
    "ledger": "id blob, name varchar",
    "run": "no integer, id varchar, scheduler varchar, cluster varchar, job_id varchar, submission varchar, is_array boolean",
    "work": "no integer, id blob, job varchar, script_no integer, label varchar, username varchar, name varchar, command varchar,"
    " shape varchar",
    "taken": "no integer, id blob, run_no integer, phase varchar, attempt bigint, schema bigint, work_no integer, submitted varchar,"
    " started varchar, ended varchar",
    "content": "no integer, id blob, body varchar, split boolean",
    "look": "no integer, probe varchar, version bigint, kind varchar, phase varchar, attempt bigint, status varchar, grade varchar,"
    " source varchar, reason varchar",
    "sight": "run_no integer, look_no integer, taken_at varchar, host varchar, content_no integer",
    "file": "content_no integer, place integer, role varchar, how varchar, kind varchar, path varchar, size bigint, mtime_ns bigint,"
    " sha256 blob, dataset varchar",
    "file_key_tail": "key uinteger, content_no integer",
    "component_list": "no integer, id blob",
    "component": "list_no integer, ecosystem varchar, name varchar, key varchar, version varchar, digest varchar",
    "content_list": "content_no integer, list_no integer",
    "accounting": "run_no integer, taken_at varchar, final boolean, name varchar, username varchar, state varchar, submitted varchar,"
    " started varchar, ended varchar, elapsed double, core_seconds double, partition varchar, throttle bigint, line varchar",
    "dependency": "run_no integer, job_id varchar",
    "engine_run": "run_no integer, engine varchar, relation varchar, taken_at varchar",
    "engine_job": "run_no integer, engine varchar, job_id varchar",
    "wanted": "id blob",
    "wanted_file": "key uinteger, id blob, role varchar",
}
"""Columns in the order of a line's cells; a blob's cell is hexadecimal."""


def append(con: DuckDBPyConnection, table: str, lines: Sequence[str]) -> None:
    """Add these lines to a table of that name."""
    columns = [tuple(column.split()) for column in TABLES[table].split(", ")]
    short = [line for line in lines if len(line) < LONG]
    picked = ", ".join(f"unhex({name})" if type_ == "blob" else name for name, type_ in columns)
    if short:
        struct = ", ".join(f"{name}: '{'varchar' if type_ == 'blob' else type_}'" for name, type_ in columns)
        with _memory("\n".join(short) + "\n") as path:
            con.execute(
                f"insert into {table} select {picked} from read_csv('{path}', auto_detect=false, header=false, delim='\t', quote='',"
                f" escape='', nullstr='{NULL}', max_line_size={2 * LONG}, columns={{{struct}}})"
            )
    values = ", ".join(f"?::{'varchar' if type_ == 'blob' else type_} as {name}" for name, type_ in columns)
    for line in lines:
        if len(line) >= LONG:
            cells = [None if cell == NULL else cell for cell in line.split("\t")]
            con.execute(f"insert into {table} select {picked} from (select {values})", cells)


class _memory:
    """A nameless file that lives as long as the block: nothing is left behind when we are killed."""

    def __init__(self, text: str) -> None:
        self._fd = os.memfd_create("rows")
        with open(self._fd, "wb", closefd=False) as file:
            file.write(text.encode("ascii"))

    def __enter__(self) -> str:
        return f"/proc/self/fd/{self._fd}"

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)
