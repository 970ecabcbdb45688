"""Which Singularity images does the job run, and what is in them? Read natively; no runtime needed.

Verified where a signature over the root file system was recomputed and holds; else observed. After the job, when nobody waits, the files inside are
hashed too, so that the image can be told to be the same as an OCI image that it was built from.
"""

from __future__ import annotations

from dataclasses import replace

from auditor.model import Absent, Found, Grade, Job, Phase, Probe
from auditor.world import World
from probes.containers import SifImage, SifImages
from probes.containers.limits import Limits
from probes.containers.scripts import files
from probes.containers.sifread import read
from probes.containers.treehash import RULES, of_sif

MAX_BYTES = 64 << 30
TREE = Limits(bytes=16 << 30, seconds=15.0, entries=2_000_000)
TREE_BYTES = 1 << 30
"""Larger files than this would only use the seconds up, each time again."""


def collect(world: World, job: Job) -> Found[SifImages] | Absent:
    found: list[SifImage] = []
    reasons: list[str] = []
    left = MAX_BYTES
    for _, path in files(world, job):
        try:
            size = world.stat(path).size
            if size > left:
                reasons.append(f"{path}: {size} bytes is beyond the budget")
                continue
            found.append(_with_tree(world, read(world, path), reasons) if job.ended_at else read(world, path))
            left -= size
        except (OSError, ValueError) as error:
            reasons.append(f"{path}: {error}")
    if found:
        proved = all(any(s.integrity_ok and s.covers_root for s in image.signatures) for image in found)
        grade = Grade.VERIFIED if proved else Grade.OBSERVED
        return Found(SifImages(tuple(found)), "; ".join(("SIF header and content", *reasons)), grade)
    return Absent("; ".join(reasons) or "the script names no image file")


def _with_tree(world: World, image: SifImage, reasons: list[str]) -> SifImage:
    if image.size > TREE_BYTES:
        reasons.append(
            f"{image.path}: its files were not hashed: larger than {TREE_BYTES >> 30} GiB; `auditor image --files` does it"
        )
        return image
    try:
        return replace(image, tree=of_sif(world, image.path, TREE), tree_rules=RULES)
    except (OSError, ValueError) as error:
        reasons.append(f"{image.path}: its files were not hashed: {error}")
        return image


PROBE = Probe(
    name="sif",
    kind=SifImages,
    collect=collect,
    phases=frozenset({Phase.SUBMIT, Phase.LATER}),
    source="SIF header and content",
)
