"""Are the drafts of a deposit what others' validators take, whatever a run is called, and do they say what is left to a person?"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import datacite.schema45 as datacite
import pytest
import yaml

from auditor.claimed import ClaimChecked, ClaimsChecked, PaperAuthor, Standing
from auditor.model import AuditError, Evidence, Job, Phase
from auditor.registry import formats
from auditor.scorecard import Owner
from probes.data import Reference
from reports.drafts.naming import doi, quoted, spdx, web
from reports.score import score
from tests import archived, factory
from tests.factory import at, job, seen, sha
from tests.reports.hostile import EVIL, RUN
from tests.worlds.make import WORLDS

ADA = Owner("Lovelace, Ada", "Analytical Society", "0000-0002-1825-0097", "https://spdx.org/licenses/CC-BY-4.0")
NOBODY = Owner()
HOSTILE = Owner(EVIL, EVIL, "", EVIL)
DRAFTS = sorted(name for name, form in formats().items() if form.of_deposit)
CLAIM = ClaimChecked(
    "Figure 3", "", "123", job().run_id, "out.csv", sha(archived.OUTPUT), "", Standing.REPLAYED, "identical in a replay"
)
CHECKED = ClaimsChecked(
    "claims.toml", "Lines", "https://doi.org/10.1234/lines", (PaperAuthor("Babbage, Charles", "0000-0002-1694-233X"),), (CLAIM,)
)
OUTPUTS = factory.manifest(factory.file("out.csv", "output", archived.OUTPUT), factory.file("a.log", "output"))
REGISTERED = Reference("in", "mnist", "", "sha256:" + "a" * 64, "unchanged", 3, 4096, "1.0", "10.5281/zenodo.7", "CC0-1.0", "")
WHOLE: tuple[Evidence, ...] = (
    seen(factory.git_state()),
    seen(factory.manifest(datasets=(REGISTERED,)), phase=Phase.START, taken_at=at(1)),
    seen(factory.hardware(), phase=Phase.START),
    seen(OUTPUTS, phase=Phase.END),
    seen(factory.accounting(), phase=Phase.LATER),
    seen(CHECKED, phase=Phase.LATER),
)
EVERY: dict[str, tuple[Job, tuple[Evidence, ...]]] = {
    "whole": (job(), WHOLE),
    "nothing": (job(), ()),
    "hostile": RUN,
    **{name: make() for name, make in WORLDS.items()},
}


def written(name: str, run: str, owner: Owner = ADA) -> str:
    draft = formats()[name].of_deposit
    assert draft is not None
    return draft(*EVERY[run], owner).decode()


@pytest.mark.parametrize("owner", [ADA, NOBODY, HOSTILE], ids=["ada", "nobody", "hostile"])
def test_the_official_schema_takes_every_citation(owner: Owner, tmp_path: Path) -> None:
    paths = [tmp_path / f"{run}.cff" for run in EVERY]
    for path, run in zip(paths, EVERY, strict=True):
        path.write_text(written("cff", run, owner))
    words = ["-m", "check_jsonschema", "--builtin-schema", "vendor.citation-file-format", *paths]
    told = subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stdout + told.stderr


def test_that_schema_refuses_a_citation_without_authors(tmp_path: Path) -> None:
    """So that a validator that checks nothing would be noticed."""
    (tmp_path / "x.cff").write_text(re.sub(r"(?s)authors:.*?abstract", "abstract", written("cff", "whole")))
    words = ["-m", "check_jsonschema", "--builtin-schema", "vendor.citation-file-format", tmp_path / "x.cff"]

    assert subprocess.run([sys.executable, *words], capture_output=True, check=False).returncode == 1


def test_a_citation_names_people_as_they_are_written_and_marks_what_is_left() -> None:
    told = yaml.safe_load(written("cff", "whole"))
    assert told["authors"] == [
        {
            "family-names": "Lovelace",
            "given-names": "Ada",
            "affiliation": "Analytical Society",
            "orcid": "https://orcid.org/0000-0002-1825-0097",
        }
    ]
    assert told["license"] == "CC-BY-4.0"
    assert (told["references"][0]["title"], told["references"][0]["doi"]) == ("Lines", "10.1234/lines")
    anonymous = written("cff", "whole", NOBODY)
    assert yaml.safe_load(anonymous)["authors"] == [{"name": "Anonymous"}]
    assert yaml.safe_load(written("cff", "whole", Owner("Ada King")))["authors"] == [{"name": "Ada King"}]
    assert anonymous.count("# TO FILL by a person:") == 3


@pytest.mark.parametrize("owner", [ADA, NOBODY, HOSTILE], ids=["ada", "nobody", "hostile"])
@pytest.mark.parametrize("run", EVERY)
def test_datacite_takes_every_record(run: str, owner: Owner) -> None:
    datacite.validator.validate(json.loads(written("datacite", run, owner)))


def test_datacite_refuses_one_without_a_title() -> None:
    told = json.loads(written("datacite", "whole"))

    assert datacite.validate(told)
    assert not datacite.validate({k: v for k, v in told.items() if k != "titles"})


def test_a_record_is_tied_to_the_paper_the_data_and_the_code_and_says_what_is_not_known() -> None:
    told = json.loads(written("datacite", "whole"))
    assert [(r["relationType"], r["relatedIdentifier"]) for r in told["relatedIdentifiers"]] == [
        ("IsSupplementTo", "10.1234/lines"),
        ("IsDerivedFrom", "10.5281/zenodo.7"),
        ("IsCompiledBy", "https://example.org/ada/train"),
    ]
    nobody = json.loads(written("datacite", "nothing", NOBODY))
    assert (nobody["creators"], nobody["publisher"]) == ([{"name": ":tba"}], {"name": ":tba"})
    assert nobody["descriptions"][1]["description"] == (
        "DRAFT. A person fills in: publisher, DOI and year of publication (the year of the run stands there); creator; licence; "
        "the paper that this supplements; and takes this note out."
    )


@pytest.mark.parametrize("run", EVERY)
def test_zenodo_gets_texts_that_are_html_and_relations_that_it_knows(run: str) -> None:
    """developers.zenodo.org, deposit metadata: required keys, and the names of relations."""
    told = json.loads(written("zenodo", run, HOSTILE))

    assert {"title", "upload_type", "description", "creators", "access_right"} <= set(told)
    assert "<script" not in told["description"] + told["notes"]
    assert {r["relation"] for r in told.get("related_identifiers", ())} <= {"isSupplementTo", "isDerivedFrom", "isCompiledBy"}
    assert all(set(c) <= {"name", "affiliation", "orcid", "gnd"} and c["name"] for c in told["creators"])


def test_zenodo_is_told_the_licence_by_its_spdx_name() -> None:
    assert json.loads(written("zenodo", "whole"))["license"] == "CC-BY-4.0"
    assert "license" not in json.loads(written("zenodo", "whole", NOBODY))


@pytest.mark.parametrize("owner", [ADA, NOBODY, HOSTILE], ids=["ada", "nobody", "hostile"])
@pytest.mark.parametrize("run", EVERY)
def test_a_codecheck_draft_keeps_the_rules_that_a_draft_can_keep(run: str, owner: Owner) -> None:
    """CC-CFG-001, 002, 004 to 007, 009, 014 to 019, 021, 024, 027 of CODECHECK's rules for configuration 2.0."""
    text = written("codecheck", run, owner)
    told = yaml.safe_load(text)

    assert text.splitlines()[0] == "---"
    assert told["version"] == "https://codecheck.org.uk/spec/config/2.0/"
    assert told["manifest"] and all(item["file"] and item["comment"] for item in told["manifest"])
    assert not [i["file"] for i in told["manifest"] if re.match(r"/|~|[A-Za-z]:", i["file"]) or ".." in i["file"].split("/")]
    assert told["paper"]["title"] and all(author["name"] for author in told["paper"]["authors"])
    assert re.fullmatch(r"https?://\S+", told["paper"]["reference"])
    assert told["summary"] and set(told) <= {
        "version", "paper", "manifest", "codechecker", "summary", "repository", "check_time", "certificate", "report",
    }  # fmt: skip


