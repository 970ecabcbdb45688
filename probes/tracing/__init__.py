"""Which files did a job really touch? Deep capture, opt-in: what a tracer wrote down, and where its file lies."""

from __future__ import annotations

import os.path
from dataclasses import dataclass

from auditor.model import Job

CALLS = (
    "open,openat,openat2,creat,truncate,execve,execveat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,"
    "unlink,unlinkat,chdir,fchdir,clone,clone3,fork,vfork"
)
"""System calls that strace is asked for: each by name, because the class %file stops at every stat as well."""


WAYS = ("auto", "strace", "preload")
NOTES = ".blind"
"""A trace's companion file: one sentence a line about what the tracer could not see."""
INHERITED = ".inherited"
"""Likewise: files that were open already when the command started, as records of the shim's form."""
ASKED = ".asked"
"""What a submission leaves that asked for a trace, named after it: the way, in one line."""


CODE = (".py", ".sh", ".bash", ".r", ".jl", ".pl", ".lua", ".m", ".smk", ".nf", ".cwl", ".ipynb", ".toml", ".cfg", ".ini")
"""Called files are known by their own probe; configuration travels with the code."""


@dataclass(frozen=True)
class FileTrace:
    """Kind of the probe `touched` (later). Paths absolute, sorted; a file may be in `inputs` and `outputs` (updated in place).

    tracer: `strace` (all system calls of the processes it followed), `preload` (calls through the C library), or both.
    blind: what it could not see, one sentence each; complete: nothing is known to be unseen.
    inputs: existed before and were read; outputs: were written, or got a new name, and are not removed; programs: were executed; scratch: how many files
    were made and removed again; software: how many files below system and library folders were left out; calls: lines read.
    """

    tracer: str
    blind: tuple[str, ...]
    complete: bool
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    programs: tuple[str, ...]
    scratch: int
    software: int
    calls: int


def folder(root: str) -> str:
    """Where traces lie below the home `root`."""
    return os.path.join(root, "traces")


def stem(job: Job) -> str:
    """Beginning of the file names of one attempt's traces: `SUBMISSION-JOB-ATTEMPT.`; then host and tracer."""
    return f"{job.submission}-{job.job_id}-{job.attempt}."
