"""Which images does this job name: in its batch script, in the scripts it calls, in its own options, in its workflow files?"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from auditor.model import Job
from auditor.world import RecordedWorld, World
from probes.containers import Reference, image
from probes.containers.commandlines import hits
from probes.containers.hit import Hit, Inputs
from probes.containers.linked import Made, linked
from probes.containers.reference import of_hit, settings
from probes.containers.slurmlines import slurm
from probes.script import sbatch
from probes.script.command import Command
from probes.script.expand import Word
from probes.script.options import Option
from probes.script.runenv import own_options, run_environment
from probes.script.target import WORKFLOWS
from probes.script.trace import Trace, trace

LEVELS = 6
MAX_REFERENCES = 500


@dataclass(frozen=True)
class Found:
    """references: the batch script's first, by line; unread: what could not be read, with the reason."""

    references: tuple[Reference, ...]
    unread: tuple[str, ...] = ()


def named(world: World, job: Job) -> tuple[Reference, ...]:
    """Every reference, the batch script's first; those of called scripts carry the script's path in `file`."""
    return look(world, job).references


def look(world: World, job: Job) -> Found:
    seen = trace(world, job, LEVELS)
    environment = run_environment(world.env, job)
    made = [*_of_sbatch(job, world.env), *_of_commands(seen, job, environment)]
    engines, unread = _of_workflows(world, job, seen, environment)
    images = [r for r in linked(made) if r.transport != "recipe" and (r.resolved or r.unresolved)]
    found = list(dict.fromkeys(_apart([*images, *engines])))
    found.sort(key=lambda r: (r.file != "", r.line if not r.file else 0))
    return Found(tuple(found[:MAX_REFERENCES]), unread)


def _of_workflows(world: World, job: Job, seen: Trace, environment: Mapping[str, str]) -> tuple[list[Reference], tuple[str, ...]]:
    if not any(word.rpartition("/")[2] in WORKFLOWS for command in seen.commands for word in command.texts):
        return [], ()
    # most jobs start no engine: not loaded in their name
    from probes.containers.engines.shelf import Shelf
    from probes.containers.workflows import of_engines

    shelf = Shelf(world)
    found = of_engines(seen.commands, shelf, environment, job.workdir)
    engines = [replace(r, file=_short(r.file, job)) for r in found]
    return engines, tuple(f"{_short(path, job)}: {why}" for path, why in shelf.unread.items())


def where(world: World, job: Job, path: str) -> str:
    """An image's path as the job would open it: from its work directory."""
    home = world.env.get("HOME", "")
    if path.startswith("~/") and home:
        path = home + path[1:]
    path = os.path.join(job.workdir or world.cwd, path)
    return path if ".." in path else os.path.normpath(path)  # `..` after a link is not where the text says


def files(world: World, job: Job) -> tuple[tuple[Reference, str], ...]:
    """References to image files whose path is known, each path once; and to the copies that workflow engines made, where they are."""
    every = named(world, job)
    found = {
        where(world, job, r.resolved): r
        for r in reversed(every)
        if r.transport == "file" and r.resolved and "://" not in r.resolved
    }
    copies = {r.copy: r for r in every if r.copy and _there(world, r.copy)}
    return tuple((reference, path) for path, reference in sorted({**copies, **found}.items()))


def _there(world: World, path: str) -> bool:
    try:
        return world.exists(path)
    except (OSError, LookupError, ValueError):
        return False


def references(text: str, environ: Mapping[str, str], arguments: Sequence[str] = ()) -> tuple[Reference, ...]:
    """Images that one script's text names, with no other file at hand."""
    world = RecordedWorld(environ, {}, {}, frozenset(), datetime.min.replace(tzinfo=UTC), "", "/")
    job = Job("slurm", "", workdir="/", script=text, script_path="/job", argv=("job", *arguments) if arguments else ())
    return named(world, job)


def _of_sbatch(job: Job, environment: Mapping[str, str]) -> Iterator[Made]:
    """Typed options, then `#SBATCH` lines, then variables that sbatch reads; line 0 where it is not in the script."""
    inputs = settings(environment)
    rows: list[tuple[int, list[Option]]] = [(0, _as_options(own_options(job)))]
    directives = sbatch.directives(job.script) if job.scheduler == "slurm" else ()
    rows.append((0, _as_options(directives)))
    lines = {o.option: o.line for o in directives}
    everywhere = [option for _, options in rows for option in options]
    for typed in (True, False):
        for hit in slurm(rows[not typed][1], Inputs()):
            kept = next((h.kept for h in slurm(everywhere, Inputs()) if h.runtime == hit.runtime), hit.kept)
            line = 0 if typed else lines.get(_option_of(hit), 0)
            yield of_hit(replace(hit, kept=kept), line, inputs=inputs), hit.made
    word = Inputs(inputs).word("SBATCH_CONTAINER")
    if word is not None and not any(o.name == "--container" for o in rows[0][1]):
        yield of_hit(Hit("slurm-oci", word), 0, inputs=inputs), ""


def _option_of(hit: Hit) -> str:
    if hit.transport == "instance":
        return "--container-name"
    return {"pyxis": "--container-image", "shifter": "--image"}.get(hit.runtime, "--container")


def _as_options(options: Sequence[sbatch.Option]) -> list[Option]:
    return [Option(o.option, Word(o.value, True, o.value) if o.value else None) for o in options]


def _of_commands(seen: Trace, job: Job, environment: Mapping[str, str]) -> Iterator[Made]:
    for command in seen.commands:
        inputs = {**settings(environment, command), "PWD": command.cwd}
        for hit in hits(command, Inputs(inputs)):
            yield _of_command(hit, command, seen, job, inputs), _made(hit, command, job)


def _made(hit: Hit, command: Command, job: Job) -> str:
    """A file that the command writes, as later commands would find it; a name of another kind as it is."""
    is_file = hit.made.lower().endswith(image.FILES) or (hit.runtime == "apptainer" and hit.action == "fetch")
    elsewhere = is_file and command.cwd and command.cwd != job.workdir
    return os.path.normpath(os.path.join(command.cwd, hit.made)) if elsewhere and hit.made else hit.made


def _of_command(hit: Hit, command: Command, seen: Trace, job: Job, inputs: Mapping[str, str]) -> Reference:
    reference = of_hit(hit, command.line, command.cwd, job.workdir, inputs)
    file = "" if command.file == seen.file else _short(command.file, job)
    chosen = any(f"{{{name}" in hit.word.raw or f"${name}" in hit.word.raw for name in command.undecided)
    return replace(reference, file=file, sure=not chosen)


def _short(path: str, job: Job) -> str:
    inside = job.workdir and path.startswith(f"{job.workdir.rstrip('/')}/")
    return os.path.relpath(path, job.workdir) if inside else path


def _apart(found: Sequence[Reference]) -> Iterator[Reference]:
    """Where one written text stands for several images, each is called by what it resolves to: nothing else tells them apart."""
    count = Counter(text for text, _ in {(r.text, r.resolved) for r in found if r.resolved})
    for reference in found:
        several = count[reference.text] > 1 and reference.resolved
        yield replace(reference, text=reference.resolved) if several else reference