def test_a_codecheck_draft_can_never_be_taken_for_a_certificate() -> None:
    """CC-CFG-023: a value that holds FIXME is a placeholder."""
    for run in EVERY:
        told = yaml.safe_load(written("codecheck", run))
        assert (told["certificate"], told["codechecker"][0]["name"], told["check_time"]) == ("FIXME",) * 3
        assert "FIXME" in told["report"] and told["summary"].startswith("FIXME")


def test_outputs_that_claims_rest_on_come_first_in_the_manifest() -> None:
    first, second = yaml.safe_load(written("codecheck", "whole"))["manifest"]

    assert first["file"] == "out.csv"
    assert first["comment"].startswith("Figure 3 (replayed); ")
    assert second["file"] == "a.log"


def test_the_checklist_leaves_every_answer_to_a_person_and_knows_no_na() -> None:
    for run in EVERY:
        text = written("neurips", run)
        assert text.count(r"\item[] Answer: \answerTODO{}") == 16
        assert text.count("Answer:") == 16
        assert not re.search(r"\\answer(?:NA|Yes|No)\b", text)


def test_what_was_not_recorded_is_marked_and_what_was_is_said() -> None:
    nothing, whole = (written("neurips", run) for run in ("nothing", "whole"))

    assert r"wall-clock time: \auditfill{not recorded}; CPU time: \auditfill{not recorded}" in nothing
    assert "wall-clock time: 10 min; CPU time: 9 min; peak memory: 256 MiB" in whole
    assert r"data set mnist: CC0-{}1.0" not in whole
    assert "data set mnist: CC0-1.0 (as registered)" in whole


