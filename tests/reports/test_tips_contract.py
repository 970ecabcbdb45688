"""Does every rule keep the promises that readers and other rooms rely on? A new tip file is covered unasked."""

from __future__ import annotations

import re

import pytest

from auditor import registry
from auditor.bisection import Bisection
from auditor.campaign import Campaign, CampaignRecord
from auditor.claimed import ClaimsChecked
from auditor.model import Check, Need, Outcome, Phase, Tip
from auditor.verdict import ReplayVerdict
from reports.judging import drift, known, ruleset
from reports.judging.proofs import REPLAY

TIPS = list(registry.tips().values())
CHECKS = [(tip, check) for tip in TIPS for check in tip.checks]
CAMPAIGN = [(tip, check) for tip in TIPS for check in tip.campaign]
DERIVED = {Campaign, ReplayVerdict}
PROBED = {(probe.kind, phase) for probe in registry.probes().values() for phase in probe.phases}

# the paper's twelve
SLUGS = [
    "integrate-ai",
    "data-gravity",
    "separate-phases",
    "heterogeneous-resources",
    "workflow-parallelism",
    "arrays-and-distributed",
    "containerise",
    "track-experiments",
    "feedback-loops",
    "throughput",
    "small-files",
    "workflow-engine",
]

each_check = pytest.mark.parametrize(("tip", "check"), CHECKS, ids=[c.id for _, c in CHECKS])
each_tip = pytest.mark.parametrize("tip", TIPS, ids=[t.slug for t in TIPS])


def test_the_twelve_tips_are_there_once_each_in_files_of_their_names() -> None:
    assert [(t.number, t.slug) for t in TIPS] == list(enumerate(SLUGS, 1))
    files = sorted({c.judge.__module__ for _, c in CHECKS if c.judge.__module__.startswith("reports.tips.")})
    assert files == [f"reports.tips.t{t.number:02d}_{t.slug.replace('-', '_')}" for t in TIPS]


def test_check_ids_are_kebab_case_and_name_one_check() -> None:
    ids = [c.id for _, c in CHECKS + CAMPAIGN]

    assert sorted(set(ids)) == sorted(ids)
    assert [i for i in ids if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", i)] == []


@each_tip
def test_a_tip_says_why_and_what_to_do_and_can_reach_every_level(tip: Tip) -> None:
    assert all((tip.title, tip.why, tip.advice))
    assert {c.level for c in tip.checks} == {1, 2, 3}


@each_tip
def test_a_tip_has_two_checks_that_a_run_or_its_campaign_decides_without_a_replay(tip: Tip) -> None:
    decidable = [c for c in tip.checks if not any(n.kind is ReplayVerdict and not n.optional for n in c.needs)]

    assert len(decidable) >= 2


@each_check
def test_a_check_asks_a_question_and_says_what_would_settle_it(tip: Tip, check: Check) -> None:
    assert check.title.endswith("?")
    assert check.settles
    assert check.source
    assert check.needs


@each_check
def test_every_need_names_a_moment_at_which_somebody_looks(tip: Tip, check: Check) -> None:
    for need in check.needs:
        assert need.phases
        asked = {(need.kind, phase) for phase in need.phases}
        assert need.kind in DERIVED or asked <= PROBED, f"no probe sees {need.kind.__name__} at {need.phases}"


@each_check
def test_absence_makes_a_check_not_applicable_only_where_one_probe_looks_at_one_moment(tip: Tip, check: Check) -> None:
    """Otherwise hiding what one look found would let the absence seen by another look speak."""
    for need in check.needs:
        if need.absent is Outcome.NOT_APPLICABLE:
            probes = [p for p in registry.probes().values() if p.kind is need.kind and set(need.phases) & p.phases]
            assert (len(need.phases), len(probes)) == (1, 1)
        if need.absent is Outcome.FAILED:
            assert need.fix
        assert need.absent is not Outcome.PASSED


@each_check
def test_the_third_level_is_earned_by_a_replay_only(tip: Tip, check: Check) -> None:
    kinds = {n.kind for n in check.needs}

    assert (check.level == 3) == (ReplayVerdict in kinds)


def test_a_check_of_a_campaign_asks_the_campaign_record_and_nothing_else() -> None:
    for _, check in CAMPAIGN:
        assert {(n.kind, n.phases) for n in check.needs} == {(CampaignRecord, (Phase.LATER,))}
        assert check.title.endswith("?")
        assert all((check.settles, check.source))
        assert check.level < 3, "the third level is earned by a replay only"


def test_no_evidence_is_collected_that_nothing_reads() -> None:
    described = {kind for _, kind, _ in drift.VIEWS} | set(known.kinds()) | {CampaignRecord}  # its own page shows it whole
    read = {n.kind for _, c in CHECKS for n in c.needs} | described | {Bisection}  # reports.bisections tells it beside a diff
    read |= {ClaimsChecked}  # pages show it, and reports.drafts writes it into what accompanies a paper

    assert sorted(k.__name__ for k in registry.kinds().values() if k not in read) == []


def test_the_rules_hash_is_the_same_twice_and_moves_with_any_rule() -> None:
    tips = registry.tips()
    first = tips[1]
    harder = Tip(first.number, first.slug, first.title, first.why, first.advice, first.checks[:-1])

    assert ruleset.ruleset() == f"2-{ruleset.fingerprint(tips)}"
    assert re.fullmatch(r"2-[0-9a-f]{64}", ruleset.ruleset())
    assert ruleset.fingerprint({**tips, 1: harder}) != ruleset.fingerprint(tips)


def test_every_module_that_words_or_judges_is_in_the_rules_hash() -> None:
    """What a judge calls lies in its own file or in one of the shared ones."""
    imported = set()
    for _, check in CHECKS:
        names = vars(__import__(check.judge.__module__, fromlist=["x"])).values()
        imported |= {getattr(thing, "__module__", "") for thing in names}
    ours = {m for m in imported if str(m).startswith("reports.") and not str(m).startswith("reports.tips.")}

    assert ours <= {*ruleset.SHARED, *(c.judge.__module__ for _, c in (*CHECKS, *CAMPAIGN))}


def test_a_need_of_a_replay_is_written_once() -> None:
    assert Need(ReplayVerdict, (Phase.LATER,)) == REPLAY
