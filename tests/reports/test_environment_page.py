"""Can a reader say which image ran, whether it can be had again, and what leaked in, from every page?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from auditor.scorecard import Count, ImageSeen, Surroundings, Way
from reports.formats import environment, html, markdown, terminal
from tests.reports import sample
from tests.reports.pages import Page

GOOD = sample.good()


def text(name: str) -> str:
    if name == "html":
        return Page(html.render(GOOD)).text
    return (markdown if name == "markdown" else terminal).render(GOOD).decode()


@pytest.mark.parametrize("name", ["html", "markdown", "terminal"])
def test_every_page_names_the_image_its_digest_the_ways_and_the_leaks(name: str) -> None:
    page = text(name)

    for told in (
        "images/torch.sif",
        "There as the job started" if name == "html" else "there as the job started",
        f"file sha256:{sample.IMAGE[:12]}",
        "This environment can be had again, and that was tried: by image by digest.",
        "Image by digest",
        "1 module by name: cuda/12.4",
        "2 things of the host reached in: writable, GPU; 1 of them can change what runs.",
        "1,138 pieces of software known: 926 Debian, 212 Python.",
    ):
        assert told in page.replace("\\", "").replace("\n  ", " "), told


def test_a_run_of_which_nothing_is_known_says_so() -> None:
    page = Page(html.render(sample.bare())).text

    for told in (
        "Nothing is known that could bring this environment back.",
        "No container image is named, and none was seen to run.",
        "Nothing is known that reached in from the host.",
        "No list of software was seen.",
    ):
        assert told in page


def test_software_outside_of_the_image_is_told_as_the_host_s() -> None:
    counts = (Count("deb", 819, True), Count("compiler", 1, True), Count("pypi", 12))
    card = replace(GOOD, surroundings=Surroundings(counts=counts))

    assert environment.software(card) == (
        "12 pieces of software known: 12 Python. What is inside of the image is not listed. "
        "Outside of it, of the host: 820 pieces (819 Debian, 1 compiler)."
    )


def test_a_way_that_is_none_was_not_left_untried() -> None:
    assert environment.state(Way("nothing", "recorded", "", "")) == "no way"
    assert environment.state(Way("image-file", "recorded", "", "")) == "recorded, not tried"


def test_a_cache_that_holds_several_does_not_tell_which_one_ran() -> None:
    one = ImageSeen("docker://lab/x:1", "apptainer", "cache", "2 images in the cache fit", (), "", "", "")

    assert environment.how(one) == "the runtime's cache does not tell which one ran"
    assert environment.how(replace(one, digests=("manifest sha256:0",))) == "found in the runtime's cache"


@pytest.mark.parametrize(
    ("state", "look"),
    [("confirmed", "none"), ("recorded", "unknown"), ("partial", "found"), ("lost", "found"), ("new", "unknown")],
)
def test_the_headline_follows_all_of_the_environment_and_not_its_best_part(state: str, look: str) -> None:
    best = Way("lock-with-hashes", "recorded", "12 packages")
    card = replace(GOOD, surroundings=Surroundings(again=state, ways=(best,)))

    said, seen = environment.verdict(card)
    assert "lock with hashes" in said
    assert seen == look
