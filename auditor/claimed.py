"""Which figures and claims of a paper rest on which outputs of which runs, and does each hold? What `auditor claims` found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """What became of a claim. Only the first two hold.

    replayed: its content is an output of the run, and the newest replay that compared it made it again.
    linked: its content is an output of the run; nobody has replayed it.
    contradicted: its content is an output of the run, and the newest replay made something else.
    broken: the run has no such output, or another content.
    unknown: it could not be told, because the run or its outputs are not known.
    """

    REPLAYED = "replayed"
    LINKED = "linked"
    CONTRADICTED = "contradicted"
    BROKEN = "broken"
    UNKNOWN = "unknown"

    @property
    def holds(self) -> bool:
        return self in {Standing.REPLAYED, Standing.LINKED}


@dataclass(frozen=True)
class ClaimChecked:
    """A claim beside what is known of its run. run: as the file names it; run_id: 16 hex digits, empty: no such run is known.

    output: the place of the output in the run, sha256 its bare hex digest; empty: not known. file: of the paper, if one was compared.
    """

    name: str
    says: str
    run: str
    run_id: str
    output: str
    sha256: str
    file: str
    standing: Standing
    why: str


@dataclass(frozen=True)
class PaperAuthor:
    """An author as a paper names them; orcid: sixteen digits in four groups, or empty."""

    name: str
    orcid: str = ""


@dataclass(frozen=True)
class ClaimsChecked:
    """The claims of one file that name one run. file: its name; title, reference (a DOI or URL), authors: of the paper, as it says."""

    file: str
    title: str
    reference: str
    authors: tuple[PaperAuthor, ...]
    claims: tuple[ClaimChecked, ...]
