"""Which lines of the script were meant for us, perhaps to declare data, and say nothing? Named with what should stand there."""

from __future__ import annotations

from auditor.model import Job
from probes.data import Skipped
from probes.script.misread import misread


def meant(job: Job) -> tuple[Skipped, ...]:
    """path: what stands there; role: which word was meant, `input`, `output`, `label` or `trace`, empty: nobody can tell."""
    return tuple(Skipped(m.text, m.key, f"misread, line {m.line}: {m.hint}") for m in misread(job.script))


def told(job: Job) -> str:
    """The same as a sentence; empty where nothing is wrong."""
    return "; ".join(f"line {m.line} of the script, `{m.text}`, says nothing: {m.hint}" for m in misread(job.script)[:3])
