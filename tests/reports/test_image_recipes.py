"""What does tip 7 say of recipes in stages, signatures over a part, and files that nobody without the key can read?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.model import Evidence, Outcome
from auditor.scorecard import Way
from probes.containers import EngineImages, SifImage, SifImages, SifSbom, SifSignature, SifStage
from reports.judging.imagenotes import notes
from reports.judging.known import known
from reports.judging.ranking import ways
from reports.judging.record import record
from tests.factory import seen, sha, unseen
from tests.reports.ask import FAILED, NOT_APPLICABLE, PASSED, UNKNOWN, WEAK, advised, said

DIGEST = "sha256:" + "c" * 64
BASE = SifStage("", "docker", f"debian@{DIGEST}", True, False)
BUILD = SifStage("build", "docker", "golang:1.23", False, False)
IMAGE = SifImage(
    "img.sif", 900, sha("img"), "7d0e", "amd64", "2026-05-04T10:00:00+00:00", sha("squashfs"), "squashfs", "Bootstrap: docker", sha("def"),
    "docker", BASE.base, True, {}, (), (), (BASE,),
)  # fmt: skip
SIGNED = SifSignature("pgp", "AB12", True, covers="group 1", covers_root=True)
NO_ENGINE = unseen(EngineImages, "no image of an engine is named")


def files(**changes: object) -> Evidence:
    return seen(SifImages((replace(IMAGE, **changes),)))  # type: ignore[arg-type]


def way(name: str, evidence: Evidence) -> Way:
    (found,) = [w for w in ways(known(record((evidence,), 0))) if w.name == name]
    return found


RECIPES: dict[str, tuple[tuple[SifStage, ...], Outcome, str, str]] = {
    "one pinned base": ((BASE,), PASSED, "built from a pinned base: img.sif", ""),
    "an earlier stage by tag": (
        (BUILD, BASE),
        WEAK,
        "stage build of img.sif was built from golang:1.23, which is not pinned",
        "skopeo inspect --format '{{.Digest}}' docker://golang:1.23   # tells the digest\n"
        "From: golang@sha256:DIGEST   # in the definition of img.sif",
    ),
    "an earlier stage that only one machine has": (
        (SifStage("build", "localimage", "tools.sif", False, True), BASE),
        FAILED,
        "stage build of img.sif was built from tools.sif by localimage: only that machine had it",
        "apptainer push tools.sif oras://REGISTRY/NAME:1\n"
        "Bootstrap: oras\nFrom: REGISTRY/NAME@sha256:DIGEST   # in the definition of img.sif",
    ),
    "packages of the day": (
        (SifStage("", "debootstrap", "trixie", False, False),),
        WEAK,
        "img.sif was built by debootstrap from a mirror that changes every day",
        "MirrorURL: https://snapshot.debian.org/archive/debian/20260504T000000Z/   # a mirror of one day, in the definition of img.sif",
    ),
    "files from anywhere on the building machine": (
        (replace(BASE, files=("app.py", "/opt/site/lib")),),
        WEAK,
        "%files of img.sif copies from the building machine: /opt/site/lib",
        "cp -r /opt/site/lib .   # beside the definition of img.sif, and relative paths in its %files",
    ),
    "files beside the definition": (
        (replace(BASE, files=("app.py",)),),
        PASSED,
        "built from a pinned base: img.sif (with app.py, kept beside the definition)",
        "",
    ),
    "from nothing": ((SifStage("", "scratch", "", False, False),), PASSED, "built from a pinned base: img.sif", ""),
}


@pytest.mark.parametrize("name", RECIPES)
def test_every_stage_of_a_recipe_counts(name: str) -> None:
    stages, outcome, message, fix = RECIPES[name]

    assert (*said("loose-recipe", files(stages=stages)), advised("loose-recipe", files(stages=stages))[1]) == (
        outcome,
        message,
        fix,
    )


def test_the_way_back_by_a_recipe_is_as_good_as_its_loosest_stage() -> None:
    assert way("image-recipe", files()).state == "recorded"
    open_ = way("image-recipe", files(stages=(BUILD, BASE)))
    assert (open_.state, open_.evidence) == (
        "partial",
        "the definition inside img.sif: golang:1.23 is not pinned",
    )


def test_evidence_from_before_stages_were_read_knows_the_last_base() -> None:
    old = files(stages=(), base="debian:13", base_pinned=False)

    assert said("loose-recipe", old) == (WEAK, "img.sif was built from debian:13, which is not pinned")


SIGNATURES: dict[str, tuple[tuple[SifSignature, ...], Outcome, str]] = {
    "nobody signed": ((), NOT_APPLICABLE, "no image file is signed"),
    "all is signed": (
        (SIGNED,),
        PASSED,
        "signed, and the signed digests recomputed: img.sif (group 1, AB12)",
    ),
    "only the labels are signed": (
        (replace(SIGNED, covers="object 3", covers_root=False),),
        WEAK,
        "img.sif: only object 3 is signed, and not its root file system, which anybody may exchange",
    ),
    "one over a part beside one over all": (
        (replace(SIGNED, covers="object 3", covers_root=False), SIGNED),
        PASSED,
        "signed, and the signed digests recomputed: img.sif (group 1, AB12)",
    ),
    "changed since": (
        (SIGNED, replace(SIGNED, integrity_ok=False)),
        FAILED,
        "the signature does not fit what is in img.sif: it was changed after it was signed",
    ),
    "seen by a reader that did not look what is signed": (
        (replace(SIGNED, covers="", covers_root=False),),
        UNKNOWN,
        "which parts of img.sif are signed is not known",
    ),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_a_signature_speaks_for_what_it_covers(name: str) -> None:
    signatures, outcome, message = SIGNATURES[name]

    assert said("bad-signature", files(signatures=signatures)) == (outcome, message)


def test_what_is_inside_an_encrypted_file_is_not_known_and_the_file_alone_brings_nothing_back() -> None:
    sealed = files(encrypted=True, base="", stages=(), bootstrap="", definition="")

    assert said("unknown-base", sealed, NO_ENGINE) == (UNKNOWN, "img.sif is encrypted: what is inside cannot be read")
    assert said("foreign-revision", sealed, NO_ENGINE) == (UNKNOWN, "img.sif is encrypted: its labels cannot be read")
    assert (way("image-file", sealed).state, way("image-file", files()).state) == ("partial", "recorded")


def test_a_page_tells_what_an_image_file_says_of_itself() -> None:
    image = replace(
        IMAGE,
        encrypted=True,
        overlays=(sha("overlay"),),
        signatures=(SIGNED,),
        stages=(BUILD, BASE),
        sboms=(SifSbom("parts.json", "cyclonedx-json", sha("parts"), 9),),
    )
    assert notes(image) == (
        "encrypted: what is inside could not be looked at",
        "1 overlay on top of the root file system",
        "the signature over group 1 fits what is there",
        f"built from golang:1.23, debian@{DIGEST}",
        "holds a list of its parts: parts.json (cyclonedx-json)",
    )
