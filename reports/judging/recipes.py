"""What in an image's own recipe is not fixed, so that it would build something else elsewhere or tomorrow? Pure over one image file."""

from __future__ import annotations

from probes.containers import SifImage, SifStage
from reports.judging.amounts import some

LOCAL = frozenset(("localimage", "docker-archive", "docker-daemon", "oci", "oci-archive"))
"""Bootstrap agents that start from something only that machine had."""
MIRRORS = frozenset(("debootstrap", "yum", "zypper", "arch", "busybox"))
"""These install whatever the mirror holds on the day."""


def stages(image: SifImage) -> tuple[SifStage, ...]:
    """Each base that the recipe builds on; evidence from before stages were read knows the last one only."""
    if image.stages or not image.bootstrap:
        return image.stages
    agent = image.bootstrap.lower()
    return (SifStage("", agent, image.base, image.base_pinned, agent in LOCAL),)


def called(stage: SifStage, image: SifImage) -> str:
    """`stage build of img.sif`, or the image's path where it has one stage."""
    return f"stage {stage.name or stage.base} of {image.path}" if len(stages(image)) > 1 else image.path


def local(image: SifImage) -> tuple[SifStage, ...]:
    return tuple(stage for stage in stages(image) if stage.local)


def mirrored(image: SifImage) -> tuple[SifStage, ...]:
    return tuple(stage for stage in stages(image) if stage.bootstrap in MIRRORS)


def moving(image: SifImage) -> tuple[SifStage, ...]:
    """Named by a tag, which may mean another image when it is built again."""
    return tuple(
        stage for stage in stages(image) if not (stage.pinned or stage.local or stage.bootstrap in MIRRORS | {"scratch"})
    )


def beside(image: SifImage) -> tuple[str, ...]:
    """Files of the building machine that `%files` copies in; relative ones lie beside the definition."""
    return tuple(dict.fromkeys(file for stage in stages(image) for file in stage.files))


def foreign(image: SifImage) -> tuple[str, ...]:
    """Those of them that no folder with the definition brings along."""
    return tuple(file for file in beside(image) if file.startswith(("/", "~", "$", "..")))


def loose(image: SifImage) -> str:
    """All of it in one clause; empty where the same definition builds on the same things."""
    told = [f"{stage.base or stage.bootstrap} is on one machine only" for stage in local(image)]
    told += [f"{stage.bootstrap} takes what its mirror has that day" for stage in mirrored(image)]
    told += [f"{stage.base} is not pinned" for stage in moving(image)]
    files = foreign(image)
    return "; ".join([*told, *([f"%files copies {some(files)} of the building machine"] if files else [])])
