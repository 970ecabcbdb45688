"""Is exactly the image of the run on this machine? By content only: a tag or a file name proves nothing."""

from __future__ import annotations

from pathlib import Path

from auditor.replay.compare import sha256
from auditor.world import World
from reports.archive.names import place
from reports.archive.recipe import RecipeImage


def problem(image: RecipeImage, workdir: str, work: Path, world: World) -> str:
    """Why exactly this image cannot be used here; empty when it is present by digest."""
    if image.transport == "file":
        path = work / place(image.reference, workdir)  # an absolute place stays absolute
        if not path.is_file():
            return f"image {image.reference} is not here"
        return (
            ""
            if image.sha256 and sha256(path) == image.sha256
            else f"image {image.reference} is another file, or its sha256 is not known"
        )
    if image.runtime in ("docker", "podman"):
        return _engine(image, world)
    if "@sha256:" in image.reference:
        return ""  # the script itself asks for the digest
    return (
        f"image {image.reference}: pull {image.pull} and name it by digest"
        if image.pull
        else f"image {image.reference} has no digest"
    )


def _engine(image: RecipeImage, world: World) -> str:
    try:
        told = world.run(image.runtime, "image", "inspect", "--format", "{{.Id}} {{.RepoDigests}}", image.reference, timeout=30)
    except (OSError, TimeoutError) as error:
        return f"{image.runtime} cannot be asked for {image.reference}: {error}"
    if told.code:
        return f"image {image.reference} is not here" + (f": {image.runtime} pull {image.pull}" if image.pull else "")
    digest = image.pull.rpartition("@")[2]
    known = [d.removeprefix("sha256:") for d in (image.image_id, digest) if d]
    if any(d in told.out for d in known):
        return ""
    return f"image {image.reference} is here with another content" if known else f"image {image.reference} has no digest to check"
