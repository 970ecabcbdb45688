"""How does a plan become a verdict? Unpack, lay out, rebuild, run, compare; each step told, nothing run without a yes."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

from auditor.model import AuditError
from auditor.replay import journal
from auditor.replay.plan import Plan, plan
from auditor.replay.stages import Fed, Replay
from auditor.verdict import ReplayVerdict
from auditor.world import RealWorld, World


def _quiet(_text: str) -> None:
    pass


def execute(
    plan: Plan,
    folder: str | os.PathLike[str],
    *,
    yes: bool = False,
    progress: Callable[[str], None] = _quiet,
    world: World | None = None,
    resume: bool = False,
    feeds: Mapping[str, Fed] | None = None,
) -> ReplayVerdict:
    """Do what the plan says in the new folder `folder`, and judge.

    yes: a person has seen the plan and agrees that this code runs here. resume: go on in the folder of an interrupted replay, after
    the last step that was whole. feeds: inputs that other replays made, by place. Raises AuditError without a yes, when the folder is
    in use, and when the bundle is no longer the one that was planned. Whatever goes wrong later is the verdict `not-run`.
    """
    with closing(opened(plan, folder, yes=yes, resume=resume)) as log:
        return Replay(plan, log.path.parent, progress, world or RealWorld(), log, feeds or {}).go()


def opened(plan: Plan, folder: str | os.PathLike[str], *, yes: bool, resume: bool) -> journal.Journal:
    """The folder's journal, new or the one that is there. Raises AuditError, as `execute` does."""
    if not yes:
        raise AuditError("nothing was run: a bundle is somebody's code, and nobody said yes", "look at the plan, then say --yes")
    target = Path(folder).absolute()
    if resume:
        log = journal.resume(target)
        if log.get("id", str) not in (None, plan.bundle):
            log.close()
            raise AuditError(f"{target} holds a replay of another bundle", "start it anew in another folder")
        return log
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        hint = (
            f"name a new folder with --into, or go on with --resume {target}"
            if _ours(target)
            else "name a new folder with --into"
        )
        raise AuditError(f"{target} is already there", hint)
    try:
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        log = journal.begin(target, plan.asked)
        log.write("id", plan.bundle)
    except OSError as error:
        raise AuditError(f"{target} cannot be made: {error.strerror or error}", "name another folder with --into") from error
    return log


def _ours(target: Path) -> bool:
    return (target / journal.NAME).is_file()


def planned(folder: str | os.PathLike[str], world: World | None = None) -> Plan:
    """The plan of an interrupted replay, made again from what it was asked for. Raises AuditError as `plan` and `journal.resume` do."""
    asked = dict(journal.asked(Path(folder).absolute()))
    try:
        return plan(asked.pop("bundle"), **asked, world=world)
    except (TypeError, KeyError) as error:
        raise AuditError(f"the journal in {folder} was written by another release", "start the replay anew") from error