def test_no_gpu_is_said_only_where_none_was_asked_for() -> None:
    assert "GPUs: none was asked for" in written("neurips", "whole")
    assert r"GPUs: \auditfill{not recorded}" in written("neurips", "nothing")


def test_the_appendix_ties_figures_to_outputs() -> None:
    text = written("adae", "whole")

    assert r"$A_1$ & \auditfill{contributions} & Figure 3 \\" in text
    assert r"\texttt{out.\allowbreak{}csv}" in text
    assert r"\noindent Figure 3: replayed, identical in a replay." in text


@pytest.mark.parametrize("name", DRAFTS)
def test_a_draft_is_the_same_twice_and_holds_no_secret_of_a_remote(name: str) -> None:
    for run in EVERY:
        assert written(name, run) == written(name, run)
    assert "secret" not in written(name, "hostile")


@pytest.mark.parametrize("name", DRAFTS)
def test_a_scorecard_is_no_source_for_it(name: str) -> None:
    with pytest.raises(AuditError):
        formats()[name].render(score(job(), ()))


def test_only_what_is_surely_a_doi_an_address_or_a_licence_is_taken_for_one() -> None:
    found: list[Any] = [
        doi(t)
        for t in ("10.5281/zenodo.1", "doi:10.5281/zenodo.1", "https://doi.org/10.5281/zenodo.1", "10.1/x", "see 10.5281/a")
    ]
    assert found == ["10.5281/zenodo.1"] * 3 + ["", ""]
    found = [web(t) for t in ("https://e.org/a.git", "https://u:p@e.org/a", "git@e.org:a", "javascript:x", "https://e.org/a b")]
    assert found == ["https://e.org/a", "", "", "", ""]
    found = [
        spdx(t)
        for t in ("https://spdx.org/licenses/MIT", "https://spdx.org/licenses/MIT.html", "https://spdx.org/licenses/X", "MIT?")
    ]
    assert found == ["MIT", "MIT", "", ""]


def test_a_quoted_text_is_one_scalar_that_reads_back_as_it_is_shown() -> None:
    assert yaml.safe_load(f"a: {quoted(EVIL)}\nb: 1").keys() == {"a", "b"}
    assert yaml.safe_load(quoted('é "x" \\ 漢 😀')) == 'é "x" \\ 漢 😀'
