"""How do sacct's rows of one job become a JobAccounting? Every attempt, every step; exit codes may have lost 128."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

from probes.schedulers import Attempt, JobAccounting, StepRecord, sacct
from probes.schedulers import notation as n
from probes.schedulers.build import ENDED, blank, derived, label, seconds, succeeded

EXACT_SINCE = (25, 11)
"""sacct takes 128 from exit codes of 128 and more until this release."""


def from_sacct(rows: Sequence[sacct.Row], version: str) -> JobAccounting:
    """Rows of one job with its steps, every attempt. The job row has requests and times, the steps what was used."""
    jobs = _same_job([r for r in rows if "." not in r["JobIDRaw"]])
    exact = sacct.release(version) >= EXACT_SINCE
    attempts = tuple(_sacct_attempt(i, row, _steps_of(row, rows), exact) for i, row in enumerate(jobs))
    last, get = jobs[-1], jobs[-1].get
    asked, used = n.tres(get("ReqTRES", "")), n.tres(get("AllocTRES", ""))
    gpus, gpu_type = n.gpus(asked)
    minutes = n.number(get("TimelimitRaw", ""))
    peaks = [s.max_rss for s in attempts[-1].steps if s.max_rss]
    began = bool(attempts[-1].started)
    record = replace(
        blank(last["JobID"], version),
        cluster=get("Cluster", ""), name=get("JobName", ""), user=get("User", ""), account=get("Account", ""),
        partition=get("Partition", ""), qos=get("QOS", ""), workdir=get("WorkDir", ""), submit_line=get("SubmitLine", ""),
        stdout=_path(last, "StdOut"), stderr=_path(last, "StdErr"), container=get("Container", ""),
        asked_nodes=n.number(asked.get("node", "")), asked_cpus=n.number(get("ReqCPUS", "")),
        asked_memory=n.size(asked.get("mem", "")), asked_seconds=seconds(minutes * 60 if minutes is not None else None),
        asked_gpus=gpus, gpu_type=gpu_type, used_cpus=n.number(used.get("cpu", "")), used_memory=max(peaks, default=None),
        used_cpu_seconds=n.duration(get("TotalCPU", "")) if began else None,
        used_seconds=n.duration(get("ElapsedRaw", "")) if began else None, attempts=attempts,
        final=attempts[-1].final and last["State"] != "REQUEUED",
    )  # fmt: skip
    return label(record, "sacct")


def _path(row: sacct.Row, which: str) -> str:
    """The output's path: since 24.05 sacct shows the pattern as it was given."""
    base, _, task = row["JobID"].partition("_")
    values = {"j": row["JobIDRaw"], "A": base, "a": task, "x": row.get("JobName", ""), "u": row.get("User", "")}
    return n.filename(row.get(which, ""), {k: v for k, v in values.items() if v})


def _same_job(rows: list[sacct.Row]) -> list[sacct.Row]:
    """Attempts of the newest job of this number, oldest first: numbers are used again after a while."""

    def who(row: sacct.Row) -> tuple[str, ...]:
        return tuple(row.get(k, "") for k in ("Cluster", "UID", "JobName", "JobIDRaw"))

    newest_first = sorted(rows, key=lambda r: (r.get("Submit", "").zfill(12), r.get("DBIndex", "").zfill(12)), reverse=True)
    return list(takewhile(lambda r: who(r) == who(newest_first[0]), newest_first))[::-1]


def _steps_of(job: sacct.Row, rows: Sequence[sacct.Row]) -> list[sacct.Row]:
    key = (job["JobIDRaw"], job.get("DBIndex"))
    return [r for r in rows if "." in r["JobIDRaw"] and (r["JobIDRaw"].partition(".")[0], r.get("DBIndex")) == key]


def _step(row: sacct.Row, exact: bool) -> StepRecord:
    code = n.exit_pair(row["ExitCode"])
    return StepRecord(
        name=row["JobIDRaw"].partition(".")[2],
        state=n.state(row["State"]),
        exit_code=code[0] if code else None,
        signal=code[1] if code else None,
        max_rss=n.size(row.get("MaxRSS", "")),
        cpu_seconds=n.duration(row.get("TotalCPU", "")),
        elapsed=n.duration(row.get("ElapsedRaw", "")),
        tasks=n.number(row.get("NTasks", "")),
        command=row.get("SubmitLine", ""),
        exit_exact=exact or _certain(n.state(row["State"]), code),
    )


def _certain(state: str, code: tuple[int, int] | None) -> bool:
    """Could 128 have been taken away? Not from a signal, not from a success."""
    return code is not None and (state != "FAILED" or code[1] != 0)


def _sacct_attempt(number: int, row: sacct.Row, parts: Sequence[sacct.Row], exact: bool) -> Attempt:
    state, code, worst = n.state(row["State"]), n.exit_pair(row["ExitCode"]), derived(row.get("DerivedExitCode", ""))
    steps = tuple(_step(r, exact) for r in parts if not r["JobIDRaw"].endswith(".extern"))
    nodes = n.hosts(row.get("NodeList", ""))  # none: it never ran, and its Start is only the moment of its end
    starts = [n.when(r.get("Start", "")) for r in (row, *(parts if state == "REQUEUED" else ()))]  # its own is the requeue's
    ended = code if state in ENDED else None
    return Attempt(
        number=n.number(row.get("Restarts", "")) or number,
        state=state,
        state_text=row["State"],
        reason=n.text(row.get("Reason", "")),
        exit_code=ended[0] if ended else None,
        signal=ended[1] if ended else None,
        exit_exact=exact or _certain(state, code),
        derived_exit_code=worst,
        submitted=n.when(row.get("Submit", "")),
        eligible=n.when(row.get("Eligible", "")),
        started=min(filter(None, starts), default="") if nodes else "",
        ended=n.when(row.get("End", "")),
        nodes=nodes,
        steps=steps,
        succeeded=succeeded(state, code, worst, steps),
        final=state in ENDED and bool(row.get("WorkDir")),
    )
