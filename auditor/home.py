"""Where do our files lie? One private folder: spool, archive, store, hook. Standard library only."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Home:
    """The folder `root` (0700). Order: $AUDITOR_HOME, $XDG_STATE_HOME/auditor, ~/.local/state/auditor."""

    root: str

    @property
    def spool(self) -> str:
        """One small file per capture, waiting to be ingested."""
        return os.path.join(self.root, "spool")

    @property
    def archive(self) -> str:
        """Ingested captures, packed; with the spool, enough to rebuild the store."""
        return os.path.join(self.root, "archive")

    @property
    def objects(self) -> str:
        """Content of scripts and other small files, by sha256 (auditor.objects)."""
        return os.path.join(self.root, "objects")

    @property
    def hashes(self) -> str:
        """What is remembered of files' content (probes.manifest.remember); may be removed at any time."""
        return os.path.join(self.root, "hashes")

    @property
    def attached(self) -> str:
        """What was set for runs so that engines leave a record, and the records (auditor.submit.attach)."""
        return os.path.join(self.root, "attached")

    @property
    def quarantine(self) -> str:
        return os.path.join(self.root, "quarantine")

    @property
    def store(self) -> str:
        return os.path.join(self.root, "store.duckdb")

    @property
    def runlog(self) -> str:
        """What happened, as a hash chain (auditor.runlog). Not remade by anything: lost is lost."""
        return os.path.join(self.root, "runlog.jsonl")

    @property
    def log(self) -> str:
        """Where the wrapper's detached child writes its own errors; nobody else's terminal."""
        return os.path.join(self.root, "auditor.log")


def find(environ: dict[str, str] | os._Environ[str] = os.environ) -> Home | None:
    """None when there is neither a variable nor a home directory to build on."""
    if root := environ.get("AUDITOR_HOME"):
        return Home(os.path.abspath(root))
    if state := environ.get("XDG_STATE_HOME"):
        return Home(os.path.join(state, "auditor"))
    home = environ.get("HOME") or os.path.expanduser("~")
    if not home or home == "~" or not os.path.isabs(home):
        return None
    return Home(os.path.join(home, ".local", "state", "auditor"))
