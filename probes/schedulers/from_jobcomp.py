"""How do records of the job completion file become a JobAccounting? Every attempt that ended, no steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from probes.schedulers import Attempt, JobAccounting, jobcomp
from probes.schedulers import notation as n
from probes.schedulers.build import blank, derived, label, seconds, succeeded


def from_jobcomp(records: Sequence[jobcomp.Record], version: str) -> JobAccounting:
    """One attempt a record. What is called PENDING there was requeued; 525600 minutes stand for no limit."""
    last, get = records[-1], records[-1].get
    attempts = tuple(_jobcomp_attempt(i, r) for i, r in enumerate(records))
    used, minutes = n.tres(get("Tres", "")), n.number(get("TimeLimit", ""))
    gpus, gpu_type = n.gpus(used)
    filled = replace(
        blank(jobcomp.called(last), version),
        cluster=n.text(get("Cluster", "")), name=get("Name", ""), user=get("UserId", "").partition("(")[0],
        account=get("Account", ""), partition=get("Partition", ""), qos=get("QOS", ""), workdir=get("WorkDir", ""),
        asked_seconds=seconds(minutes * 60 if minutes is not None else None), asked_memory=n.size(used.get("mem", "")),
        asked_gpus=gpus, gpu_type=gpu_type, used_cpus=n.number(get("ProcCnt", "")) or None, asked_nodes=n.number(used.get("node", "")),
        attempts=attempts, used_seconds=_between(attempts[-1].started, attempts[-1].ended), final=attempts[-1].final,
    )  # fmt: skip
    return label(filled, "jobcomp")


def _jobcomp_attempt(number: int, record: jobcomp.Record) -> Attempt:
    get = record.get
    state = "REQUEUED" if get("JobState") == "PENDING" else n.state(get("JobState", ""))
    code, worst = n.exit_pair(get("ExitCode", "")), derived(get("DerivedExitCode", ""))
    nodes = n.hosts(get("NodeList", ""))
    return Attempt(
        number=number,
        state=state,
        state_text=get("JobState", ""),
        reason="",
        exit_code=code[0] if code else None,
        signal=code[1] if code else None,
        exit_exact=True,
        derived_exit_code=worst,
        submitted=n.when(get("SubmitTime", "")),
        eligible=n.when(get("EligibleTime", "")),
        started=n.when(get("StartTime", "")) if nodes else "",
        ended=n.when(get("EndTime", "")),
        nodes=nodes,
        steps=(),
        succeeded=succeeded(state, code, worst, ()),
        final=state in n.TERMINAL and bool(get("WorkDir")),
    )


def _between(start: str, end: str) -> float | None:
    if not (start and end):
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
