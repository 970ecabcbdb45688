"""Who is asked about these jobs, in how many queries, and what did they say? Every silence becomes a sentence.

Two `scontrol` calls (settings, jobs) and, for jobs that have ended or were restarted, one `sacct` call per 200 ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from auditor.world import World
from probes.schedulers import JobAccounting, jobcomp, sacct, sacct_json, scontrol
from probes.schedulers.build import ENDED
from probes.schedulers.from_jobcomp import from_jobcomp
from probes.schedulers.from_sacct import EXACT_SINCE, from_sacct
from probes.schedulers.from_scontrol import from_scontrol
from probes.schedulers.merge import merge

LOT = 200
FEW = 8
"""Up to so many jobs are asked one by one; for more, one list of everything the controller knows costs it less."""
LIMIT = 64 << 20
SECONDS = 30.0
DISABLED = "accounting is disabled on this cluster: steps and memory use are not recorded"


@dataclass
class Heard:
    """What the rungs said, by the id a job is called. gaps: what was not there; failures: what could not be asked."""

    records: dict[str, JobAccounting] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    has_sacct: bool = False
    sacct_failed: bool = False
    answered: list[str] = field(default_factory=list)
    """The rungs that gave an answer, be it an empty one."""

    def gap(self, sentence: str) -> None:
        if sentence not in self.gaps:
            self.gaps.append(sentence)

    def answer(self, rung: str) -> None:
        if rung and rung not in self.answered:
            self.answered.append(rung)


def ask(world: World, job_ids: tuple[str, ...], cluster: str = "") -> Heard:
    """Climb the ladder for these jobs."""
    heard = Heard()
    settings = _settings(world, heard)
    elsewhere = cluster if cluster and settings and cluster != settings.get("ClusterName") else ""
    now_known = _controller(world, job_ids, elsewhere, settings, heard)
    busy = _busy(now_known)
    ended = tuple(j for j in job_ids if not _waits(j, now_known, busy))
    before = _database(world, ended, elsewhere, settings, heard) if ended else {}
    if ended and not heard.has_sacct:
        before = _completions(world, {_base(j) for j in job_ids}, settings, heard)
    for job, record in {**now_known, **before}.items():
        heard.records[job] = merge(record, now_known[job]) if job in before and job in now_known else record
    if ended and heard.has_sacct:
        _exact(world, heard)
    return heard


def _base(job_id: str) -> str:
    return job_id.partition("_")[0].partition("+")[0]


def _say(world: World, heard: Heard, rung: str, *argv: str, env: Mapping[str, str]) -> str | None:
    """The command's text; None with the reason noted when it is not there or fails. rung: whose answer it is, or empty."""
    try:
        ran = world.run(*argv, timeout=SECONDS, limit=LIMIT, env=env)
    except FileNotFoundError:
        heard.gap(f"{argv[0]} is not installed here")
        return None
    except OSError as error:
        heard.failures.append(f"{argv[0]}: {error}")
        return None
    if ran.code or (ran.err.strip() and not ran.out.strip()):
        if scontrol.unknown(ran.err):
            heard.answer(rung)
        elif "storage is disabled" in ran.err:
            heard.gap(DISABLED)
        else:
            heard.failures.append(f"{argv[0]}: {(ran.err.strip() or f'exit code {ran.code}').splitlines()[-1][:300]}")
        return None
    heard.answer(rung)
    return ran.out


def _settings(world: World, heard: Heard) -> scontrol.Record:
    output = _say(world, heard, "", "scontrol", "show", "config", env=scontrol.ENV)
    return scontrol.config(output) if output else {}


def _controller(
    world: World, job_ids: tuple[str, ...], cluster: str, settings: scontrol.Record, heard: Heard
) -> dict[str, JobAccounting]:
    """The controller's records, by the id a job is called."""
    if not settings:  # no scontrol, or no controller that answers
        return {}
    bases = tuple(dict.fromkeys(job_ids if len(job_ids) == 1 else map(_base, job_ids)))
    wanted = {_base(b) for b in bases}
    where = ("-M", cluster) if cluster else ()
    calls: Iterable[tuple[str, ...]] = [(b,) for b in bases] if len(bases) <= FEW else [()]
    version, name = settings.get("SLURM_VERSION", ""), cluster or settings.get("ClusterName", "")
    found: dict[str, JobAccounting] = {}
    for which in calls:
        output = _say(world, heard, "the controller", "scontrol", *where, "show", "job", "-d", *which, env=scontrol.ENV)
        for job, record in scontrol.records(output or "").items():
            if _base(job) in wanted:
                found[job] = from_scontrol(record, version, name)
    return found


