"""What did a campaign cost, what of it was of use, and can each of its results be traced? From the record of the whole."""

from __future__ import annotations

from collections import defaultdict

from auditor.campaign import CampaignRecord, Member
from auditor.model import Fact, Verdict
from reports.judging.amounts import MIB, core_hours, duration, memory_option, percent, several, size, some, time_option
from reports.judging.campaignwork import BAD_SHARE, ENOUGH, GOOD_SHARE, jobs, whole
from reports.judging.verdicts import Unclear, failed, not_applicable, passed, weak

# as tip 10 judges one run's campaign; as tips 2 and 11 judge one run
SOME_WASTE, MUCH_WASTE = 0.05, 0.2
SHORT_WAIT, LONG_WAIT = 600.0, 10.0
MAX_BYTES_PER_CORE_SECOND = 100 * MIB
MANY_FILES = 10_000


def carried_data(record: Fact[CampaignRecord]) -> Verdict:
    r = record.value
    known = [m for m in r.members if m.bytes_in is not None and m.bytes_out is not None and (m.used_cores and m.seconds)]
    if len(known) * 2 < len(r.members):
        raise Unclear(f"files and core-hours are known of {len(known)} of {several(len(r.members), 'run')}")
    moved = sum((m.bytes_in or 0) + (m.bytes_out or 0) for m in known)
    spent = sum((m.used_cores or 0) * (m.seconds or 0.0) for m in known)
    said = f"{size(moved)} read and written for {core_hours(spent)} core-hours of {several(len(known), 'run')}"
    if moved <= MAX_BYTES_PER_CORE_SECOND * spent or moved <= 1 << 30:
        return whole(passed(said, record), r)
    worst = max(known, key=lambda m: (m.bytes_in or 0) + (m.bytes_out or 0))
    return failed(
        f"{said}: most of the work is carrying data; most of it by {worst.job_id}",
        'cp -r data "$TMPDIR/" && cd "$TMPDIR"   # once a node; or one run that makes the small table which the others read',
        record,
    )


def idle_hours(record: Fact[CampaignRecord]) -> Verdict:
    r = record.value
    t = r.totals
    if not t.core_seconds:
        raise Unclear(f"core-hours are known of {t.core_seconds_of} of {several(t.runs, 'run')}")
    if not t.cpu_of_core_seconds or t.cpu_of_core_seconds < GOOD_SHARE * t.core_seconds:
        raise Unclear(f"CPU time is known for {core_hours(t.cpu_of_core_seconds)} of {core_hours(t.core_seconds)} core-hours")
    share = t.cpu_seconds / t.cpu_of_core_seconds
    said = f"{core_hours(t.cpu_seconds)} of {core_hours(t.cpu_of_core_seconds)} core-hours busy ({percent(share)})"
    if share >= GOOD_SHARE:
        return whole(passed(said, record), r)
    worst = max((m for m in r.members if m.cpu_seconds is not None), key=_idle)
    need = max(1, round((worst.cpu_seconds or 0) / (worst.last_seconds or 1.0) + 0.5))
    return (failed if share < BAD_SHARE else weak)(
        f"{said}; most idle: {worst.job_id}, {core_hours(_idle(worst))} core-hours",
        f"#SBATCH --cpus-per-task={need}   # for the like of {worst.job_id}",
        record,
    )


def _idle(m: Member) -> float:
    return (m.used_cores or 0) * (m.last_seconds or 0.0) - (m.cpu_seconds or 0.0)


def idle_requests(record: Fact[CampaignRecord]) -> Verdict:
    """Memory over all runs: the middle of what was used against what was asked."""
    r = record.value
    known = [(m, m.used_memory, m.asked_memory) for m in r.members if m.used_memory is not None and m.asked_memory]
    if len(known) * 2 < len(r.members):
        raise Unclear(f"memory asked for and used is known of {len(known)} of {several(len(r.members), 'run')}")
    low = [(m, used, asked) for m, used, asked in known if used < GOOD_SHARE * asked and asked - used >= 2 << 30]
    said = f"{len(low)} of {several(len(known), 'run')} used less than half of the memory they asked for"
    if len(low) <= BAD_SHARE * len(known):
        return whole(passed(said, record), r)
    m, used, asked = max(low, key=lambda row: row[2] - row[1])
    return (failed if len(low) > GOOD_SHARE * len(known) else weak)(
        f"{said}: {m.job_id} {size(used)} of {size(asked)}",
        f"#SBATCH --mem={memory_option(used)}   # for the like of {m.job_id}",
        record,
    )


def many_environments(record: Fact[CampaignRecord]) -> Verdict:
    """Look-alikes in different environments cannot be compared."""
    r = record.value
    by: dict[str, dict[tuple[str, ...], list[Member]]] = defaultdict(lambda: defaultdict(list))
    for m in r.members:
        if m.shape and (m.images or m.environment):
            by[m.shape][m.images or (m.environment,)].append(m)
    if not by:
        raise Unclear("of no run the environment is known by digest")
    split = {shape: kinds for shape, kinds in by.items() if len(kinds) > 1}
    unknown = [m for m in r.members if not (m.images or m.environment)]
    if split:
        kinds = max(split.values(), key=len)
        told = some(f"{key[0][:19]} ({several(len(ms), 'run')}: {jobs(ms, 2)})" for key, ms in kinds.items())
        return failed(
            f"the same script ran in {len(kinds)} environments: {told}",
            "apptainer build env.sif env.def   # one file for all runs: apptainer exec env.sif ...",
            record,
        )
    said = f"{several(len(by), 'script')}, each in one environment"
    if unknown:
        raise Unclear(f"{said}; of {several(len(unknown), 'run')} the environment is not known ({jobs(unknown)})")
    return whole(passed(said, record), r)


