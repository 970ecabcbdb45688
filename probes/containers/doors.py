"""What does the host let into a container: home, environment, folders, devices? What was typed, then the runtime's documented defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import fields, replace

from probes.containers import Door, Doors, Reference, State
from probes.containers.asked import Asked, asked
from probes.containers.defaults import RUNTIMES, nobody

_OPEN, _SHUT, _UNKNOWN = State.OPEN, State.SHUT, State.UNKNOWN
_VARIABLE = re.compile(r"\$")


def doors(reference: Reference, environment: Mapping[str, str]) -> Doors:
    """`environment`: the run's, or those of its variables that `asked.INPUTS` fits; `PWD` there is the folder the command runs in."""
    read = asked(reference, environment)
    found = RUNTIMES.get(reference.runtime, nobody)(read)
    found = replace(found, variables=tuple(dict.fromkeys(_names(read))))
    if reference.transport == "instance" and found.writable.state is _SHUT:
        found = replace(found, writable=Door(_OPEN, "a container that was there before"))
    return _by_unknown_options(_by_binds(found, environment), reference)


def _names(a: Asked) -> Iterator[str]:
    for value in a.values("--env --set-env --container-env" + (" -e" if a.runtime != "apptainer" else ""), "ENV"):
        yield from (pair.partition("=")[0] for pair in value.split(","))
    yield from sorted(
        n.partition("ENV_")[2] for n in a.inputs if "ENV_" in n and n.startswith(("APPTAINERENV_", "SINGULARITYENV_"))
    )


def _by_binds(found: Doors, environment: Mapping[str, str]) -> Doors:
    """A bind may bring in the whole home, the folder or /tmp where the runtime would not."""
    for name, wanted in (("home", environment.get("HOME", "")), ("folder", environment.get("PWD", "")), ("temporary", "/tmp")):
        bind = next((b for b in found.binds if _covers(b.partition(":")[0], wanted, environment)), "")
        if bind and getattr(found, name).state is not _OPEN:
            found = _with(found, {name: Door(_OPEN, f"bind {bind}")})
    home = environment.get("HOME", "")
    if home and found.home.state is _OPEN and found.folder.state is not _OPEN and _covers(home, environment.get("PWD", ""), {}):
        found = replace(found, folder=Door(_OPEN, "it lies in the home directory"))
    return found


def _covers(source: str, wanted: str, environment: Mapping[str, str]) -> bool:
    source = environment.get("PWD", source) if source in (".", "$PWD", "${PWD}") else source
    source = environment.get("HOME", source) if source in ("~", "$HOME", "${HOME}") else source
    return bool(wanted) and source.startswith("/") and f"{wanted}/".startswith(f"{source.rstrip('/')}/")


def _by_unknown_options(found: Doors, reference: Reference) -> Doors:
    """Options held by a variable that only the run knows may overrule every default."""
    hidden = next((o for o in reference.options if _VARIABLE.match(o)), "")
    if not hidden:
        return found
    unsure = Door(_UNKNOWN, f"options in {hidden}, which only the run knows")
    changed = {f.name: unsure for f in fields(found) if getattr(getattr(found, f.name), "by", "").startswith("default of")}
    return _with(found, changed)


def _with(found: Doors, changed: Mapping[str, Door]) -> Doors:
    return replace(found, **changed)  # type: ignore[arg-type]  # only names of doors come here
