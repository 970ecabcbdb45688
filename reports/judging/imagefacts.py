"""What does this piece of evidence say that identifies an image? Every source in the one shape that the ladder compares. Pure."""

from __future__ import annotations

import hashlib
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
    """An engine notes the digest that a name was pulled by; where it cannot tell a manifest's from an index's, it is taken as the latter."""
    return ImageFacts(
        image.reference,
        index=image.index_digest or ("" if image.manifest_sure else image.manifest_digest),
        manifest=image.manifest_digest if image.manifest_sure else "",
        config=image.config_digest,
        diff_ids=image.diff_ids,
        settings=image.settings,
        platform="/".join(part for part in (image.os, image.architecture, image.variant) if part) if image.architecture else "",
        source=f"{image.engine} {image.engine_version}".strip(),
    )


def _sif(image: SifImage) -> ImageFacts:
    return ImageFacts(
        image.path,
        index=image.index_digest,
        manifest=image.manifest_digest,
        config=image.config_digest,
        diff_ids=image.diff_ids,
        settings=image.settings,
        file=_sha256(image.file_sha256),
        uuid=image.uuid,
        partition=_partition(image),
        definition=_sha256(image.definition_sha256),
        tree="" if image.overlays else image.tree,
        tree_rules=image.tree_rules,
        platform=f"linux/{image.architecture}" if image.architecture else "",
        source=f"the image file {image.path}",
    )


def _partition(image: SifImage) -> str:
    """Of the root file system and of what lies over it: with another overlay the same partition is another image."""
    if not image.overlays:
        return _sha256(image.partition_sha256)
    return _sha256(hashlib.sha256(" ".join((image.partition_sha256, *image.overlays)).encode()).hexdigest())


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
