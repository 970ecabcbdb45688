"""How does scontrol's record become a JobAccounting? The last attempt only, without steps; the exit code is exact."""

from __future__ import annotations

import re
from dataclasses import replace

from probes.schedulers import Attempt, JobAccounting, scontrol
from probes.schedulers import notation as n
from probes.schedulers.build import ENDED, blank, derived, label, seconds, succeeded

_GPU = re.compile(r"\bgpu(?::([A-Za-z][\w-]*))?[:=](\d+)")
_PART_OF_A_GPU = re.compile(r"\b(gpu|shard|mps)\b")


def from_scontrol(record: scontrol.Record, version: str, cluster: str) -> JobAccounting:
    get = record.get
    now = n.tres(get("TRES", get("ReqTRES", "")))
    gpus, gpu_type = _asked_gpus(record)
    attempt = _scontrol_attempt(record)
    running = bool(attempt.started)
    path = {k: n.text(get(k, "")) for k in ("WorkDir", "Command", "StdOut", "StdErr", "Container", "SubmitLine")}
    filled = replace(
        blank(scontrol.called(record), version),
        cluster=cluster, name=get("JobName", ""), user=get("UserId", "").partition("(")[0], account=n.text(get("Account", "")),
        partition=n.text(get("Partition", "")), qos=n.text(get("QOS", "")), workdir=path["WorkDir"], command=path["Command"],
        submit_line=path["SubmitLine"], stdout=path["StdOut"], stderr=path["StdErr"], container=path["Container"],
        dependency=n.text(get("Dependency", "")), array_throttle=n.number(get("ArrayTaskThrottle", "")),
        asked_nodes=n.number(get("NumNodes", "").partition("-")[0]), asked_cpus=n.number(get("NumCPUs", "").partition("-")[0]),
        asked_memory=n.size(now.get("mem", "")), asked_seconds=seconds(n.duration(get("TimeLimit", ""))),
        asked_gpus=gpus, gpu_type=gpu_type, used_cpus=n.number(get("NumCPUs", "")) if running else None,
        used_seconds=n.duration(get("RunTime", "")) if running else None, attempts=(attempt,), final=attempt.final,
    )  # fmt: skip
    return label(filled, "scontrol")


def _scontrol_attempt(record: scontrol.Record) -> Attempt:
    get = record.get
    state, worst = n.state(get("JobState", "")), derived(get("DerivedExitCode", ""))
    code = n.exit_pair(get("ExitCode", "")) if state in ENDED else None
    nodes = n.hosts(get("NodeList", ""))
    began = bool(nodes) and state != "PENDING"  # else StartTime is a guess, or only the moment of its end
    return Attempt(
        number=n.number(get("Restarts", "")) or 0,
        state=state,
        state_text=get("JobState", ""),
        reason=n.text(get("Reason", "")),
        exit_code=code[0] if code else None,
        signal=code[1] if code else None,
        exit_exact=True,
        derived_exit_code=worst,
        submitted=n.when(get("SubmitTime", "")),
        eligible=n.when(get("EligibleTime", "")),
        started=n.when(get("StartTime", "")) if began else "",
        ended=n.when(get("EndTime", "")) if state in ENDED else "",
        nodes=nodes,
        steps=(),
        succeeded=succeeded(state, code, worst, ()),
        final=state in n.TERMINAL and bool(n.text(get("WorkDir", ""))),
    )


def _asked_gpus(record: scontrol.Record) -> tuple[int | None, str]:
    """From TRES where the site counts GPUs there, else from the request as it was typed."""
    counted = n.gpus(n.tres(record.get("TRES", "")))
    if counted[0] is not None:
        return counted
    typed = [record.get(k, "") for k in ("JOB_GRES", "TresPerJob", "TresPerNode", "TresPerSocket", "TresPerTask")]
    found = next((m for m in (_GPU.findall(t) for t in typed[:3]) if m), [])
    kinds = {kind for kind, _ in found if kind}
    if not found and "TRES" in record and not any(_PART_OF_A_GPU.search(t) for t in typed):
        return 0, ""  # whatever was asked for is in one of these
    return sum(int(count) for _, count in found) or None, kinds.pop() if len(kinds) == 1 else ""
