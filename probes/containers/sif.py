"""Which Singularity images does the job run, and what is in them? Read natively; no runtime needed.

Verified where a signature's digests were recomputed and hold; else observed.
"""

from __future__ import annotations

from auditor.model import Absent, Found, Grade, Job, Phase, Probe
from auditor.world import World
from probes.containers import SifImage, SifImages
from probes.containers.scripts import files
from probes.containers.sifformat import NotSif
from probes.containers.sifread import read

MAX_BYTES = 64 << 30


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
            found.append(read(world, path))
            left -= size
        except (OSError, NotSif) as error:
            reasons.append(f"{path}: {error}")
    if found:
        proved = all(any(s.integrity_ok for s in image.signatures) for image in found)
        grade = Grade.VERIFIED if proved else Grade.OBSERVED
        return Found(SifImages(tuple(found)), "; ".join(("SIF header and content", *reasons)), grade)
    return Absent("; ".join(reasons) or "the script names no image file")


PROBE = Probe(
    name="sif",
    kind=SifImages,
    collect=collect,
    phases=frozenset({Phase.SUBMIT, Phase.LATER}),
    source="SIF header and content",
)
