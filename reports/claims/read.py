"""What does a file of claims say? TOML, read strictly: an unknown key is a mistake, and not a claim that nobody checks.

[paper]                          optional: title, reference (a DOI or URL), and [[paper.authors]] with name and orcid
[[claim]]
name = "Figure 3"                what the paper calls it; once in a file
says = "loss falls with data"    optional
run = "4711"                     run id, a prefix of it, or a job id
output = "figures/fig3.png"      where the run wrote it; or
sha256 = "..."                   its content; or
file = "paper/fig3.png"          the file of the paper, beside this one, whose content must be an output's; or several of these
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from auditor.claimed import PaperAuthor
from auditor.config import is_orcid
from auditor.model import AuditError

MOST, LARGEST = 1000, 1 << 20
"""Claims of one file, and its bytes."""
HINT = 'a claim is [[claim]] with name = "Figure 3", run = "4711" and one of output, sha256, file'
KEYS = frozenset(("name", "says", "run", "output", "sha256", "file"))


@dataclass(frozen=True)
class Claim:
    """One claim as the file has it; empty: not said. sha256: bare hex, lower case. At least one of the last three is said."""

    name: str
    run: str
    says: str = ""
    output: str = ""
    sha256: str = ""
    file: str = ""


@dataclass(frozen=True)
class Claims:
    """A whole file: the paper, and its claims in their order."""

    title: str
    reference: str
    authors: tuple[PaperAuthor, ...]
    claims: tuple[Claim, ...]


def read(raw: bytes, name: str) -> Claims:
    """Raises AuditError, naming the place, for what is no such file."""
    import tomllib

    if len(raw) > LARGEST:
        raise AuditError(f"{name} is larger than {LARGEST >> 20} MiB", HINT)
    try:
        told = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        raise AuditError(f"{name} is not TOML: {error}", HINT) from error
    _known(told, {"paper", "claim"}, name)
    paper, listed = told.get("paper", {}), told.get("claim", [])
    if not isinstance(paper, dict) or not isinstance(listed, list):
        raise AuditError(f"{name}: `paper` is no table, or `claim` no list of tables", HINT)
    if not listed or len(listed) > MOST:
        raise AuditError(f"{name} holds {len(listed)} claims", f"{HINT}; {MOST} at most")
    _known(paper, {"title", "reference", "authors"}, f"{name}, [paper]")
    claims = tuple(_claim(one, f"{name}, claim {number}") for number, one in enumerate(listed, 1))
    for claim in claims:
        if sum(other.name == claim.name for other in claims) > 1:
            raise AuditError(f"{name}: two claims are called {claim.name!r}", "give each figure and claim a name of its own")
    title, reference = (_text(paper, key, f"{name}, [paper]") for key in ("title", "reference"))
    return Claims(title, reference, _authors(paper, name), claims)


def _claim(told: Any, where: str) -> Claim:
    if not isinstance(told, dict):
        raise AuditError(f"{where} is no table", HINT)
    _known(told, KEYS, where)
    made = {key: _text(told, key, where) for key in KEYS}
    for key in ("name", "run"):
        if not made[key]:
            raise AuditError(f"{where}: `{key}` is missing", HINT)
    if not (made["output"] or made["sha256"] or made["file"]):
        raise AuditError(f"{where} ({made['name']}) names no content", HINT)
    digest = made["sha256"].lower().removeprefix("sha256:")
    if digest and not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise AuditError(f"{where} ({made['name']}): `sha256` is no 64 hex digits", "sha256sum FILE prints it")
    return Claim(**{**made, "sha256": digest})


def _authors(paper: Mapping[str, Any], name: str) -> tuple[PaperAuthor, ...]:
    listed = paper.get("authors", [])
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise AuditError(
            f"{name}: `authors` is no list of tables", 'it takes [[paper.authors]] with name = "..." and orcid = "..."'
        )
    for one in listed:
        _known(one, {"name", "orcid"}, f"{name}, [[paper.authors]]")
        if (orcid := _text(one, "orcid", name)) and not is_orcid(orcid):
            raise AuditError(f"{name}: {orcid!r} is no ORCID iD", "it is like 0000-0002-1825-0097, and its last digit is checked")
    return tuple(
        PaperAuthor(*(_text(one, key, f"{name}, [[paper.authors]]") for key in ("name", "orcid"))) for one in listed[:MOST]
    )


def _known(told: Mapping[str, Any], keys: frozenset[str] | set[str], where: str) -> None:
    for key in told:
        if key not in keys:
            raise AuditError(f"{where}: there is no key `{key}`", f"keys are: {', '.join(sorted(keys))}")


def _text(told: Mapping[str, Any], key: str, where: str) -> str:
    value = told.get(key, "")
    if isinstance(value, int) and not isinstance(value, bool) and key == "run":
        return str(value)  # a job id, typed as a number
    if not isinstance(value, str):
        raise AuditError(f"{where}: `{key}` has the value {value!r}", "it takes a text in quotes")
    return value.strip()
