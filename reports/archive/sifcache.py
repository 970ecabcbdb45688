"""Where does Apptainer keep the image file it made of a registry's image? Under a name that proves the digest.

`cache/oci-tmp/KEY` with KEY = sha256(hex of the manifest's or index's digest + GOARCH + variant), found by experiment with 1.4.5.
"""

from __future__ import annotations

import hashlib
import os

from auditor.world import World
from probes.containers import ImageFacts

# names of the kernel (uname) as Go has them
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "ppc64le": "ppc64le", "s390x": "s390x", "riscv64": "riscv64"}


def cached(image: ImageFacts, machine: str, world: World) -> tuple[str, str]:
    """The path of the cached file of exactly this image and the digest that its name proves; both empty when there is none.

    machine: as `uname -m` has it.
    """
    platform = image.platform.removeprefix("linux/") or ARCHITECTURES.get(machine, machine)
    for digest in filter(None, (image.index, image.manifest)):
        key = hashlib.sha256((digest.removeprefix("sha256:") + platform.replace("/", "")).encode()).hexdigest()
        for folder in _folders(world):
            path = os.path.join(folder, "cache", "oci-tmp", key)
            try:
                if world.stat(path).is_file:
                    return path, digest
            except OSError:
                continue
    return "", ""


def _folders(world: World) -> tuple[str, ...]:
    chosen = tuple(world.env[n] for n in ("APPTAINER_CACHEDIR", "SINGULARITY_CACHEDIR") if world.env.get(n))
    home = world.env.get("HOME", "")
    return chosen or ((os.path.join(home, ".apptainer"), os.path.join(home, ".singularity")) if home else ())
