"""How did a run end? By its own last words; where there are none, it was killed, or goes on."""

from __future__ import annotations

from auditor.world import World
from probes.workflows import State
from probes.workflows.snakemake_files.leftovers import Leftovers, at_work
from probes.workflows.snakemake_files.log import Log
from probes.workflows.snakemake_files.phrases import Said


def ending(world: World, log: Log, left: Leftovers, newest: bool) -> tuple[State, str]:
    """The state and the sentence that shows it. newest: no later run got hold of the folder, so a lock may be this one's."""
    if not log.lines:
        return State.UNKNOWN, f"{log.path} is empty: nothing was begun (`--unlock` leaves such a log), or it was killed at once"
    if log.has("dry"):
        return State.NOT_RUN, _line(log, "dry", "it was a dry run")
    failed = [job for job in log.jobs.values() if job.tries and job.tries[-1].verdict == "failed"]
    if failed:
        more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
        return State.FAILED, f"{log.path} line {failed[0].tries[-1].closed}: job {failed[0].id} ({failed[0].rule}) failed{more}"
    for what, words in (("failing", "a job failed"), ("interrupted", "it was interrupted")):
        if log.has(what):
            return State.FAILED, _line(log, what, words)
    if log.has("nothing"):
        return State.CACHED, _line(log, "nothing", "all files were up to date")
    if log.has("closing") and _complete(log):
        return State.SUCCEEDED, _line(log, "closing", "all steps are done and the log is closed")
    if errors := _errors(log):
        return State.FAILED, f"{log.path} line {errors[-1].line}: {errors[-1].fields['name']}"
    if log.has("closing") and not log.jobs and not log.has("progress"):
        return State.UNKNOWN, _line(log, "closing", "the log is closed without a word of any job: it was kept quiet (--quiet)")
    if log.has("closing"):
        return State.UNKNOWN, _line(log, "closing", "the log is closed before all steps were done")
    return _unclosed(world, log, left, newest)


def _unclosed(world: World, log: Log, left: Leftovers, newest: bool) -> tuple[State, str]:
    end = f"{log.path} ends at line {log.lines} without its closing line"
    if not newest:
        return State.KILLED, f"{end}, and a later run took the folder"
    if not left.locked:
        return State.KILLED, f"{end}, and no lock is left"
    if not log.header.get("Host") or log.header["Host"] != world.host:
        return State.UNKNOWN, f"{end}, and {left.locked} is left: killed, or still running elsewhere"
    alive = at_work(world, log.header.get("Command", ""))
    if alive is None:
        return State.UNKNOWN, f"{end}, and {left.locked} is left: killed, or still running"
    if alive:
        return State.RUNNING, f"{left.locked} is held and a process with its command line is alive"
    return State.KILLED, f"{end}, {left.locked} is left, and no process with its command line is alive on {world.host}"


def _errors(log: Log) -> list[Said]:
    """Those after which no job was tried again: the others may have been mended."""
    again = max((s.line for s in log.said("restart")), default=0)
    return [e for e in log.said("exception") if e.line > again]


def _complete(log: Log) -> bool:
    """Were all steps done that the last progress line counts?"""
    progress = log.said("progress")
    return (bool(progress) and progress[-1].fields["done"] == progress[-1].fields["total"]) or _many(log)


def _many(log: Log) -> bool:
    """More progress lines than are kept: every job that was begun has finished."""
    return len(log.said("progress")) >= 10_000 and all(job.open is None for job in log.jobs.values())


def _line(log: Log, what: str, words: str) -> str:
    return f"{log.path} line {log.said(what)[-1].line}: {words}"
