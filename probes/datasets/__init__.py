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
