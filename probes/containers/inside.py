"""Which image is the job's script itself in, as far as what the runtime leaves inside tells? Pure over the markers that were found."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from auditor.model import Absent, Job
from auditor.world import World
from probes.containers import ContainerMarkers, ImageFacts, RanImage, markers

_OWN = re.compile(r"/(?:oras|library)/sha256[.:]([0-9a-f]{64})$")
_ID = re.compile(r"[0-9a-f]{64}")
_TYPED = (
    "APPTAINER_CONTAINER",
    "SINGULARITY_CONTAINER",
    "SHIFTER_IMAGEREQUEST",
    "SHIFTER_IMAGE",
    "podman image",
    "SLURM_CONTAINER",
)


def inside(world: World) -> Iterator[RanImage]:
    found = markers.collect(world, Job("", ""))
    if isinstance(found, Absent) or not found.inside:
        return
    said = found.evidence
    typed = next((said[n] for n in _TYPED if said.get(n)), said.get("root directory on the host", ""))
    trace = "; ".join(f"{name}={value[:200]}" for name, value in sorted(said.items()))
    yield RanImage(found.inside, "inside", typed, _facts(found, typed), trace)


def _facts(found: ContainerMarkers, typed: str) -> ImageFacts:
    """A path alone names no content, unless it is one that Apptainer's cache gives by the content's digest."""
    source = f"markers of {found.inside}"
    if own := _OWN.search(os.path.normpath(typed)):
        return ImageFacts(typed, file=f"sha256:{own[1]}", source=f"{source}: the cache names the file by its digest")
    image = found.evidence.get("podman imageid", "")
    if _ID.fullmatch(image):  # Podman's image id is the configuration's digest
        return ImageFacts(typed, config=f"sha256:{image}", source=f"{source}: image id")
    return ImageFacts(typed, source=source)
