"""What does each kind of evidence say that identifies an image, and what does it not say?"""

from __future__ import annotations

from dataclasses import replace

from probes.containers import EngineImage, ImageFacts, ImageIdentity, Level, RanImage, RegistryImage, SifImage
from reports.judging.imagefacts import facts
from reports.judging.ladder import same

A, B, C = (f"sha256:{digit * 64}" for digit in "abc")
BARE = "a" * 64
ENGINE = EngineImage(
    "app:1", "docker", "20.10.24", "classic", A, A, B, (f"app@{B}",), (C,), C, "linux", "amd64", "", {}, settings={"Cmd": '["a"]'}
)
SIF = SifImage(
    "x.sif",
    9,
    BARE,
    "u",
    "amd64",
    "",
    "b" * 64,
    "squashfs",
    "Bootstrap: x",
    "c" * 64,
    "x",
    "",
    False,
    {},
    (),
    (),
    tree=C,
    tree_rules="1",
)


def test_a_digest_that_an_engine_only_knows_by_name_is_taken_as_an_index_s() -> None:
    assert facts(ENGINE) == ImageFacts(
        "app:1", index=B, config=A, diff_ids=(C,), settings={"Cmd": '["a"]'}, platform="linux/amd64", source="docker 20.10.24"
    )
    sure = facts(replace(ENGINE, manifest_sure=True, index_digest=C, variant="v3"))
    assert (sure.manifest, sure.index, sure.platform) == (B, C, "linux/amd64/v3")


def test_an_image_file_has_the_digests_of_its_parts() -> None:
    assert facts(SIF) == ImageFacts(
        "x.sif",
        file=A,
        uuid="u",
        partition=B,
        definition=C,
        tree=C,
        tree_rules="1",
        platform="linux/amd64",
        source="the image file x.sif",
    )


def test_an_overlay_makes_another_image_of_the_same_partition() -> None:
    plain, other = facts(SIF), facts(replace(SIF, file_sha256="c" * 64, overlays=("d" * 64,)))
    assert (other.partition == plain.partition, other.tree) == (False, "")
    assert same(plain, replace(other, reference="y.sif")).level is Level.UNKNOWN


def test_what_an_oci_image_file_holds_is_what_a_registry_knows() -> None:
    found = facts(replace(SIF, partition_sha256="", manifest_digest=B, config_digest=C, diff_ids=(A,)))
    assert same(found, facts(RegistryImage("app:1", "there", "", ImageFacts("app:1", manifest=B)))).level is Level.BYTE_SAME


def test_a_name_s_own_digest_may_be_an_index_s_and_an_engine_s_id_alone_says_nothing() -> None:
    assert facts(ImageIdentity(f"python@{B}", "ok", "pinned", image_id=B)).index == B
    assert facts(ImageIdentity("python:3", "ok", "", image_id=A, engine="docker")) == ImageFacts(
        "python:3", source="docker at that moment"
    )


def test_a_file_at_a_moment_is_known_by_content_and_id() -> None:
    found = facts(ImageIdentity("x.sif", "ok", "", sha256=BARE, size=9, image_id="uuid:u"))
    assert found == ImageFacts("x.sif", file=A, uuid="u", source="the file at that moment")
    assert same(found, facts(SIF)).level is Level.BYTE_SAME


def test_what_ran_and_what_a_registry_has_keep_their_own_words() -> None:
    ran = RanImage("apptainer", "cache", "docker://app:1", ImageFacts("", manifest=B), "the key in the cache")
    assert facts(ran) == ImageFacts("docker://app:1", manifest=B, source="the key in the cache")
    there = RegistryImage("app:1", "there", "", ImageFacts("app:1", manifest=B, source="registry 127.0.0.1"))
    assert facts(there) == ImageFacts("app:1", manifest=B, source="registry 127.0.0.1")
