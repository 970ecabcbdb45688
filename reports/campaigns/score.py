"""What do all rules say of a campaign? Runs in, one after the other; a scorecard of the whole out. Pure: same evidence, same card."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from auditor import __version__, codec, registry
from auditor.campaign import CampaignRecord, Group, Member, RunSeen
from auditor.campaigncard import CampaignCard, CampaignTip, RunScore
from auditor.model import Evidence, Grade, Phase, Status, Tip
from auditor.scorecard import Finding
from probes.data import DataManifest
from reports.campaigns import fold, totals
from reports.campaigns.engines import Engines, engine_of
from reports.campaigns.fold import Folding
from reports.campaigns.member import KINDS, member
from reports.campaigns.reading import Reader
from reports.campaigns.trackers import Trackers
from reports.judging.judge import judge
from reports.judging.levels import coverage, interval, tip_score
from reports.judging.phases import checked
from reports.judging.record import Record, record
from reports.judging.ruleset import ruleset

MOST_RESULTS = 2_000_000
"""Outputs that are told apart."""


def kinds(tips: Mapping[int, Tip] | None = None) -> frozenset[str]:
    """The kinds of evidence that are read of each run; no other one needs to be fetched."""
    rules = registry.tips() if tips is None else tips
    asked = {need.kind.__name__ for tip in rules.values() for check in tip.checks for need in check.needs}
    return frozenset(asked | {kind.__name__ for kind in KINDS} | {"WorkflowRuns"})


def score(
    group: Group,
    runs: Iterable[RunSeen],
    *,
    phases: Mapping[str, str] | None = None,
    tips: Mapping[int, Tip] | None = None,
    tell: Callable[[int], None] = lambda _: None,
) -> CampaignCard:
    """Audit a campaign. `runs` are those of the group, in its order; what is missing of them is not known.

    phases: the project's own patterns (`{"relax*": "simulate"}`); tell: is called with how many runs are done. Raises AuditError for a
    phase that there is not.
    """
    rules = registry.tips() if tips is None else tips
    of = _Campaign(group, rules, checked(phases or {}))
    for number, seen in enumerate(runs, 1):
        of.add(seen)
        tell(number)
    return of.card()


class _Campaign:
    """What is kept of each run while they pass by: its row, its score, and one byte for each check."""

    def __init__(self, group: Group, rules: Mapping[int, Tip], phases: Mapping[str, str]) -> None:
        self.group, self.rules, self.phases = group, rules, phases
        self.reader, self.engines, self.trackers = Reader(), Engines(group, phases), Trackers(phases)
        self.folds = {n: [Folding(c, n) for c in sorted(tip.checks, key=lambda c: c.level)] for n, tip in sorted(rules.items())}
        self.members: list[Member] = []
        self.scores: list[RunScore] = []
        self.results = Results()
        self.failed: dict[bytes, str] = {}

    def add(self, seen: RunSeen) -> None:
        found = self.reader.record(seen)
        row = replace(member(seen, found, self.phases), tracked=self.trackers.add(seen, found))
        key = _work(seen)
        row = replace(row, retry_of=self.failed.get(key, ""))
        if row.outcome in ("failed", "timeout", "cancelled"):
            self.failed[key] = row.run_id
        else:
            self.failed.pop(key, None)
        self.engines.add(seen, found)
        self.results.add(len(self.members), row, found)
        self.members.append(row)
        self._judge(row, found)

    def _judge(self, row: Member, found: Record) -> None:
        scored = []
        for number, tip in self.rules.items():
            findings = [self.reader.judge(folding.check, number, found) for folding in self.folds[number]]
            for folding, finding in zip(self.folds[number], findings, strict=True):
                folding.add(row.run_id, row.job_id, finding)
            scored.append(tip_score(tip, findings))
        self.scores.append(RunScore(row.run_id, *interval(scored), coverage(scored)))

    def card(self) -> CampaignCard:
        whole = self._record()
        evidence = _evidence(whole)
        seen = record((evidence,), 0)
        tips = tuple(self._tip(n, tip, whole, seen) for n, tip in sorted(self.rules.items()))
        low, high = fold.interval(tips)
        return CampaignCard(
            name=self.group.name,
            low=low,
            high=high,
            coverage=fold.coverage(tips),
            tips=tips,
            record=whole,
            record_id=evidence.id,
            scores=tuple(self.scores),
            ruleset=ruleset(),
            auditor=__version__,
        )

    def _tip(self, number: int, tip: Tip, whole: CampaignRecord, seen: Record) -> CampaignTip:
        folds = [folding.fold(whole.members, whole.left) for folding in self.folds[number]]
        asked: list[Finding] = [judge(check, number, seen) for check in sorted(tip.campaign, key=lambda c: c.level)]
        return fold.tip(tip, folds, asked)

    def _record(self) -> CampaignRecord:
        group, engines = self.group, self.engines.runs()
        of = engine_of(engines)
        rows = tuple(replace(m, engine=of[m.run_id]) if m.run_id in of else m for m in self.members)
        useful, results = self.results.counts()
        return CampaignRecord(
            name=group.name,
            why=group.why,
            known=group.known,
            left=max(0, group.known - len(rows)),
            members=rows,
            ties=group.ties,
            ties_left=group.ties_left,
            arrays=group.arrays,
            lookalikes=group.lookalikes,
            iterations=group.iterations,
            loop=group.loop,
            cycles=group.cycles,
            phases=totals.phase_sums(rows, engines),
            flows=totals.flows(rows, group.ties),
            engines=engines,
            trackers=self.trackers.counts(),
            totals=totals.totals(rows, useful, results),
            gaps=(*group.gaps, *self._gaps()),
        )

    def _gaps(self) -> tuple[str, ...]:
        told = {
            f"{self.engines.left} more engine runs are not shown": self.engines.left,
            f"{self.trackers.left} more tracked runs were not told apart": self.trackers.left,
            f"{self.results.left:,} more outputs were not told apart": self.results.left,
            f"{self.group.ties_left:,} more pairs of runs are joined by data": self.group.ties_left,
        }
        return (*(text for text, there in told.items() if there), *list(self.engines.unread)[:20])


class Results:
    """Which outputs did only one run leave? By content; an output that two runs left is no result of either."""

    def __init__(self) -> None:
        self._by: dict[bytes, int] = {}
        self.left = 0

    def add(self, run: int, row: Member, found: Record) -> None:
        files = found.value(DataManifest, Phase.LATER) if row.outcome == "succeeded" else None
        for file in files.value.files if files else ():
            if file.role != "output" or not file.sha256 or not file.size:
                continue
            key = bytes.fromhex(file.sha256[:32])
            if key in self._by:
                self._by[key] = self._by[key] if self._by[key] == run else -1
            elif len(self._by) < MOST_RESULTS:
                self._by[key] = run
            else:
                self.left += 1

    def counts(self) -> tuple[int, int]:
        """Runs with a result of their own, and the results."""
        own = [run for run in self._by.values() if run >= 0]
        return len(set(own)), len(own)


def _work(seen: RunSeen) -> bytes:
    """The very same work: user, folder, script, what was typed, and the task's number."""
    job = seen.job
    told = (job.user, job.workdir, job.script, *job.argv, job.job_id.partition("_")[2] or job.job_id.partition("+")[2])
    return hashlib.sha256("\0".join(told).encode("utf-8", "surrogatepass")).digest()


def _evidence(whole: CampaignRecord) -> Evidence:
    """Derived evidence: the same runs give the same bytes."""
    newest = max((m.ended or m.started or m.submitted for m in whole.members), default="")
    return Evidence(
        probe="campaign-record",
        version=1,
        kind="CampaignRecord",
        phase=Phase.LATER,
        attempt=0,
        status=Status.OK,
        grade=Grade.OBSERVED,
        source="the runs' own evidence",
        reason="",
        taken_at=newest,
        host="",
        data=codec.plain(whole),
    )
