"""Which files went in and came out, and what was in them? The family's types; one way of looking a file beside this one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DataFile:
    """A file by content. role: `input`, `output`; how: `declared`, `traced` (a trace of the job saw it), `recorded` (a workflow engine's
    record names it), `changed` (its mtime lies within the run), or `known`: not read, its digest is what a registered data set's says of
    a file with this size, mtime and ctime.

    kind: `file`, `link` (target hashed), `pointer` (git-LFS, DVC); sha256 bare hex; size in bytes; mtime in ns since the epoch.
    """

    path: str
    role: str
    how: str
    kind: str
    size: int
    mtime_ns: int
    sha256: str
    dataset: str = ""
    """Name of the registered data set that it belongs to."""


@dataclass(frozen=True)
class Skipped:
    """A file or folder that was not hashed, and why; size and time of a file where they were seen (0: not).

    reason: one of `probes.manifest.build.Left`, or `absent` (declared and not there), `remote` (a URL), `not-a-path`; of an input, once
    the run is over, `written-meanwhile` or `written-since` (its end): what lies there now is not what the run began with, and is not
    read; the digest that was seen at submission or start stays the input's. `misread, line 3: ...`: no path, but a part of an `#AUDITOR`
    line that says nothing, with what should stand there; its role is the word that was meant, empty: nobody can tell.
    """

    path: str
    role: str
    reason: str
    size: int = 0
    mtime_ns: int = 0


@dataclass(frozen=True)
class Reference:
    """Inputs that are a registered data set, or a folder of one: known by the registry's digest, of which nothing was read.

    path: the folder as declared, relative to the manifest's root where it lies below it; part: that folder below the data set's root,
    empty for the whole. digest: `sha256:<hex>` of the folder's tree, as the registry has it: declared; verified: when somebody last
    recomputed it. registry: the folder that registers it.
    state: `unchanged` (size, mtime and ctime of every file are those of the registration), `partly` (of those that were looked at
    before the time was up), `changed` (differences, the first few), `unreadable` (the registry's index, with the reason).
    """

    path: str
    dataset: str
    part: str
    digest: str
    state: str
    files: int
    bytes: int
    version: str = ""
    doi: str = ""
    license: str = ""
    url: str = ""
    verified: str = ""
    registry: str = ""
    differences: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataManifest:
    """Inputs at submit and start, inputs and outputs at the end. Paths are relative to `root` where they lie under it.

    complete: nothing was skipped for a reason that leaves us ignorant.
    """

    root: str
    algorithm: str
    files: tuple[DataFile, ...]
    skipped: tuple[Skipped, ...]
    complete: bool
    bytes_hashed: int
    directories: int
    """Folders walked: with the number of files, the shape that tip 11 looks at."""
    datasets: tuple[Reference, ...] = ()
    """Declared inputs that are registered data sets, known as wholes: their files are not among `files`."""
