"""Where does a Linux machine keep what it is: its release, its C library, its package database? Files only, small reads."""

from __future__ import annotations

import re

from auditor.world import World
from probes.software import Component
from probes.software.reading import listed, text, there

DPKG = "/var/lib/dpkg/status"
RPM = (
    "/var/lib/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/Packages.db",
    "/var/lib/rpm/Packages",
)
RELEASES = ("/etc/os-release", "/usr/lib/os-release")
LIBC = ("/lib/*-linux-gnu/libc.so.6", "/lib64/libc.so.6", "/usr/lib64/libc.so.6", "/lib/libc.so.6", "/usr/lib/libc.so.6")
LIBC_BYTES = 16 << 20
_GLIBC = re.compile(rb"stable release version (\d+\.\d+(?:\.\d+)?)")
_FIELD = re.compile(r'^(\w+)=(["\']?)(.*)\2\s*$', re.MULTILINE)


def release(world: World) -> str:
    """`debian 12`, `rocky 9.4`: ID and VERSION_ID of os-release(5); empty where there is none."""
    for path in RELEASES:
        told = {key: value for key, _, value in _FIELD.findall(text(world, path, 1 << 16))}
        if told.get("ID"):
            return " ".join(filter(None, (told["ID"], told.get("VERSION_ID") or told.get("VERSION_CODENAME", ""))))
    return ""


def database(world: World) -> tuple[str, str]:
    """(`dpkg` or `rpm`, path of its database); empty where there is neither. dpkg first: Debian has a package called rpm, too."""
    if there(world, DPKG):
        return "dpkg", DPKG
    return next((("rpm", path) for path in RPM if there(world, path)), ("", ""))


def libc(world: World) -> Component | None:
    """The C library of the machine, by the sentence in its own binary; musl by its loader's name."""
    for pattern in LIBC:
        for path in listed(world, "", pattern.lstrip("/")) if "*" in pattern else (pattern,):
            if version := _sentence(world, path, _GLIBC):
                return Component("libc", "glibc", version, origin=path)
    musl = listed(world, "/lib", "ld-musl-*.so.1")
    return Component("libc", "musl", "", origin=musl[0]) if musl else None


def _sentence(world: World, path: str, pattern: re.Pattern[bytes]) -> str:
    try:
        match = pattern.search(world.read(path, LIBC_BYTES))
    except (OSError, LookupError):
        return ""
    return match[1].decode() if match else ""
