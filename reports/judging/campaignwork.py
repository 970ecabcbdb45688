"""How is a campaign's work put together: phases, ties, arrays, loops, engines? From the record of the whole; each verdict names runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from auditor.campaign import CampaignRecord, EngineRun, Member
from auditor.model import Fact, Need, Phase, Verdict
from reports.judging.amounts import line, percent, several, some, words
from reports.judging.verdicts import Unclear, failed, not_applicable, passed, weak

RECORD = Need(CampaignRecord, (Phase.LATER,))
SETTLES = "submit every run of the campaign through auditor, then auditor sweep and auditor campaign"
AI = ("train", "infer")
# two runs may be a correction; from three on a share, a width or a habit says something
ENOUGH = 3
# of what could be, this much must be seen; a fifth is a fault (as for jobs: Jobstats and seff flag the same ratios)
GOOD_SHARE, BAD_SHARE = 0.5, 0.2

Judge = Callable[[Fact[CampaignRecord]], Verdict]


def whole(good: Verdict, record: CampaignRecord) -> Verdict:
    """A good verdict stands only on all runs: what was not looked at is not known."""
    if record.left:
        raise Unclear(f"{good.message}; but {several(record.left, 'run')} of {record.known} were not looked at")
    return good


def jobs(members: Iterable[Member], limit: int = 3) -> str:
    return some((m.job_id or m.run_id for m in members), limit)


def apart_ai(record: Fact[CampaignRecord]) -> Verdict:
    r = record.value
    sums = {p.phase: p for p in r.phases if p.runs or p.mixed or p.engine_tasks}
    ai, rest = [p for p in sums if p in AI], [p for p in sums if p not in AI]
    if not ai or not rest:
        if not sums or any(not m.phases for m in r.members):
            raise Unclear(f"of {_unphased(r)} nothing tells which phase it is")
        return whole(not_applicable(f"all runs are {some(sums)}: there is nothing to join", record), r)
    across = [f for f in r.flows if (f.source in ai) != (f.target in ai)]
    inside = [(e, f) for e in r.engines for f in e.flows if (_phase(e, f.source) in ai) != (_phase(e, f.target) in ai)]
    data = [f for f in across if f.by == "data"]
    if data:
        return passed(
            some(f"{f.source} -> {f.target}: {several(f.pairs, 'pair')} of runs by {several(f.files, 'file')}" for f in data),
            record,
        )
    told = [(e, f) for e, f in inside if f.by in ("data", "file")]
    if told:
        return passed(
            some(f"{f.source} -> {f.target} in {e.system} {e.id}: {several(f.pairs, 'pair')} of tasks" for e, f in told), record
        )
    fix = (
        "auditor sbatch --auditor-label="
        + words([r.name or "CAMPAIGN"])
        + " --auditor-input='results/*' ...   # what the run before made"
    )
    ordered = [f"{f.source} -> {f.target} by {f.by}" for f in (*across, *(f for _, f in inside))]
    if ordered:
        return weak(f"{some(ordered)}; no file is known to go between {some(ai)} and {some(rest)}", fix, record)
    return failed(f"nothing goes between {some(ai)} and {some(rest)}: neither a file nor an order", fix, record)


def _phase(engine: EngineRun, name: str) -> str:
    return next((g.phases[0] for g in engine.groups if g.name == name and len(g.phases) == 1), "")


def _unphased(r: CampaignRecord) -> str:
    without = [m for m in r.members if not m.phases]
    return f"{several(len(without), 'run')} ({jobs(without)})" if without else "the campaign"


def mixed_runs(record: Fact[CampaignRecord]) -> Verdict:
    r = record.value
    known = [m for m in r.members if m.phases]
    mixed = [m for m in known if len(m.phases) > 1]
    if not known:
        raise Unclear("of no run anything tells which phase it is")
    if mixed:
        share = len(mixed) / len(known)
        named = some(f"{m.job_id} ({', '.join(m.phases)})" for m in mixed)
        said = f"{len(mixed)} of {several(len(known), 'run')} ({percent(share)}) hold several phases: {named}"
        first = mixed[0].phases
        fix = f"jid=$(sbatch --parsable {first[0]}.sh)\n" + "\n".join(
            f"jid=$(sbatch --parsable --dependency=afterok:$jid {p}.sh)" for p in first[1:]
        )
        return (failed if share > BAD_SHARE else weak)(said, fix, record)
    if len(known) < len(r.members):
        raise Unclear(f"{several(len(known), 'run')} of one phase each; of {_unphased(r)} nothing tells")
    return whole(passed(f"one phase each: {_counted(known)}", record), r)


def _counted(members: list[Member]) -> str:
    return ", ".join(f"{n} {p}" for p, n in sorted(Counter(m.phases[0] for m in members).items()))


def unshared_time(record: Fact[CampaignRecord]) -> Verdict:
    r = record.value
    timed = [m for m in r.members if m.started and m.ended]
    bound = {t.target for t in r.ties}
    free = [m for m in timed if m.run_id not in bound and not m.dependency]
    if len(free) < ENOUGH:
        if len(timed) < len(r.members):
            raise Unclear(f"times are known of {len(timed)} of {several(len(r.members), 'run')}")
        return whole(
            not_applicable(
                f"{len(free)} of {several(len(timed), 'run')} wait for no other one: from {ENOUGH} on there is something to overlap",
                record,
            ),
            r,
        )
    if sum(m.started == m.ended for m in free) * 2 > len(free):
        raise Unclear("most runs end in the second in which they begin: whether they overlapped cannot be told")
    said = f"at most {several(r.totals.concurrent, 'run')} of {len(r.members)} at the same time; {len(free)} wait for no other one ({jobs(free)})"
    if r.totals.concurrent > 1:
        return whole(passed(said, record), r)
    return failed(
        said,
        f"sbatch --array=0-{len(free) - 1} {words([(free[0].command or 'run.sh').split()[0]])}   # instead of one after another",
        record,
    )


def loose_sweeps(record: Fact[CampaignRecord]) -> Verdict:
    r = record.value
    by = {m.run_id: m for m in r.members}
    groups = [[by[i] for i in group if i in by and not by[i].retry_of] for group in r.lookalikes]
    large = [[m for m in group if m.outcome not in ("failed", "timeout", "cancelled")] for group in groups]
    large = sorted((g for g in large if len(g) >= ENOUGH), key=len, reverse=True)
    if not large:
        arrays = some(f"{name} of {several(n, 'task')}" for name, n in r.arrays.items())
        return whole(
            passed(f"no {ENOUGH} separate submissions differ only in numbers{f'; arrays: {arrays}' if arrays else ''}", record), r
        )
    group = large[0]
    if all(m.engine for m in group):
        return weak(
            f"{several(len(group), 'submission')} of an engine differ only in numbers: {jobs(group)}",
            "snakemake --executor slurm --slurm-array-jobs all   # or process.array = 100 in nextflow.config",
            record,
        )
    throttle = max(1, min(50, len(group) // 3))
    return failed(
        f"{several(len(large), 'sweep')} typed one by one, the largest of {several(len(group), 'submission')}: {jobs(group)}",
        f"#SBATCH --array=0-{len(group) - 1}%{throttle}   # and $SLURM_ARRAY_TASK_ID where the numbers stand in: {line(group[0].command)}",
        record,
    )


def unheld_loop(record: Fact[CampaignRecord]) -> Verdict:
    r = record.value
    if r.cycles:
        raise Unclear(f"the records say that runs wait for each other in a circle ({some(r.cycles)}): they are wrong")
    held = [(e, ring, n) for e in r.engines for ring, n in zip(e.loops, e.iterations, strict=False) if n >= 2]
    if held:
        e, ring, n = held[0]
        return passed(f"{' -> '.join(ring)} in {e.system} {e.id}: {several(n, 'round')}", record)
    if r.iterations < 2:
        if r.ties_left:
            raise Unclear(f"no loop among the ties that were looked at; {several(r.ties_left, 'more pair')} of runs are joined")
        return whole(not_applicable("no data path leads back to the same code, and no engine's record shows a loop", record), r)
    on = [m for m in r.members if m.run_id in set(r.loop)]
    said = f"{several(r.iterations, 'round')} along the data ({jobs(on)})"
    fix = "for round in $(seq 1 20); do\n  sbatch --wait round.sh $round || exit 1\n  ./converged.sh results && break   # the stop rule\ndone"
    if any(m.engine for m in on):
        return passed(f"{said}, started by an engine", record)
    if any(m.dependency for m in on):
        return weak(f"{said}, chained by dependencies: nothing decides whether to go on", fix, record)
    return failed(f"{said}, each a submission of its own: nothing but hands holds them together", fix, record)


def unheld_runs(record: Fact[CampaignRecord]) -> Verdict:
    r = record.value
    tied = {i for t in r.ties for i in (t.source, t.target)}
    bound = [m for m in r.members if m.run_id in tied or m.dependency]
    if not bound:
        return whole(not_applicable(f"no two of {several(len(r.members), 'run')} wait for each other or share data", record), r)
    held = [m for m in bound if m.engine]
    said = f"{len(held)} of {several(len(bound), 'run')} that depend on each other belong to an engine's run"
    engines = some(f"{e.system} {e.version} ({e.state})" for e in r.engines)
    said += f": {engines}" if engines else ""
    share = len(held) / len(bound)
    if share >= GOOD_SHARE:
        return whole(passed(said, record), r)
    loose = [m for m in bound if not m.engine]
    fix = "# Snakefile; then: snakemake --executor slurm --jobs 20\n" + "\n".join(
        f"rule {''.join(c if c.isalnum() else '_' for c in name) or 'step'}:\n    shell: {command!r}"
        for name, command in list({m.name or "step": m.command for m in loose}.items())[:3]
    )
    return (failed if not held else weak)(f"{said}; by hand: {jobs(loose)}", fix, record)
