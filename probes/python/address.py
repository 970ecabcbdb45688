"""Which address of a package may be written down? Only one that a stranger can ask: https, a public name, no credentials, no signature."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote, urlsplit

_URL = re.compile(r"https://[A-Za-z0-9._~:/@%+!-]{1,1000}")


def public(url: str) -> str:
    """The address without credentials and fragment; empty for `file:`, private hosts and signed links."""
    plain = re.sub(r"://[^/@]*@", "://", url.partition("#")[0], count=1)
    if not _URL.fullmatch(plain):  # a query may hold a signature
        return ""
    try:
        host = urlsplit(plain).hostname or ""
    except ValueError:
        return ""
    return plain if _named(host) else ""


def _named(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return "." in host.strip(".") and not host.endswith((".local", ".internal", ".lan", ".localdomain"))
    return False


def local(url: str) -> str:
    """The path part, decoded."""
    try:
        return unquote(urlsplit(url).path)
    except ValueError:
        return ""
