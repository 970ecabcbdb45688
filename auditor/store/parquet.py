"""Which rows does a Parquet file hold? For the comparison of outputs: DuckDB reads the format itself, and is imported nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

BATCH = 10_000
MEMORY = "256MB"


@dataclass(frozen=True)
class Rows:
    """columns: (name, DuckDB type); count: rows."""

    columns: tuple[tuple[str, str], ...]
    count: int
    _connection: duckdb.DuckDBPyConnection
    _path: str

    def batches(self) -> Iterator[list[tuple[Any, ...]]]:
        """In the file's order, BATCH rows each."""
        answer = self._connection.execute("select * from read_parquet(?, file_row_number = false)", [self._path])
        while rows := answer.fetchmany(BATCH):
            yield rows


@contextmanager
def opened(path: Path) -> Iterator[Rows]:
    """Raises ValueError for what is no Parquet file or is damaged."""
    with duckdb.connect(
        ":memory:", config={"memory_limit": MEMORY, "threads": 1, "preserve_insertion_order": True}
    ) as connection:
        try:
            shown = connection.execute("describe select * from read_parquet(?)", [str(path)]).fetchall()
            count = connection.execute("select count(*) from read_parquet(?)", [str(path)]).fetchone()
            yield Rows(tuple((r[0], r[1]) for r in shown), count[0] if count else 0, connection, str(path))
        except duckdb.Error as error:
            raise ValueError(str(error).splitlines()[0]) from None
