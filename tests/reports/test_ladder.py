"""How far are two images the same? Every row measured on real images, as literal facts; and promises that hold for all facts."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from probes.containers import ImageFacts, Level
from reports.judging.ladder import Same, same

A, B, C, D = (f"sha256:{digit * 64}" for digit in "abcd")
RUN = {"Cmd": '["/bin/sh"]', "Env": '["PATH=/bin"]'}
IMAGE = ImageFacts(
    "127.0.0.1:5000/lab/app:1",
    index=C,
    manifest=A,
    config=A,
    diff_ids=(A, B),
    settings=RUN,
    platform="linux/amd64",
    tree=A,
    tree_rules="1",
)
SIF = ImageFacts(
    "/scratch/app.sif",
    file=A,
    uuid="u",
    partition=A,
    definition=A,
    platform="linux/amd64",
    tree=A,
    tree_rules="1",
)
STRENGTH = [
    Level.DIFFERENT,
    Level.SAME_NAME,
    Level.SAME_FILES,
    Level.SAME_LAYERS_OTHER_SETTINGS,
    Level.SAME_LAYERS,
    Level.SAME_IMAGE,
    Level.BYTE_SAME,
]


@pytest.mark.parametrize(
    ("what", "a", "b", "level"),
    [
        ("registry to registry copy", IMAGE, replace(IMAGE, reference="other.org/app:1"), Level.BYTE_SAME),
        ("docker save, podman load, push", IMAGE, replace(IMAGE, manifest=B, index=""), Level.SAME_IMAGE),
        ("skopeo copy to the OCI format", IMAGE, replace(IMAGE, manifest=B, index="", config=B), Level.SAME_LAYERS),
        ("wrapped in an index", replace(IMAGE, index=""), replace(IMAGE, manifest="", index=D), Level.SAME_IMAGE),
        ("another default command", IMAGE, replace(IMAGE, manifest=B, index="", config=B, settings={}), Level.SAME_LAYERS),
        ("built by Podman, the default said", IMAGE, replace(IMAGE, manifest=B, index="", config=B, settings=RUN | {"WorkingDir": '"/"'}), Level.SAME_LAYERS),
        ("another entry point", IMAGE, replace(IMAGE, manifest=B, index="", config=B, settings={"Cmd": '["x"]'}), Level.SAME_LAYERS_OTHER_SETTINGS),
        ("built again, layer times differ", IMAGE, replace(IMAGE, manifest=B, index="", config=B, diff_ids=(A, C)), Level.SAME_FILES),
        ("built again, only ADD", IMAGE, replace(IMAGE, manifest=B, index="", config=B), Level.SAME_LAYERS),
        ("built twice with --timestamp 0", IMAGE, replace(IMAGE, reference="app:2", index=""), Level.BYTE_SAME),
        ("the tag was moved", IMAGE, replace(IMAGE, index=B, manifest=B, config=B, diff_ids=(C,), tree=B), Level.SAME_NAME),
        ("the tag was moved, trees not known", IMAGE, replace(IMAGE, index=B, manifest=B, config=B, diff_ids=(C,), tree=""), Level.SAME_NAME),
        ("other images", IMAGE, ImageFacts("python:3.11", config=B, diff_ids=(C,), tree=B, tree_rules="1"), Level.DIFFERENT),
        ("other images, trees not known", IMAGE, ImageFacts("python:3.11", config=B, diff_ids=(C,)), Level.UNKNOWN),
        ("one index, two platforms", IMAGE, ImageFacts("app:1", index=C, platform="linux/arm64"), Level.DIFFERENT),
        ("one index, same platform", IMAGE, ImageFacts("app:1", index=C, platform="linux/amd64"), Level.BYTE_SAME),
        ("one index, platform not known", IMAGE, ImageFacts("app:1", index=C), Level.UNKNOWN),
        ("pinned digest is a manifest's", IMAGE, ImageFacts("app", index=A), Level.BYTE_SAME),
        ("SIF copied, or through ORAS", SIF, replace(SIF, reference="/home/app.sif"), Level.BYTE_SAME),
        ("SIF signed", SIF, replace(SIF, file=B), Level.SAME_IMAGE),
        ("SIF with another recipe noted", SIF, replace(SIF, file=B, definition=B), Level.SAME_IMAGE),
        ("SIF built again", SIF, replace(SIF, file=B, uuid="v", partition=B), Level.SAME_FILES),
        ("SIF built again, trees not known", SIF, replace(SIF, reference="b.sif", file=B, partition=B, tree=""), Level.UNKNOWN),
        ("SIF replaced under its name", SIF, replace(SIF, file=B, uuid="v", partition=B, definition=B, tree=B), Level.SAME_NAME),
        ("SIF of an OCI image", SIF, IMAGE, Level.SAME_FILES),
        ("SIF of an OCI image, trees not known", replace(SIF, tree=""), IMAGE, Level.UNKNOWN),
        ("trees by other rules", SIF, replace(IMAGE, tree=B, tree_rules="2"), Level.UNKNOWN),
        ("nothing known", IMAGE, ImageFacts("127.0.0.1:5000/lab/app:1"), Level.UNKNOWN),
        ("nothing known of either", ImageFacts(""), ImageFacts(""), Level.UNKNOWN),
    ],
)  # fmt: skip
def test_what_was_measured_has_its_rung(what: str, a: ImageFacts, b: ImageFacts, level: Level) -> None:
    found = same(a, b)
    assert found.level is level, f"{what}: {found.why}"


def test_the_evidence_is_named() -> None:
    assert same(SIF, replace(SIF, file=B)) == Same(
        Level.SAME_IMAGE, f"the root file system is the same byte for byte: {A}, and so is its recipe"
    )
    assert same(IMAGE, replace(IMAGE, manifest=B, index="", config=B, settings={"Cmd": '["x"]'})) == Same(
        Level.SAME_LAYERS_OTHER_SETTINGS, "the same 2 layers, but they run with another Cmd, Env"
    )
    assert same(IMAGE, replace(IMAGE, reference="x", manifest=B, index="", config=B, diff_ids=(B,), tree="")) == Same(
        Level.UNKNOWN,
        "layers, configurations, manifests differ, which a rebuild or a conversion of the same files does too: no tree hash settles it",
    )
    assert same(IMAGE, ImageFacts("x", platform="linux/arm64")) == Same(
        Level.DIFFERENT, "for different platforms: linux/amd64 and linux/arm64"
    )


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        ("python", "docker.io/library/python:latest", True),
        ("docker://python:3.11", "python:3.11", True),
        ("python:3.11", "python:3.12", False),
        ("python:3.11", "ghcr.io/python:3.11", False),
        (f"python@{A}", f"python@{B}", False),
        (f"python:3.11@{A}", "python:3.11", True),
        ("images/x.sif", "images/x.sif", True),
        ("images/x.sif", "x.sif", False),
        ("", "", False),
    ],
)
def test_names_are_alike_whatever_is_left_to_the_default(a: str, b: str, alike: bool) -> None:
    level = same(ImageFacts(a, config=A, platform="linux/amd64"), ImageFacts(b, config=B, platform="linux/arm64")).level
    assert level is (Level.SAME_NAME if alike else Level.DIFFERENT)


@pytest.mark.parametrize(
    ("a", "b", "level"),
    [
        ("linux/arm64", "linux/arm64/v8", Level.BYTE_SAME),
        ("linux/arm/v6", "linux/arm/v7", Level.DIFFERENT),
        ("linux/arm", "linux/arm/v7", Level.UNKNOWN),
        ("linux/amd64", "linux/arm64", Level.DIFFERENT),
    ],
)
def test_platforms_are_compared_down_to_a_variant_that_both_tell(a: str, b: str, level: Level) -> None:
    assert same(ImageFacts("x", index=A, platform=a), ImageFacts("y", index=A, platform=b)).level is level


# An image as it really is decides all its digests: what is equal below is equal above. Two of them are drawn, then facts are hidden.


@st.composite
def truths(draw: st.DrawFn) -> ImageFacts:
    """All facts of one image: few files; packed, run, recorded and wrapped in a few ways."""
    files, packing, words, recipe, wrapping = (draw(st.integers(0, 1)) for _ in range(5))
    platform = draw(st.sampled_from(["linux/amd64", "linux/arm64"]))
    layers = f"{platform} {files} {packing}"
    config = f"{layers} {words}"
    return ImageFacts(
        draw(st.sampled_from(["app:1", "app:2"])),
        index=f"index {files} {packing} {words} {wrapping}",
        manifest=f"manifest {config} {wrapping}",
        config=f"config {config}",
        diff_ids=(f"layer {layers}",),
        settings={"Cmd": str(words)},
        file=f"file {config} {recipe} {wrapping}",
        partition=f"partition {config}",
        definition=f"recipe {recipe}",
        tree=f"tree {platform} {files}",
        tree_rules="1",
        platform=platform,
    )


HIDABLE = [f.name for f in fields(ImageFacts) if f.name not in {"reference", "source", "uuid", "tree_rules"}]
EMPTY = ImageFacts("")


def hide(facts: ImageFacts, names: set[str]) -> ImageFacts:
    return replace(facts, **{name: getattr(EMPTY, name) for name in names})


SOME = st.sets(st.sampled_from(HIDABLE))


@given(truths(), truths(), SOME, SOME)
def test_it_does_not_matter_which_is_asked_about_first(a: ImageFacts, b: ImageFacts, x: set[str], y: set[str]) -> None:
    assert same(hide(a, x), hide(b, y)) == same(hide(b, y), hide(a, x))


@settings(max_examples=500)
@given(truths(), truths(), SOME, SOME)
def test_hiding_facts_never_proves_more(a: ImageFacts, b: ImageFacts, x: set[str], y: set[str]) -> None:
    """Not more sameness than there is, and no difference where there is none."""
    truth, seen = same(a, b).level, same(hide(a, x), hide(b, y)).level
    if seen is Level.DIFFERENT:
        assert truth is Level.DIFFERENT
    elif seen is Level.SAME_LAYERS and truth is Level.SAME_LAYERS_OTHER_SETTINGS:
        assert "not compared" in same(hide(a, x), hide(b, y)).why
    elif seen is not Level.UNKNOWN:
        assert STRENGTH.index(seen) <= STRENGTH.index(truth)


@settings(max_examples=300)
@given(truths(), truths(), SOME, st.sampled_from(HIDABLE))
def test_one_more_fact_that_agrees_never_lowers(a: ImageFacts, b: ImageFacts, hidden: set[str], fact: str) -> None:
    if getattr(a, fact) != getattr(b, fact):
        return
    without = same(hide(a, hidden | {fact}), hide(b, hidden | {fact})).level
    with_it = same(hide(a, hidden - {fact}), hide(b, hidden - {fact})).level
    assert without is Level.UNKNOWN or STRENGTH.index(with_it) >= STRENGTH.index(without)


@given(truths(), SOME, SOME)
def test_an_image_never_differs_from_itself(a: ImageFacts, x: set[str], y: set[str]) -> None:
    assert same(a, a).level is Level.BYTE_SAME
    assert same(hide(a, x), hide(a, y)).level not in {Level.DIFFERENT, Level.SAME_NAME}


@given(truths(), truths(), SOME)
def test_without_a_fact_that_both_know_nothing_is_said(a: ImageFacts, b: ImageFacts, mine: set[str]) -> None:
    other = set(HIDABLE) - mine
    if "index" in mine:
        other |= {"manifest"}  # the digest of one may be called the other's
    assert same(hide(a, other), hide(b, mine | {"manifest", "index"})).level is Level.UNKNOWN
