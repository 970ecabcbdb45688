"""The ways in: sbatch, run, adopt, capture, sweep."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.common import Json, emit, home, progress_console, say
from auditor.model import Phase

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def sbatch(context: typer.Context) -> None:
    """[bold]sbatch[/bold], unchanged to whoever calls it, with evidence collected on the side.

    Everything after the verb goes to sbatch as it is. Our own switches come first and start with --auditor-:
    --auditor-no-hook, --auditor-no-attach, --auditor-libraries, --auditor-label=NAME, --auditor-input=GLOB, --auditor-output=GLOB,
    --auditor-trace (every file the job touches is written down; =strace, =preload or =auto). A script may say the same in lines
    such as #AUDITOR input=data/*.csv label=paper trace=auto.

    Example: auditor sbatch --auditor-label=paper train.sh --epochs 3
    """
    from auditor.submit.wrapper import main

    sys.exit(main(context.args))


def run(
    context: typer.Context,
    label: Annotated[str, typer.Option(help="Runs with one label belong to one campaign.")] = "",
    inputs: Annotated[
        list[str] | None, typer.Option("--input", "-i", metavar="GLOB", help="A declared input; may be repeated.")
    ] = None,
    outputs: Annotated[
        list[str] | None, typer.Option("--output", "-o", metavar="GLOB", help="A declared output; may be repeated.")
    ] = None,
    trace: Annotated[
        str,
        typer.Option(
            metavar="WAY",
            help="Write down every file it touches: auto, strace (complete; up to 5 x where a command does nothing but open files), "
            "preload (up to 1.3 x; blind to static programs and containers).",
        ),
    ] = "",
    attach: Annotated[
        bool, typer.Option("--attach/--no-attach", help="Set variables that let Dask, Ray and others leave a record of the run.")
    ] = True,
) -> None:
    """Run a command or a batch script here, with the same evidence and no scheduler.

    A script's #SBATCH --array, --time, --output, --chdir and --job-name lines are honoured; memory and CPU time come from the kernel.

    Examples: auditor run train.sh 0     auditor run --input data.csv -- python3 fit.py data.csv
    """
    from auditor.config import load
    from auditor.model import AuditError
    from auditor.submit.local import run as run_local

    if not context.args:
        raise AuditError("there is nothing to run", "auditor run -- COMMAND ..., or auditor run SCRIPT ARGUMENTS ...")
    config = load().config
    result = run_local(
        context.args,
        home=home(),
        label=label or config.label,
        inputs=tuple(inputs or config.inputs),
        outputs=tuple(outputs or config.outputs),
        trace=trace or config.trace,
        attach=config.attach if attach else "none",
    )
    sys.exit(result.exit_code)


def adopt(
    job_ids: Annotated[list[str], typer.Argument(metavar="JOBID...", help="123, 123_4, or a whole array 123.")],
    json: Json = False,
) -> None:
    """Collect what can still be known of jobs that were never wrapped.

    Example: auditor adopt 4711 && auditor report 4711
    """
    from auditor.cli.common import store
    from auditor.submit.adopt import adopt as adopt_jobs

    jobs = adopt_jobs(tuple(job_ids), home())
    with store():
        pass
    if json:
        emit([{"run": j.run_id, "job": j.job_id} for j in jobs])
        return
    for job in jobs:
        print(f"{job.run_id}  job {job.job_id}")


def capture(
    script: Annotated[
        Path | None,
        typer.Argument(
            help="A batch script to look at as if it were submitted now; none: this folder and shell.", readable=False
        ),
    ] = None,
    phase: Annotated[Phase, typer.Option(help="Which probes: those of this phase.")] = Phase.SUBMIT,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write the capture here; default: stdout.")] = None,
) -> None:
    """Look once, now, with the probes of a phase, and write the evidence down as JSON; nothing is stored.

    Example: auditor capture train.sh -o x.json && auditor score x.json
    """
    from auditor.codec import pretty
    from auditor.preflight import look

    raw = pretty(look(script, phase))
    if output is None:
        sys.stdout.write(raw.decode("ascii"))
    else:
        from auditor.cli.common import write_file

        write_file(output, raw)
        say(f"wrote {output}")


def sweep(
    wait: Annotated[float, typer.Option(help="Seconds to wait for records that are not final yet.")] = 0.0,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Make the store anew from the archive and the spool first.")] = False,
    json: Json = False,
) -> None:
    """Take in what waits in the spool and complete finished jobs from accounting, in batches. Safe from cron, and twice at once.

    Example: auditor sweep --wait 30
    """
    from auditor.submit.sweep import sweep as sweep_all

    if rebuild:
        from auditor.store import rebuild as rebuild_store

        with progress_console().status("making the store anew …"):
            made = rebuild_store(home())
        say(
            f"{made.files} captures of {made.runs} runs are in the new store; the old one is beside it (.old); scores are made again when you ask"
        )
    with progress_console().status("reading accounting …"):
        report = sweep_all(home(), wait=wait)
    if json:
        emit(report)
        return
    print(f"{report.ingested} files taken in, {len(report.completed)} runs completed, {len(report.pending)} not finished yet")
    for name, reason in report.quarantined:
        say(f"set aside {name}: {reason}")


def add_to(app: typer.Typer) -> None:
    panel = "Ways in"
    app.command(context_settings=PASS_ON, rich_help_panel=panel)(sbatch)
    app.command(
        context_settings={"allow_extra_args": True, "allow_interspersed_args": False},
        options_metavar="[OPTIONS] SCRIPT|-- COMMAND [ARGUMENTS]...",
        rich_help_panel=panel,
    )(run)
    for verb in (adopt, capture, sweep):
        app.command(rich_help_panel=panel)(verb)
