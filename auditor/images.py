"""What identifies the image at this path or under this name? Looked up on this machine; nothing is pulled, started or written."""

from __future__ import annotations

import os
import shlex
from dataclasses import replace
from typing import NoReturn

from auditor.model import Absent, AuditError, Job
from auditor.world import World
from probes.containers import ImageFacts, docker, sifread
from probes.containers.layers import layers
from probes.containers.layout import facts_of_archive, facts_of_layout
from probes.containers.sifformat import NotSif
from probes.containers.treehash import RULES, of_folder, of_layers, of_sif
from reports.judging.imagefacts import facts

ENGINES = ("docker", "podman")


def identify(world: World, what: str, files: bool = False) -> ImageFacts:
    """Of an image file, an OCI layout, an archive, an unpacked folder, or `docker:NAME`, `podman:NAME`. Raises AuditError.

    files: also hash the files inside, which takes seconds a gigabyte. An unpacked folder has nothing else to be known by.
    """
    engine, colon, name = what.partition(":")
    try:
        if "://" in what and not world.exists(what):
            return _refused(what)
        if colon and engine in ENGINES and not world.exists(what):
            found = _of_engine(world, engine, name)
            if files:
                tar = f"{engine} save {shlex.quote(name)} -o image.tar"
                raise AuditError(
                    f"{what}: the files inside an engine's image are not read", f"{tar}, then give image.tar with --files"
                )
            return found
        if not world.stat(what).is_dir:
            return _of_file(world, what, files)
        if any(world.exists(os.path.join(what, name)) for name in ("index.json", "manifest.json")):
            return _with_layers(world, facts_of_layout(what, world=world), what, files)
        return _with_tree(ImageFacts(what, source=f"the folder {what}"), of_folder(world, what))
    except FileNotFoundError as error:
        raise AuditError(
            f"no such image: {what}",
            f"give a path, or docker:{'NAME' if what.startswith(('/', '.')) else what} for what an engine has",
        ) from error
    except (OSError, ValueError) as error:
        raise AuditError(
            f"{what}: {error}", "it must be a SIF, squashfs, OCI layout or archive, or an unpacked folder"
        ) from error


def _refused(what: str) -> NoReturn:
    """A registry's image: asking would need the network."""
    transport, _, name = what.partition("://")
    hint = f"docker:{name} for what the engine has; or apptainer pull image.sif {shlex.quote(what)}, and give image.sif"
    raise AuditError(
        f"{what} is in a registry, and none is asked",
        hint if transport == "docker" else f"apptainer pull image.sif {shlex.quote(what)}",
    )


def _of_file(world: World, path: str, files: bool) -> ImageFacts:
    try:
        found = facts(sifread.read(world, path))
    except NotSif as no_sif:
        try:
            return _with_layers(world, facts_of_archive(path, world=world), path, files)
        except ValueError as no_archive:
            raise ValueError(f"{no_sif}; {no_archive}") from no_archive
    return _with_tree(found, of_sif(world, path)) if files else found


def _with_layers(world: World, found: ImageFacts, path: str, files: bool) -> ImageFacts:
    return _with_tree(found, of_layers(layers(path, world=world))) if files else found


def _with_tree(found: ImageFacts, tree: str) -> ImageFacts:
    return replace(found, tree=tree, tree_rules=RULES)


def _of_engine(world: World, engine: str, name: str) -> ImageFacts:
    """As if a script named it: the probe knows the sockets, the stores and their traps."""
    found = docker.collect(world, Job("local", "0", workdir=world.cwd, script=f"{engine} run {shlex.quote(name)}\n"))
    if isinstance(found, Absent):
        raise AuditError(f"{engine} does not have {name}: {found.reason}", f"{engine} pull {shlex.quote(name)}")
    return facts(found.value.images[0])
