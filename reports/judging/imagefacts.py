"""What does this piece of evidence say that identifies an image? Every source in the one shape that the ladder compares. Pure."""

from __future__ import annotations

from dataclasses import replace

from probes.containers import EngineImage, ImageFacts, ImageIdentity, RanImage, RegistryImage, SifImage

Known = EngineImage | SifImage | RanImage | RegistryImage | ImageIdentity


def facts(value: Known) -> ImageFacts:
    """Only what the source really knows: a digest that may be an index's goes where an index's goes."""
    if isinstance(value, EngineImage):
        return _engine(value)
    if isinstance(value, SifImage):
        return _sif(value)
    if isinstance(value, RanImage):
        return _named(value.image, value.typed, value.evidence)
    if isinstance(value, RegistryImage):
        return _named(value.image, value.reference, "the registry")
    return _identity(value)


def _named(image: ImageFacts, reference: str, source: str) -> ImageFacts:
    return replace(image, reference=image.reference or reference, source=image.source or source)


def _engine(image: EngineImage) -> ImageFacts:
    """An engine notes the digest that a name was pulled by: a manifest's, or the index's over several platforms. It does not say which."""
    return ImageFacts(
        image.reference,
        index=image.manifest_digest,
        config=image.config_digest,
        diff_ids=image.diff_ids,
        platform=f"{image.os}/{image.architecture}" if image.os and image.architecture else "",
        source=f"{image.engine} {image.engine_version}".strip(),
    )


def _sif(image: SifImage) -> ImageFacts:
    return ImageFacts(
        image.path,
        file=_sha256(image.file_sha256),
        uuid=image.uuid,
        partition=_partition(image),
        definition=_sha256(image.definition_sha256),
        platform=f"linux/{image.architecture}" if image.architecture else "",
        source=f"the image file {image.path}",
    )


def _partition(image: SifImage) -> str:
    return _sha256(image.partition_sha256)


def _identity(seen: ImageIdentity) -> ImageFacts:
    """A name's own digest may be an index's. An engine's image id is a configuration's or a manifest's: alone, it says nothing."""
    pinned = seen.reference.rpartition("@")[2] if "@sha256:" in seen.reference else ""
    return ImageFacts(
        seen.reference,
        index=pinned or ("" if seen.engine or not seen.image_id.startswith("sha256:") else seen.image_id),
        file=_sha256(seen.sha256),
        uuid=seen.image_id.removeprefix("uuid:") if seen.image_id.startswith("uuid:") else "",
        source=f"{seen.engine} at that moment" if seen.engine else "the name" if pinned else "the file at that moment",
    )


def _sha256(bare: str) -> str:
    return f"sha256:{bare}" if bare else ""
