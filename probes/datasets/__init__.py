"""Which data sets are known once and for all, so that a run refers to them and nobody hashes them again?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Dataset:
    """A registered data set. root: where it lies here, a folder or one file; digest: `sha256:<hex>` of its manifest's tree.

    Times ISO 8601 UTC: registered when its content was first hashed, verified when it was last hashed whole. Texts may be empty.
    """

    name: str
    root: str
    digest: str
    files: int
    bytes: int
    registered: str
    verified: str
    version: str = ""
    doi: str = ""
    license: str = ""
    url: str = ""
    single: bool = False
    """The root is one file."""


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
