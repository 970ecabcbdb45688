"""Where does a name come from that the job itself gave: an instance, a container, a file it pulled or built?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from probes.containers import Reference

Made = tuple[Reference, str]
"""A reference, and the name under which the job's later commands find what it made; empty: none."""


def linked(found: Iterable[Made]) -> Iterator[Reference]:
    """`instance://web` gets the image it was started from, `exec app.sif` the `origin` that the job pulled it from."""
    pairs = list(found)
    known = {_key(reference.runtime, made): reference for reference, made in pairs if made}
    for reference, made in pairs:
        source = known.get(_key(reference.runtime, _asked(reference)))
        if source is None or made == _asked(reference) or source.text == reference.text:
            yield reference
        elif reference.transport == "instance" and source.transport != "instance":
            yield replace(
                reference, resolved=source.resolved, transport=source.transport, registry=source.registry, name=source.name, tag=source.tag,
                digest=source.digest, unresolved=source.unresolved, origin=source.resolved or source.text,
            )  # fmt: skip
        else:
            yield replace(reference, origin=source.resolved or source.text)


def _asked(reference: Reference) -> str:
    """The name a command looks for."""
    value = reference.resolved or reference.text
    return f"instance://{reference.name}" if reference.transport == "instance" and reference.runtime == "apptainer" else value


def _key(runtime: str, name: str) -> tuple[str, str]:
    family = {"podman": "docker", "pyxis": "enroot"}.get(runtime, runtime)
    return family, name.removeprefix("./").rstrip("/")
