"""Which images does a bundle carry, and what does it say of those it does not? Image files of this machine; no runtime needed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from auditor.model import AuditError, Evidence, Phase
from probes.containers import ContainerIdentities, ContainerReferences, ImageFacts, ImageIdentity, RanImage, RanImages, Reference
from reports.archive.bundle import BundleInfo
from reports.archive.verify import verify
from tests import archived, factory
from tests.factory import seen
from tests.reports.test_verify import files

DIGEST = f"sha256:{'c' * 64}"


def names(*references: Reference) -> Evidence:
    return seen(ContainerReferences(references))


def sif(path: str = "fit.sif") -> Reference:
    return Reference("apptainer", path, path, "file", "", "", "", "", 3)


def tag(text: str = "docker://quay.io/lab/fit:1", **changes: Any) -> Reference:
    fields: dict[str, Any] = {"registry": "quay.io", "name": "lab/fit", "tag": "1", "digest": "", "line": 3, **changes}
    return Reference("apptainer", text, text, "docker", **fields)


def was(content: str, path: str = "fit.sif") -> Evidence:
    identity = ImageIdentity(path, "ok", "", sha256=factory.sha(content), size=len(content))
    return seen(ContainerIdentities((identity,)), phase=Phase.START)


def bundle(folder: Path, *evidence: Evidence, image: str = "image", **options: Any) -> BundleInfo:
    (folder / "work").mkdir(parents=True)
    if image:
        (folder / "work" / "fit.sif").write_text(image)
    return archived.bundle(folder, *evidence, **options)


def test_by_default_an_image_is_named_by_digest_and_stays_where_it_is(tmp_path: Path) -> None:
    (image,) = bundle(tmp_path, names(sif()), was("image")).images
    assert (image.sha256, image.carried, image.reason) == (factory.sha("image"), "", "by digest only")
    assert not [n for n in files(tmp_path / "fit.crate.zip") if n.startswith("data/images/")]


def test_on_request_an_image_file_travels_as_it_is_and_the_bundle_is_whole(tmp_path: Path) -> None:
    info = bundle(tmp_path, names(sif()), was("image"), image_policy="carry")
    assert [(i.carried, i.form, i.size) for i in info.images] == [("images/fit.sif", "file", 5)]
    assert files(tmp_path / "fit.crate.zip")["data/images/fit.sif"] == b"image"
    assert verify(info.path).problems == ()


def test_the_same_run_makes_the_same_bundle_twice(tmp_path: Path) -> None:
    one = bundle(tmp_path / "a", names(sif()), was("image"), image_policy="carry")
    (tmp_path / "a" / "work").rename(tmp_path / "kept")
    (tmp_path / "kept").rename(tmp_path / "a" / "work")
    two = archived.bundle(tmp_path / "a", names(sif()), was("image"), image_policy="carry")
    assert one.id == two.id


@pytest.mark.parametrize(
    ("image", "seen_as", "limit", "reason"),
    [
        ("imagE", "image", 100, "the file has changed since the run"),
        ("", "image", 100, "the file is not there any more"),
        ("image", "image", 4, "5 bytes are over the limit (of 4 that are left): --images-limit raises it"),
    ],
)
def test_an_image_that_is_not_carried_says_why(tmp_path: Path, image: str, seen_as: str, limit: int, reason: str) -> None:
    info = bundle(tmp_path, names(sif()), was(seen_as), image=image, image_policy="carry", image_limit=limit)
    assert [(i.carried, i.reason) for i in info.images] == [("", reason)]
    recipe = json.loads(files(tmp_path / "fit.crate.zip")["data/replay.json"])
    assert f"image fit.sif is not carried and has no digest to pull it by: {reason}" in recipe["gaps"]


def test_an_image_that_nobody_hashed_is_not_carried(tmp_path: Path) -> None:
    assert bundle(tmp_path, names(sif()), image_policy="carry").images[0].reason == "its content was not seen in the run"


def test_an_image_that_travels_as_an_input_does_not_travel_twice(tmp_path: Path) -> None:
    given = factory.manifest(
        factory.file("in.csv", content=archived.INPUT), factory.file("fit.sif", content="image"), root=f"{tmp_path}/work"
    )
    info = bundle(
        tmp_path, names(sif()), was("image"), seen(given, phase=Phase.START, taken_at=factory.at(2)), image_policy="carry"
    )
    assert [i.carried for i in info.images] == ["inputs/fit.sif"]


def test_a_digest_that_ran_behind_a_tag_is_what_a_replay_pulls(tmp_path: Path) -> None:
    ran = RanImages((RanImage("apptainer", "cache", tag().text, ImageFacts(tag().text, manifest=DIGEST), "its key"),))
    (image,) = bundle(tmp_path, names(tag()), seen(ran, phase=Phase.LATER)).images
    assert (image.pull, image.facts) == (f"quay.io/lab/fit@{DIGEST}", ImageFacts(tag().text, manifest=DIGEST))


def test_the_digest_that_a_name_carries_is_what_a_replay_pulls(tmp_path: Path) -> None:
    (image,) = bundle(tmp_path, names(tag(f"docker://quay.io/lab/fit@{DIGEST}", tag="", digest=DIGEST))).images
    assert image.pull == f"quay.io/lab/fit@{DIGEST}"


def test_what_the_job_makes_itself_is_not_asked_of_a_replay(tmp_path: Path) -> None:
    pulled = tag(action="fetch")
    made = Reference("apptainer", "fit.sif", "fit.sif", "file", "", "", "", "", 4, origin=pulled.text)
    recipe = Reference("docker", "Dockerfile", "Dockerfile", "recipe", "", "", "", "", 5)
    info = bundle(tmp_path, names(pulled, made, recipe))
    assert [i.reference for i in info.images] == [pulled.text]


def test_the_crate_says_where_an_image_lies_in_it(tmp_path: Path) -> None:
    bundle(tmp_path, names(sif()), was("image"), image_policy="carry")
    graph = json.loads(files(tmp_path / "fit.crate.zip")["data/ro-crate-metadata.json"])["@graph"]
    (image,) = [e for e in graph if e["@type"] == "ContainerImage"]
    assert (image["name"], image["sha256"], image["encoding"]) == ("fit.sif", factory.sha("image"), {"@id": "images/fit.sif"})
    (file,) = [e for e in graph if e["@id"] == "images/fit.sif"]
    assert (file["@type"], file["sha256"], file["contentSize"]) == ("File", factory.sha("image"), "5")


def test_instructions_for_a_person_name_every_way_to_the_image(tmp_path: Path) -> None:
    bundle(tmp_path, names(sif()), was("image"), image_policy="carry")
    page = files(tmp_path / "fit.crate.zip")["data/REPLAY.md"].decode()
    assert "2. Image `fit.sif`: the file images/fit.sif." in page


def test_another_word_for_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="images 'all' is none of digest, carry, fetch"):
        bundle(tmp_path, image_policy="all")


def test_what_was_seen_when_the_job_started_does_not_hide_what_was_seen_when_it_was_over(tmp_path: Path) -> None:
    """A marker of the machine's own container at the start; the digest behind the tag only afterwards."""
    around = RanImages((RanImage("docker", "inside", "", ImageFacts(""), "/.dockerenv"),))
    ran = RanImages((RanImage("apptainer", "cache", tag().text, ImageFacts(tag().text, manifest=DIGEST), "its key"),))
    info = bundle(tmp_path, names(tag()), seen(around, phase=Phase.START), seen(ran, phase=Phase.LATER))
    assert [i.pull for i in info.images] == [f"quay.io/lab/fit@{DIGEST}"]
