"""What does an image file tell of itself beyond its digests: lists of parts, signatures, encryption, layers of state? Pure, for pages."""

from __future__ import annotations

from auditor.model import Fact
from auditor.scorecard import PartsList
from probes.containers import ImageFacts, SifImage, SifImages
from reports.judging.amounts import several, some
from reports.judging.recipes import stages


def file_of(files: Fact[SifImages] | None, name: str, image: ImageFacts) -> SifImage | None:
    """The file that this image is: by content where both are known, else by its whole path or the end of it."""
    for file in files.value.images if files else ():
        if image.file:
            if image.file == f"sha256:{file.file_sha256}":
                return file
        elif file.path == name or file.path.endswith(f"/{name.removeprefix('./')}"):
            return file
    return None


def parts(file: SifImage | None) -> tuple[PartsList, ...]:
    return tuple(PartsList(s.name, s.format, f"sha256:{s.sha256}", s.size) for s in file.sboms) if file else ()


def notes(file: SifImage | None) -> tuple[str, ...]:
    """In the order in which they matter to somebody who wants to have it again."""
    if file is None:
        return ()
    told = ["encrypted: what is inside could not be looked at"] if file.encrypted else []
    told += [f"{several(len(file.overlays), 'overlay')} on top of the root file system"] if file.overlays else []
    told += [_signed(file)] if file.signatures else []
    built = [stage.base or stage.bootstrap for stage in stages(file)]
    told += [f"built from {some(built)}"] if built else []
    told += [f"holds a list of its parts: {s.name} ({s.format or 'of no known format'})" for s in file.sboms[:5]]
    return tuple(told)


def _signed(file: SifImage) -> str:
    fits = {True: "fits what is there", False: "does not fit what is there", None: "could not be read"}
    return some(f"the signature over {s.covers or 'parts that are not known'} {fits[s.integrity_ok]}" for s in file.signatures)
