"""Where do a replay's images go, and what does each way bring?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from probes.containers import ImageFacts
from reports.archive.recipe import RecipeImage


@dataclass(frozen=True)
class Place:
    """Where things are in a replay: the unpacked crate, the work directory, a folder for images, and the work directory of the run."""

    crate: Path
    work: Path
    images: Path
    workdir: str


@dataclass(frozen=True)
class Got:
    """An image as one way brought it."""

    word: str
    facts: ImageFacts
    image_id: str = ""
    added: tuple[str, ...] = ()


def new(folder: Path, image: RecipeImage, suffix: str) -> Path:
    """A path of its own; the name of the image in it is for people."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = "".join(c if c.isalnum() or c in "._-" else "_" for c in image.reference.rstrip("/").rpartition("/")[2])[:60]
    number = len(list(folder.iterdir()))
    return folder / f"{number}-{stem.removesuffix('.sif').strip('.') or 'image'}{suffix}"
