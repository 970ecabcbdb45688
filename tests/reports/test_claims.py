"""Which claims of a paper hold? The file that names them, and each state it can end in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from auditor.claimed import ClaimChecked, PaperAuthor, Standing
from auditor.model import AuditError, Evidence, Phase
from auditor.verdict import OutputVerdict, ReplayVerdict, Sameness
from probes.data import Skipped
from reports.claims.check import Content, check, made
from reports.claims.read import Claim, Claims, read
from tests import archived, factory
from tests.factory import at, job, seen, sha

FILE = """
[paper]
title = "Lines"
reference = "https://doi.org/10.1234/lines"
[[paper.authors]]
name = "Ada Lovelace"
orcid = "0000-0002-1825-0097"
[[claim]]
name = "Figure 3"
says = "the slope is two"
run = 123
output = "out.csv"
[[claim]]
name = "Table 1"
run = "123"
sha256 = "SHA"
"""
OUT = factory.file("out.csv", "output", archived.OUTPUT)
OUTPUTS = factory.manifest(OUT, factory.file("metrics.json", "output", archived.METRICS))


def listed(*files: object, **changes: object) -> Evidence:
    return seen(replace(OUTPUTS, **changes), phase=Phase.END)


def verdict(
    sameness: Sameness, when: int = 20, expected: str = OUT.sha256, here: bool = False, place: str = "out.csv"
) -> Evidence:
    output = OutputVerdict(place, sameness, "csv", "", expected, sha("x"))
    told = ReplayVerdict(
        "b" * 64, job().run_id, sameness, "", (output,), (), "local", here, "none", "host", at(when), at(when), "0.1"
    )
    return seen(told, phase=Phase.LATER, taken_at=at(when))


def checked(claim: Claim, *evidence: Evidence, content: Content | None = None) -> ClaimChecked:
    return check(claim, made(job(), evidence), content or Content())


def state(claim: Claim, *evidence: Evidence, content: Content | None = None) -> tuple[str, str]:
    found = checked(claim, *evidence, content=content)
    return found.standing.value, found.why


PLACE = Claim("Figure 3", "123", output="out.csv")


def test_a_file_of_claims_says_the_paper_and_its_claims() -> None:
    told = read(FILE.replace("SHA", "AB" * 32).encode(), "claims.toml")

    assert told == Claims(
        "Lines",
        "https://doi.org/10.1234/lines",
        (PaperAuthor("Ada Lovelace", "0000-0002-1825-0097"),),
        (
            Claim("Figure 3", "123", "the slope is two", "out.csv"),
            Claim("Table 1", "123", sha256="ab" * 32),
        ),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds 0 claims"),
        ("claim = 3", "`claim` no list of tables"),
        ("claim = [3]", "claim 1 is no table"),
        ("[[claim]]\nname = 'a'\nrun = '1'\noutput = 'x'\ncolour = 1", "claim 1: there is no key `colour`"),
        ("[[claim]]\nname = 'a'\noutput = 'x'", "claim 1: `run` is missing"),
        ("[[claim]]\nname = 'a'\nrun = '1'", r"claim 1 \(a\) names no content"),
        ("[[claim]]\nname = 'a'\nrun = '1'\nsha256 = 'abc'", "`sha256` is no 64 hex digits"),
        ("[[claim]]\nname = 'a'\nrun = true\noutput = 'x'", "`run` has the value True"),
        ("[[claim]]\nname = 'a'\nrun = '1'\noutput = 'x'\n" * 2, "two claims are called 'a'"),
        ("[paper]\nauthors = 'me'\n[[claim]]\nname = 'a'\nrun = '1'\noutput = 'x'", "`authors` is no list of tables"),
        ("[[claim", "is not TOML"),
        ("x = " + "[" * 100_000, "is not TOML"),
    ],
)
def test_a_mistake_in_it_is_one_line_that_names_the_place(text: str, message: str) -> None:
    with pytest.raises(AuditError, match=message):
        read(text.encode(), "claims.toml")


def test_a_huge_or_binary_file_is_no_file_of_claims() -> None:
    for raw in (b"x" * (2 << 20), b"\xff\x00"):
        with pytest.raises(AuditError):
            read(raw, "claims.toml")


def test_an_output_that_nobody_replayed_is_linked_and_holds() -> None:
    found = checked(PLACE, listed())

    assert (found.standing, found.sha256, found.run_id) == (Standing.LINKED, OUT.sha256, job().run_id)
    assert found.standing.holds


def test_an_output_that_a_replay_made_again_is_replayed() -> None:
    assert state(PLACE, listed(), verdict(Sameness.EQUIVALENT)) == ("replayed", "equivalent in a replay on another machine")
    assert state(PLACE, listed(), verdict(Sameness.IDENTICAL, here=True)) == (
        "replayed",
        "identical in a replay on the same machine",
    )


def test_the_newest_replay_decides_and_an_older_one_is_not_hidden() -> None:
    good, bad = verdict(Sameness.IDENTICAL, 20), verdict(Sameness.DIFFERENT, 30)
    assert state(PLACE, listed(), good, bad) == (
        "contradicted",
        "a replay on another machine made something else; an older replay made it again",
    )
    good, bad = verdict(Sameness.IDENTICAL, 40), verdict(Sameness.DIFFERENT, 30)
    assert state(PLACE, listed(), good, bad) == (
        "replayed",
        "identical in a replay on another machine; an older replay made something else",
    )


def test_a_replay_of_another_content_another_output_or_that_did_not_run_says_nothing() -> None:
    for other in (
        verdict(Sameness.IDENTICAL, expected=sha("another")),
        verdict(Sameness.IDENTICAL, place="metrics.json"),
        verdict(Sameness.NOT_RUN),
    ):
        assert state(PLACE, listed(), other) == ("linked", "an output of the run; no replay has compared it")


def test_a_content_finds_its_output_by_digest() -> None:
    assert checked(Claim("T", "123", sha256=sha(archived.METRICS)), listed()).output == "metrics.json"


def test_a_place_may_be_absolute_or_written_another_way() -> None:
    for place in ("/home/ada/train/out.csv", "./out.csv", "x/../out.csv"):
        assert state(replace(PLACE, output=place), listed())[0] == "linked"


def test_no_such_output_or_another_content_is_broken() -> None:
    assert state(replace(PLACE, output="fig.png"), listed()) == ("broken", "the run has no such output")
    assert state(Claim("T", "123", sha256=sha("else")), listed()) == ("broken", "no output of the run has this content")
    told = ("broken", "the run's output at this place has another content")
    assert state(replace(PLACE, sha256=sha("else")), listed()) == told


def test_a_figure_of_the_paper_is_compared_by_content() -> None:
    figure = replace(PLACE, file="fig3.csv")
    assert state(figure, listed(), content=Content(OUT.sha256))[0] == "linked"
    assert state(figure, listed(), content=Content(sha("edited by hand")))[0] == "broken"
    assert state(figure, listed(), content=Content(problem="it is not there"))[0] == "unknown"
    both = replace(figure, sha256=sha("a"))
    assert state(both, listed(), content=Content(sha("b"))) == ("broken", "the file of the paper is not what `sha256` says")


def test_what_was_not_looked_at_is_unknown_and_does_not_hold() -> None:
    skipped = (Skipped("big.h5", "output", "budget"),)
    assert state(PLACE) == ("unknown", "the outputs of the run were never listed")
    assert state(replace(PLACE, output="big.h5"), listed(skipped=skipped, complete=False)) == (
        "unknown",
        "this output was not hashed: budget",
    )
    assert state(replace(PLACE, output="other"), listed(complete=False))[0] == "unknown"
    assert state(Claim("T", "123", sha256=sha("else")), listed(complete=False))[0] == "unknown"
    assert check(PLACE, None, Content()).standing is Standing.UNKNOWN
    assert not Standing.UNKNOWN.holds


def test_what_lay_there_when_the_job_was_submitted_is_no_output(tmp_path: Path) -> None:
    early = seen(OUTPUTS, phase=Phase.SUBMIT)

    assert state(PLACE, early) == ("unknown", "the outputs of the run were never listed")
