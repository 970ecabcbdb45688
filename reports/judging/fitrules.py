"""Does the image fit the machine, and is its signature whole? Judges of tip 7 about what an image is."""

from __future__ import annotations

from collections.abc import Iterator

from auditor.model import Fact, Verdict
from probes.containers import EngineImages, RanImages, SifImages
from probes.hardware import Hardware
from reports.judging.amounts import some, words
from reports.judging.traces import both, called
from reports.judging.verdicts import Maybe, Unclear, failed, known, not_applicable, passed, weak

SAME = {
    "x86_64": "amd64",
    "aarch64": "arm64",
    "armv7l": "arm",
    "i686": "386",
    "ppc64le": "ppc64le",
    "s390x": "s390x",
    "riscv64": "riscv64",
}
"""`uname -m` -> the name that images use (OCI image index specification, platform; GOARCH)."""


def wrong_architecture(
    before: Maybe[RanImages],
    after: Maybe[RanImages],
    sif: Maybe[SifImages],
    engine: Maybe[EngineImages],
    machine: Maybe[Hardware],
) -> Verdict:
    ran = both(before, after)
    told = dict(_architectures(ran, sif, engine))
    looked = [f for f in (known(ran), known(sif), known(engine)) if f]
    if not told:
        if any(m is None for m in (ran, sif, engine)):
            raise Unclear("which image ran, and for which architecture it was built, is not known")
        return not_applicable("no image tells its architecture", *looked)
    if not isinstance(machine, Fact) or not machine.value.architecture:
        raise Unclear("the architecture of the node is not known")
    host = SAME.get(machine.value.architecture, machine.value.architecture)
    wrong = [f"{name} is for {architecture}" for name, architecture in told.items() if architecture != host]
    if wrong:
        name = wrong[0].split(" is for ")[0]
        fix = f"apptainer pull --arch {host} image.sif docker://IMAGE@sha256:DIGEST   # instead of {words([name])}"
        return failed(
            f"{some(wrong)}, and the node is {machine.value.architecture}: it ran by emulation, if at all", fix, *looked, machine
        )
    if any(m is None for m in (ran, sif, engine)):
        raise Unclear("not every image could be looked into")
    return passed(f"built for {host}, as the node is: {some(told)}", *looked, machine)


def _architectures(ran: Maybe[RanImages], sif: Maybe[SifImages], engine: Maybe[EngineImages]) -> Iterator[tuple[str, str]]:
    """Name -> GOARCH."""
    for one in traces.value.images if (traces := known(ran)) else ():
        if architecture := one.image.platform.partition("/")[2].partition("/")[0]:
            yield called(one), architecture
    for file in files.value.images if (files := known(sif)) else ():
        if file.architecture:
            yield file.path, SAME.get(file.architecture, file.architecture)
    for image in images.value.images if (images := known(engine)) else ():
        if image.architecture:
            yield image.reference, image.architecture


def bad_signature(sif: Fact[SifImages]) -> Verdict:
    signed = [(i, s) for i in sif.value.images for s in i.signatures]
    if not signed:
        return not_applicable("no image file is signed", sif)
    broken = [i.path for i, s in signed if s.integrity_ok is False]
    if broken:
        return failed(
            f"the signature does not fit what is in {some(broken)}: it was changed after it was signed",
            f"apptainer verify --all {words(broken[:1])}",
        )
    unread = [i.path for i, s in signed if s.integrity_ok is None]
    if unread:
        return weak(f"the signature of {some(unread)} could not be read", f"apptainer verify --all {words(unread[:1])}")
    whole = {i.path for i, s in signed if s.covers_root}
    if untold := [i.path for i, s in signed if i.path not in whole and not s.covers]:
        raise Unclear(f"which parts of {some(dict.fromkeys(untold))} are signed is not known")
    part = [(i, s) for i, s in signed if i.path not in whole]
    if part:
        image, signature = part[0]
        said = f"{image.path}: only {signature.covers} is signed, and not its root file system, which anybody may exchange"
        return weak(said, f"apptainer sign {words([image.path])}   # signs every part")
    return passed(
        f"signed, and the signed digests recomputed: {some(f'{i.path} ({s.covers}, {s.fingerprint[-16:] or s.kind})' for i, s in signed if s.covers_root)}"
    )
