"""In what did a Parsl run work: which environments, limits, retries and places to work was it given, and what did it ask a scheduler for?"""

from __future__ import annotations

import re
from collections.abc import Iterator

from probes.workflows import Asked, Construct, Environment, Event, Place, State, Task, parsl_config, parsl_scripts
from probes.workflows.parsl_tasks import Told
from probes.workflows.parsl_tasks import constructs as joined

MAX_EVENTS = 1000


def environments(told: Told, scripts: tuple[parsl_scripts.Script, ...], inner: str) -> Iterator[Environment]:
    """What workers were to run in, by the configuration; and did, where a scheduler took the script that says it."""
    log = Place(told.log_path, f"line {told.log.config_line}: Config")
    for version in sorted({python for _, _, python in told.row.nodes.values() if python}):
        yield Environment("python", version, enacted=Place(told.database_path, "table node"))
    found: dict[tuple[str, str], Environment] = {}
    for executor in told.log.configured.executors:
        for e in parsl_scripts.environments(f"{executor.worker_init}\n{executor.launch_command}", log, False):
            found.setdefault((e.kind, e.name), e)
    for script in scripts:
        place = Place(inner + script.path)
        ran = bool(told.blocks.get((script.label, script.block)))
        for e in parsl_scripts.environments(script.text, place, ran):
            first = found.get((e.kind, e.name))
            found[e.kind, e.name] = e if first is None else Environment(e.kind, e.name, first.declared, e.enacted)
    yield from list(found.values())[:200]


def constructs(told: Told, tasks: tuple[Task, ...], saved: str) -> Iterator[Construct]:
    """saved: the file of saved results, empty where there is none."""
    config = Place(told.log_path, f"line {told.log.config_line}: Config")
    if told.log.configured.retries:
        yield Construct("retries", f"retries={told.log.configured.retries}", config)
    if told.log.configured.checkpoint:
        yield Construct("resume", f"checkpoint_mode={told.log.configured.checkpoint}", config)
    elif saved:
        yield Construct("resume", "results are saved", Place(saved))
    for executor in told.log.configured.executors:
        if executor.workers is not None:
            blocks = f" in {executor.blocks} blocks" if executor.blocks else ""
            yield Construct("limit", f"executor {executor.label}: {executor.workers} at once{blocks}", config)
    if cached := [t for t in tasks if t.state is State.CACHED]:
        yield Construct("cache", f"{len(cached)} of {len(tasks)} results were taken from memory", cached[0].place)
    yield from joined(told.row, told.database_path)


def workers(told: Told) -> int | None:
    """Of all executors together; by the nodes that came where the configuration leaves it to them."""
    total = 0
    for executor in told.log.configured.executors:
        here = executor.workers
        if here is None:
            seen = {
                k: n for k, n in told.row.nodes.items() if k[1] in {b for label, b in told.row.blocks if label == executor.label}
            }
            here = sum(workers for workers, _, _ in seen.values()) or None
        if here is None:
            return None
        total += here
    return total or None


def asked(executor: parsl_config.Executor, script: parsl_scripts.Script | None) -> Asked:
    """What one task gets of its executor, with what the executor's block asked the scheduler for, as written."""
    other = {f"block {k}": v for k, v in (script.directives if script else {}).items()}
    partition = executor.asked.partition or other.get("block --partition", "") or other.get("block -p", "")
    return Asked(executor.asked.cpus, executor.asked.gpus, executor.asked.memory, partition=partition, other=other)


def events(tasks: tuple[Task, ...]) -> Iterator[Event]:
    count = 0
    for task in tasks:
        for attempt in task.attempts[1:]:
            count += 1
            if count > MAX_EVENTS:
                return
            why = re.sub(r"\(.*", "", task.attempts[attempt.number - 2].reason) if attempt.number > 1 else ""
            yield Event(
                "retry",
                f"try {attempt.number} of {task.name}{' after ' + why if why else ''}",
                attempt.submitted,
                task.id,
                attempt.place,
            )
