"""How did a run of cwltool end, in which zone were its clocks, what was it told to do, and what happened on the way?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, tzinfo

from probes.records import times
from probes.records.lines import one_line
from probes.workflows import Construct, Event, Place, State, cwl_log, cwl_packed, cwl_prov
from probes.workflows.cwl_tasks import ENDS, Known

MAX_EVENTS = 1000


def zone(log: cwl_log.EngineLog, records: tuple[cwl_prov.Provenance, ...]) -> tuple[tzinfo | None, bool]:
    """The record's zone, from the engine's start in both: the log has it in UTC. Zones differ by quarters of an hour."""
    written = records[0].engine_started if records else ""
    if not written:
        return None, False
    try:
        away = (datetime.fromisoformat(f"{written[:26]}+00:00") - datetime.fromisoformat(log.started)).total_seconds()
    except (ValueError, TypeError):
        return None, True
    quarters = round(away / 900)
    return (None, True) if abs(away - quarters * 900) > 300 or abs(quarters) > 60 else (times.offset(quarters / 4), False)


def _line(number: int) -> str:
    return f"line {number}" if number else "its last lines"


def end(known: Known) -> tuple[State, str]:
    log = known.log
    if log.final:
        return ENDS.get(
            log.final, State.UNKNOWN
        ), f"{known.log_path} {_line(log.final_line)}: Final process status is {one_line(log.final)}"
    if log.error:
        return State.FAILED, f"{known.log_path} {_line(log.error_line)}: {log.error}"
    return State.UNKNOWN, "no line of the engine log says how it ended" if known.log_path else "the bundle has no engine log"


def events(known: Known) -> Iterator[Event]:
    for line, step, turn, when in known.log.iterations[:MAX_EVENTS]:
        yield Event(
            "loop", f"iteration {turn} of step {one_line(step)}", when, one_line(step), Place(known.log_path, f"line {line}")
        )


def constructs(known: Known) -> Iterator[Construct]:
    for step in known.steps.values():
        if step.loop:
            yield Construct("loop", f"step {step.name}: {step.loop}", Place(cwl_packed.PACKED, f"step {step.name}"))
    first = Place(known.log_path, "line 1")
    options = known.log.options
    if known.log.command and "--parallel" not in options:
        yield Construct("limit", "one job at a time: no --parallel", first)
    for option in options:
        if option.split("=", 1)[0] == "--cachedir":
            yield Construct("cache", "--cachedir", first)


def name(log: cwl_log.EngineLog) -> str:
    """The workflow's file, which is the first word of the command line that ends as one."""
    words = [w for w in log.options[1:] if not w.startswith("-") and w.split("#")[0].endswith((".cwl", ".yml", ".yaml", ".json"))]
    return one_line(next((w for w in words if w.split("#")[0].endswith(".cwl")), words[0] if words else "").rsplit("/", 1)[-1])
