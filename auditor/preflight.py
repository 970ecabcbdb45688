"""What would an audit say of this batch script before it is submitted? The submit-time probes and the same tips; nothing is run or sent."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from auditor.capture import capture
from auditor.model import AuditError, Capture, Job, Outcome, Phase
from auditor.scorecard import Finding
from auditor.world import RealWorld, World

MAX_SCRIPT = 4 << 20
CONTROLLER_SECONDS = 5.0


@dataclass(frozen=True)
class Preflight:
    """problems: the shell's or sbatch's own complaints; findings: what a check already decides, worst first."""

    script: str
    problems: tuple[str, ...]
    findings: tuple[Finding, ...]
    undecided: int
    """Checks that only the run itself can settle."""


def job_of(world: World, script: Path | None) -> Job:
    """A job that is not submitted. Raises AuditError for a script that cannot be read or is not text."""
    if script is None:
        return Job("local", "none", workdir=world.cwd)
    try:
        raw = world.read(str(script), MAX_SCRIPT)
    except FileNotFoundError:
        raise AuditError(f"{script}: no such file", "name a batch script") from None
    except OSError as error:
        raise AuditError(f"{script}: {error.strerror or error}", "can you read it, and is it a script?") from error
    if b"\0" in raw:
        raise AuditError(f"{script} is not a script: it holds NUL bytes", "sbatch would refuse it too")
    text = raw.decode("utf-8", "surrogateescape")
    return Job("slurm", "none", workdir=world.cwd, script=text, script_path=os.path.join(world.cwd, script), argv=(str(script),))


def look(script: Path | None, phase: Phase = Phase.SUBMIT, world: World | None = None) -> Capture:
    """Every probe of the phase, once, now."""
    from auditor.registry import probes

    here = world or RealWorld()
    return capture(here, job_of(here, script), phase, probes().values())


def preflight(script: Path, world: World | None = None) -> Preflight:
    """Raises AuditError for an unreadable script."""
    from reports.score import score

    here = world or RealWorld()
    seen = look(script, Phase.SUBMIT, here)
    card = score(seen.job, seen.evidence)
    findings = [f for tip in card.tips for f in tip.findings]
    bad = [f for f in findings if f.outcome in {Outcome.FAILED, Outcome.WEAK}]
    order = {Outcome.FAILED: 0, Outcome.WEAK: 1}
    return Preflight(
        str(script),
        tuple(_complaints(here, seen.job)),
        tuple(sorted(bad, key=lambda f: (order[f.outcome], f.tip, f.check))),
        sum(f.outcome is Outcome.UNKNOWN for f in findings),
    )


def _complaints(world: World, job: Job) -> list[str]:
    """What `bash -n` and `sbatch --test-only` say, where they are there."""
    found = [*_lost_output(world, job), *_misread(job)]
    first = job.script.split("\n", 1)[0]
    if "\r\n" in job.script:
        found.append(f"its lines end as on DOS: sbatch refuses this script; sed -i 's/\\r$//' {shlex.quote(job.script_path)}")
    elif not first.startswith("#!"):
        found.append("the first line is not #!: sbatch refuses this script")
    elif first.rstrip().endswith(("bash", "/sh")):
        ran = world.run("bash", "-n", job.script_path)
        if ran.code:
            found.append(ran.err.strip())
    try:
        if world.run(
            "scontrol", "ping", timeout=CONTROLLER_SECONDS
        ).code:  # no controller answers: sbatch's complaint would not be about the script
            return found
        ran = world.run("sbatch", "--test-only", job.script_path)
    except (FileNotFoundError, TimeoutError):
        return found
    if ran.code:
        found.append(ran.err.strip().splitlines()[-1] if ran.err.strip() else f"sbatch --test-only ends with {ran.code}")
    return found


def _misread(job: Job) -> Iterator[str]:
    from probes.script.misread import misread

    for one in misread(job.script):
        yield f"line {one.line}: `{one.text}` says nothing to auditor: {one.hint}"


def _lost_output(world: World, job: Job) -> Iterator[str]:
    """sbatch makes no folder: where the one of --output or --error is missing, what the job prints is lost without a word."""
    from probes.script.sbatch import directives

    for directive in directives(job.script):
        if directive.option in {"-o", "--output", "-e", "--error"}:
            folder = os.path.dirname(directive.value)
            if folder and "%" not in folder and not world.exists(os.path.join(job.workdir, folder)):
                yield f"line {directive.line}: there is no folder {folder}, and Slurm makes none: what the job prints would be lost (mkdir -p {folder})"
