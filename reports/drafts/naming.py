"""How are DOIs, licences, repositories and texts named in the files that accompany a deposit? Only what is surely one is taken for one."""

from __future__ import annotations

import re

from reports.formats.clean import line

_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:)?(10\.\d{4,9}/[-._;()/:A-Za-z0-9<>]+)", re.IGNORECASE)
_WEB = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(?::\d+)?(?:/[A-Za-z0-9._~/%+=&?#@:-]*)?")
LICENCES = frozenset(
    """Apache-2.0 BSD-2-Clause BSD-3-Clause CC0-1.0 CC-BY-4.0 CC-BY-NC-4.0 CC-BY-NC-ND-4.0 CC-BY-NC-SA-4.0 CC-BY-ND-4.0 CC-BY-SA-4.0
    EUPL-1.2 GPL-2.0-only GPL-2.0-or-later GPL-3.0-only GPL-3.0-or-later AGPL-3.0-only AGPL-3.0-or-later ISC LGPL-2.1-only
    LGPL-2.1-or-later LGPL-3.0-only LGPL-3.0-or-later MIT MPL-2.0 ODC-By-1.0 ODbL-1.0 PDDL-1.0 Unlicense""".split()
)
"""SPDX ids that every list we write for knows: those lists are older than SPDX's."""


def doi(reference: str) -> str:
    """`10.5281/zenodo.1` of `https://doi.org/10.5281/zenodo.1`, `doi:...` or itself; empty: it is none."""
    found = _DOI.fullmatch(reference.strip())
    return found[1] if found else ""


def web(address: str) -> str:
    """An http(s) address without credentials, a trailing `.git` taken off; empty: it is none."""
    address = address.strip()
    return address.removesuffix(".git") if _WEB.fullmatch(address) and "@" not in address.split("/")[2] else ""


def spdx(license_url: str) -> str:
    """`CC-BY-4.0` of `https://spdx.org/licenses/CC-BY-4.0`; empty: none of those that are known everywhere."""
    name = re.sub(r"(?:\.html)?/?$", "", license_url.strip()).removeprefix("https://spdx.org/licenses/")
    return name if name in LICENCES else ""


def quoted(text: str, limit: int = 2000) -> str:
    """A double-quoted YAML scalar (YAML 1.2, 7.3.1), on one line: nothing in it can end it or begin another key."""
    return f'"{"".join(map(_scalar, line(text, limit)))}"'


def _scalar(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"