def _first_try(record: JobAccounting) -> bool:
    """Does it still wait or run, for the first time? Then the database has nothing to add."""
    return record.attempts[-1].state not in ENDED and not record.attempts[-1].number


def _busy(known: Mapping[str, JobAccounting]) -> frozenset[str]:
    """Bare numbers of arrays, components and jobs none of whose parts has ended yet."""
    ended = {_base(job) for job, record in known.items() if not _first_try(record)}
    return frozenset(_base(job) for job in known) - ended


def _waits(job_id: str, known: Mapping[str, JobAccounting], busy: frozenset[str]) -> bool:
    return _first_try(known[job_id]) if job_id in known else job_id in busy


def _lots(job_ids: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(job_ids), LOT):
        yield job_ids[start : start + LOT]


def _database(
    world: World, job_ids: tuple[str, ...], cluster: str, settings: scontrol.Record, heard: Heard
) -> dict[str, JobAccounting]:
    """sacct's records. Leaves `has_sacct` false where there is no accounting to ask."""
    if settings.get("AccountingStorageType", "").endswith("/none"):
        heard.gap(DISABLED)
        return {}
    offered = _say(world, heard, "", "sacct", "--helpformat", env=sacct.ENV)
    version = _say(world, heard, "", "sacct", "-V", env=sacct.ENV) or settings.get("SLURM_VERSION", "")
    if offered is None:
        return {}
    heard.has_sacct = True
    rows: list[sacct.Row] = []
    try:
        names = sacct.fields(offered)
        for lot in _lots(job_ids):
            output = _say(world, heard, "accounting", *sacct.query(names, lot, cluster), env=sacct.ENV)
            heard.sacct_failed |= output is None
            rows += sacct.rows(output or "", names)
    except ValueError as error:
        heard.sacct_failed = True
        heard.failures.append(str(error))
    heard.has_sacct = DISABLED not in heard.gaps
    grouped: dict[str, list[sacct.Row]] = {}
    for row in rows:
        grouped.setdefault(row["JobID"].partition(".")[0], []).append(row)
    number = " ".join(version.split()[-1:])
    counts_gpus = not cluster and "gres/gpu" in settings.get("AccountingStorageTRES", "").split(",")
    return {
        job: _no_gpu(from_sacct(mine, number), counts_gpus)
        for job, mine in grouped.items()
        if any("." not in r["JobIDRaw"] for r in mine)
    }


def _no_gpu(record: JobAccounting, counts_gpus: bool) -> JobAccounting:
    """Where the site counts GPUs, a request that names none asked for none; elsewhere that is not known."""
    if not counts_gpus or record.asked_gpus is not None or record.asked_cpus is None:
        return record
    return replace(record, asked_gpus=0, rungs={**record.rungs, "asked_gpus": "sacct"})


def _completions(world: World, wanted: set[str], settings: scontrol.Record, heard: Heard) -> dict[str, JobAccounting]:
    """The completion file's records, where the site writes one that we may read."""
    kind, path = settings.get("JobCompType", ""), settings.get("JobCompLoc", "")
    if not kind.endswith("filetxt"):
        heard.gap(f"no completion file to read ({kind or 'settings unknown'})")
        return {}
    if not world.exists(path):
        heard.gap(f"the completion file {path} is not on this machine")
        return {}
    output = _say(world, heard, "the completion file", *jobcomp.tail(path), env={}) or ""
    version = settings.get("SLURM_VERSION", "")
    cluster = settings.get("ClusterName", "")
    mine = {job: several for job, several in jobcomp.records(output).items() if _base(job) in wanted}
    built = {job: from_jobcomp(several, version) for job, several in mine.items()}
    return {job: replace(record, cluster=cluster) for job, record in built.items()}


def _exact(world: World, heard: Heard) -> None:
    """Ask sacct's JSON for codes that may have lost 128, where its release tells them right."""
    doubtful = [j for j, r in heard.records.items() if r.attempts and not r.attempts[-1].exit_exact and r.attempts[-1].final]
    if not doubtful or not sacct_json.SINCE <= sacct.release(heard.records[doubtful[0]].version) < EXACT_SINCE:
        return
    for lot in _lots(tuple(doubtful)):
        try:
            codes = sacct_json.exit_codes(_say(world, heard, "", *sacct_json.query(lot), env={}) or '{"jobs": []}')
        except ValueError as error:
            heard.failures.append(f"sacct --json: {error}")
            return
        for job in lot:
            last = heard.records[job].attempts[-1]
            if (code := codes.get((job, last.submitted))) is not None:
                exact = (*heard.records[job].attempts[:-1], replace(last, exit_code=code, exit_exact=True))
                heard.records[job] = replace(heard.records[job], attempts=exact)