def loose_runs(record: Fact[CampaignRecord]) -> Verdict:
    """Runs at a clean commit; where trackers are used, runs with parameters and metrics."""
    r = record.value
    unseen = [m for m in r.members if m.dirty is None and not m.commit]
    dirty = [m for m in r.members if m.dirty]
    clean = [m for m in r.members if m.commit and not m.dirty]
    commits = {m.commit for m in clean}
    tracked = sum(t.runs for t in r.trackers)
    whole_ = sum(min(t.with_parameters, t.with_metrics) for t in r.trackers)
    said = f"{len(clean)} of {several(len(r.members), 'run')} at a clean commit ({several(len(commits), 'commit')})"
    said += f"; {whole_} of {several(tracked, 'tracked run')} with parameters and metrics" if tracked else ""
    bad = len(dirty) / len(r.members) if r.members else 0.0
    empty = (tracked - whole_) / tracked if tracked else 0.0
    fix = "git add -A && git commit -m 'State of the campaign'   # once, before the first run; and submit from: git worktree add ../campaign HEAD"
    if dirty or empty > BAD_SHARE:
        more = f"; dirty: {jobs(dirty)}" if dirty else ""
        return (failed if bad > BAD_SHARE or empty > GOOD_SHARE else weak)(f"{said}{more}", fix, record)
    if unseen:
        raise Unclear(f"{said}; of {several(len(unseen), 'run')} no repository was read ({jobs(unseen)})")
    return whole(passed(said, record), r)


def lost_hours(record: Fact[CampaignRecord]) -> Verdict:
    r = record.value
    t = r.totals
    if t.runs < ENOUGH:
        return whole(not_applicable(f"{several(t.runs, 'run')}: from {ENOUGH} on a share says something", record), r)
    if not t.core_seconds or t.core_seconds_of * 2 < t.runs:
        raise Unclear(f"core-hours are known of {t.core_seconds_of} of {several(t.runs, 'run')}")
    wasted = {"failures": t.wasted_failed, "time-outs": t.wasted_timeout, "cancelled runs": t.wasted_cancelled}
    share = sum(wasted.values()) / t.core_seconds
    parts = ", ".join(f"{name} {core_hours(amount)}" for name, amount in wasted.items() if amount)
    rate = (
        f"; {t.results:,} results of {several(t.useful, 'run')}, {t.results * 3600 / t.core_seconds:.2g} a core-hour"
        if t.results
        else ""
    )
    said = f"{percent(share)} of {core_hours(t.core_seconds)} core-hours came to nothing{f' ({parts})' if parts else ''}{rate}"
    if share < SOME_WASTE:
        return whole(passed(said, record), r)
    lost = [m for m in r.members if m.outcome in ("failed", "timeout", "cancelled")]
    limit = max((m.asked_seconds or 0 for m in lost if m.outcome == "timeout"), default=0)
    fix = (
        f"#SBATCH --time={time_option(limit)}\n#SBATCH --signal=B:USR1@300   # five minutes to write a checkpoint that the next run goes on from"
        if limit and t.wasted_timeout >= t.wasted_failed
        else f"sacct -j {lost[0].job_id if lost else 'JOBID'} -o JobID,State,ExitCode,Reason   # and try one small case before many are submitted"
    )
    return (failed if share >= MUCH_WASTE else weak)(f"{said}: {jobs(lost)}", fix, record)


def long_queue(record: Fact[CampaignRecord]) -> Verdict:
    r = record.value
    t = r.totals
    if not t.waited_of or t.waited_of * 2 < t.runs or not t.seconds:
        raise Unclear(f"waiting times are known of {t.waited_of} of {several(t.runs, 'run')}")
    wait, ran = t.waited / t.waited_of, t.seconds / t.runs
    said = f"{several(t.waited_of, 'run')} waited {duration(wait)} and ran {duration(ran)} each on average"
    if wait <= SHORT_WAIT or wait <= ran:
        return whole(passed(said, record), r)
    each = max(2, round(min(wait, 3600.0) / max(ran, 1.0)))
    fix = f"#SBATCH --time={time_option(ran * each)}   # {each} of them in one job, which waits once"
    return (failed if wait > LONG_WAIT * ran else weak)(said, fix, record)


def crumbs(record: Fact[CampaignRecord]) -> Verdict:
    r = record.value
    known = [m for m in r.members if m.outputs is not None and m.bytes_out is not None]
    if len(known) < len(r.members):
        raise Unclear(f"outputs are known of {len(known)} of {several(len(r.members), 'run')}")
    count, total = sum(m.outputs or 0 for m in known), sum(m.bytes_out or 0 for m in known)
    said = f"{several(count, 'output')} of {several(len(known), 'run')}, {size(total)}" + (
        f", {size(total / count)} each" if count else ""
    )
    if count < MANY_FILES or total >= count * MIB:
        return whole(passed(said, record), r)
    most = max(known, key=lambda m: m.outputs or 0)
    return failed(
        f"{said}; most of them of {most.job_id}",
        f"tar -cf results-{most.job_id}.tar results && rm -r results   # or one HDF5, Zarr or Parquet file a run",
        record,
    )
