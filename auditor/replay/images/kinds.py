"""How does a runtime take an image: as a file, out of an engine's store, or in a way that a replay cannot provide?"""

from __future__ import annotations

from enum import StrEnum

from reports.archive.recipe import RecipeImage

APPTAINER = ("apptainer", "singularity")
ENGINES = ("docker", "podman")


class Target(StrEnum):
    """file: an image file. engine: an engine's store, by id. typed: only the runtime itself can fetch what its script names."""

    FILE = "file"
    ENGINE = "engine"
    TYPED = "typed"


def target(image: RecipeImage) -> Target:
    by_file = ("docker",) if image.whole else ("docker", "oras") if image.runtime in APPTAINER else ()
    if image.transport in ("file", *by_file):
        return Target.FILE
    if image.runtime in ENGINES and image.transport == "docker":
        return Target.ENGINE
    return Target.TYPED


def programs(image: RecipeImage) -> tuple[str, ...]:
    """Commands whose words can be exchanged on the way; none for runtimes that are no command of the script (Pyxis, Slurm)."""
    if image.runtime in APPTAINER:
        return APPTAINER
    return {"docker": ("docker",), "podman": ("podman",), "charliecloud": ("ch-run",)}.get(image.runtime, ())
