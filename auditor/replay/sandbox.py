"""How is a stranger's code kept from this machine's files and network? bubblewrap: an empty root, the system read-only, one folder to write.

Homes, scratch and /etc's secrets are not there at all; the work directory stands where it stood on the original machine, so that
absolute paths in scripts still lead to it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from auditor.world import World

SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/opt",
    "/sw",
    "/apps",
    "/cvmfs",
    "/nix",
    "/gnu",
    "/sys/devices/system/cpu",
)
ETC = """passwd group nsswitch.conf hosts ld.so.cache ld.so.conf ld.so.conf.d localtime timezone alternatives ssl ca-certificates
pki crypto-policies python3 profile.d environment-modules lmod locale.conf default/locale mime.types protocols services""".split()
SWITCHED_OFF = "switched off"
NETWORK = ("resolv.conf", "host.conf", "gai.conf")
KERNEL = ("/proc", "/dev", "/sys", "/etc")


@dataclass(frozen=True)
class Sandbox:
    """kind: `bubblewrap`, `apptainer` (inside of the image that the script ran in) or `none`; reason: why there is none. network: may the code use it?"""

    kind: str
    reason: str
    network: bool = False


@dataclass(frozen=True)
class Inside:
    """What the code sees: pairs (where it lies, where it stands), the folder it starts in, its whole environment."""

    writable: Sequence[tuple[str, str]]
    readable: Sequence[tuple[str, str]]
    start: str
    environment: Mapping[str, str] = field(default_factory=dict)


def find(wanted: bool, network: bool, world: World) -> Sandbox:
    """Try it: a program that is installed may still be forbidden by the kernel."""
    if not wanted:
        return Sandbox("none", SWITCHED_OFF, network)
    try:
        tried = world.run(*command(["true"], Inside((), (), "/"), network), timeout=10)
    except FileNotFoundError:
        return Sandbox("none", "bubblewrap (bwrap) is not installed", network)
    except (OSError, TimeoutError) as error:
        return Sandbox("none", f"bubblewrap does not start: {error}", network)
    if tried.code:
        return Sandbox("none", f"bubblewrap does not work here: {tried.err.strip()[:200]}", network)
    return Sandbox("bubblewrap", "", network)


def command(argv: Sequence[str], inside: Inside, network: bool) -> list[str]:
    """The argv that runs `argv` shut in. Raises nothing; what the host does not have is left out."""
    made = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", *(["--share-net"] if network else [])]
    made += ["--clearenv", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run"]
    for path in SYSTEM:
        made += _system(path)
    for name in (*ETC, *(NETWORK if network else ())):
        made += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    binds = [("--ro-bind", *pair) for pair in inside.readable] + [("--bind", *pair) for pair in inside.writable]
    for bind in sorted(binds, key=lambda b: b[2].count("/")):  # what lies deeper comes later, else it would be hidden
        made += bind
    for name, value in inside.environment.items():
        made += ["--setenv", name, value]
    return [*made, "--chdir", inside.start, "--", *argv]


def _system(path: str) -> list[str]:
    if Path(path).is_symlink():  # /bin -> usr/bin on merged systems
        return ["--symlink", os.readlink(path), path]
    return ["--ro-bind-try", path, path]


def can_stand_at(path: str) -> bool:
    """May a folder be put at this path inside? Not over the system, which is read-only and shared."""
    whole = os.path.normpath(path)
    return (
        whole == path
        and os.path.isabs(whole)
        and whole.count("/") > 1
        and not any(f"{whole}/".startswith(f"{p}/") for p in (*SYSTEM, *KERNEL))
    )


def in_system(path: str) -> bool:
    """Is this path visible inside without being asked for?"""
    return any(path == p or path.startswith(f"{p}/") for p in SYSTEM)
