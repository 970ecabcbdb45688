"""The command line: one file per family of verbs, wired in `app`."""

from auditor.cli.app import app, main

__all__ = ["app", "main"]
