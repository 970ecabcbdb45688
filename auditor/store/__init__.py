"""What do we remember of all runs? The only room that speaks SQL; DuckDB is loaded when a store is opened, not before."""

from auditor.store.ingest import IngestReport, ingest_spool, rebuild
from auditor.store.rows import Event, FileUse, PackageVersion, RunRow, SoftwareUse
from auditor.store.store import Store

__all__ = ["Event", "FileUse", "IngestReport", "PackageVersion", "RunRow", "SoftwareUse", "Store", "ingest_spool", "rebuild"]
