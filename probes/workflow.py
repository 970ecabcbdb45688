"""Which workflow engines, trackers and data formats does the job's code use?"""

from __future__ import annotations

import os.path
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditor.model import Absent, Grade, Job, Phase, Probe
from auditor.world import World
from probes.script import phases, pycode, sbatch, systems
from probes.script.launch import program
from probes.script.steps import Step, again, feedback, one_by_one, side_by_side, step
from probes.script.trace import Trace, trace

MAX_USES = 300
MAX_SIGNS = 20
MAX_LINES = 50
MAX_NAMES = 5000


@dataclass(frozen=True)
class Use:
    """A sign of a system. family: `engine`, `tracker`, `format`, `framework`, `simulation`, `distributed`, `download`.

    how: `command`, `import`, `call`, `file`; place: `file:line` or path.
    """

    system: str
    family: str
    how: str
    place: str


@dataclass(frozen=True)
class SystemsUsed:
    """Static signs in the batch script, the called files and the work directory; declared, until a reader (later issues) sees it enacted.

    phases: which of `train`, `infer`, `simulate`, `prepare`, `analyse` the commands and imports suggest, each with its signs.
    loops: lines where the script submits itself again or repeats a train/simulate body, `file:line text`.
    parallel: lines that start work side by side (`srun ... &`, `xargs -P`, `parallel`), likewise.
    serial: loops that run srun or a program one after another, likewise.
    """

    uses: tuple[Use, ...]
    phases: Mapping[str, tuple[str, ...]]
    loops: tuple[str, ...]
    parallel: tuple[str, ...]
    serial: tuple[str, ...]


def collect(world: World, job: Job) -> SystemsUsed | Absent:
    if not job.script:
        return Absent("the batch script is not known")
    found = trace(world, job)
    try:
        names = tuple(os.path.basename(p) for p in world.glob(f"{job.workdir}/*")[:MAX_NAMES]) if job.workdir else ()
    except (OSError, LookupError):
        names = ()
    return parse(found, names, job)


def parse(found: Trace, names: tuple[str, ...], job: Job) -> SystemsUsed:
    """From the trace and the names in the work directory."""
    texts = Texts(found, job.workdir)
    apart = _other_jobs(found, job)
    steps = tuple(step(c) for c in found.commands if c.words and c.file not in apart)
    tasks = any(o.option in ("-n", "--ntasks", "--ntasks-per-node") and o.value != "1" for o in sbatch.directives(job.script))
    python = [
        (s, parsed) for s in found.sources() if s.language == "python" and s.file not in apart and (parsed := pycode.tree(s.text))
    ]
    uses = [u for s in steps for u in _by_command(s, texts, tasks)]
    signs = [
        (s.phase, f"{texts.place(s.command.file, s.command.line)} {s.sign}")
        for s in steps
        if s.phase and not any(t.language == "submitted" for t in s.targets)
    ]
    loops = [texts.line(s.command.file, s.command.line) for s in steps if again(s, job)]
    loops += [texts.line(file, loop.line) for file, loop in feedback(steps)]
    for source, parsed in python:
        for wanted in pycode.imports(parsed):
            place = texts.place(source.file, wanted.line + source.line - 1)
            uses += [Use(s.name, s.family, "import", place) for s in systems.of_import(wanted.module) if not wanted.level]
        for name, number in pycode.calls(parsed):
            if system := systems.BY_CALL.get(name):
                uses.append(Use(system.name, system.family, "call", texts.place(source.file, number + source.line - 1)))
        signs += [(p, f"{texts.place(source.file, n + source.line - 1)} {sign}") for p, sign, n in phases.of_python(parsed)]
        loops += [texts.line(source.file, n + source.line - 1) for n in phases.loops_of_python(parsed)]
    uses += list(_by_file(names))
    return SystemsUsed(
        uses=tuple(dict.fromkeys(uses))[:MAX_USES],
        phases={p: tuple(dict.fromkeys(s for q, s in signs if q == p))[:MAX_SIGNS] for p in dict.fromkeys(p for p, _ in signs)},
        loops=_lines(loops),
        parallel=_lines(texts.line(s.command.file, s.command.line) for s in steps if side_by_side(s)),
        serial=_lines(texts.line(file, loop.line) for file, loop in one_by_one(steps)),
    )


def _other_jobs(found: Trace, job: Job) -> set[str]:
    """Files that run in jobs which the script submits, not in its own: those scripts and what only they call."""
    own = {found.file, os.path.join(job.workdir, found.file)}
    apart = {c.path for c in found.calls if c.how == "submitted"} - own
    for call in found.calls:
        if call.caller in apart:
            apart.add(call.path)
    return apart - own


@dataclass(frozen=True)
class Texts:
    """Places and lines as a reader wants them: paths relative to the work directory."""

    found: Trace
    workdir: str

    def place(self, file: str, line: int) -> str:
        inside = self.workdir and file.startswith(f"{self.workdir.rstrip('/')}/")
        return f"{os.path.relpath(file, self.workdir) if inside else file}:{line}"

    def line(self, file: str, line: int) -> str:
        text = self.found.batch if file == self.found.file else self.found.text(file)
        rows = text.split("\n")
        return f"{self.place(file, line)} {rows[line - 1].strip()[:160] if line <= len(rows) else ''}".rstrip()


def _by_command(one: Step, texts: Texts, tasks: bool) -> Iterator[Use]:
    place = texts.place(one.command.file, one.command.line)
    words = one.launched.words
    names = [*one.launched.layers, *([program(words[0])] if words else [])]
    names += [t.module.split(".")[0] for t in one.targets if t.module]
    for name in names:
        arguments = words[1:] if words and program(words[0]) == name else ()
        if system := systems.of_command(name, arguments):
            yield Use(system.name, system.family, "command", place)
    if "srun" in one.launched.layers and _many(one.command.texts, tasks):
        yield Use("srun", "distributed", "command", place)
    for word in words[1:]:
        suffix = os.path.splitext(word)[1]
        if (system := systems.BY_SUFFIX.get(suffix)) and system.family == "format":
            yield Use(system.name, system.family, "file", f"{place} {word[:200]}")


def _many(words: tuple[str, ...], inherited: bool) -> bool:
    """Does this srun start more than one task? Its own option, else the job's."""
    options, _ = sbatch.options(words[words.index("srun") + 1 :]) if "srun" in words else ((), ())
    own = [o.value for o in options if o.option in ("-n", "--ntasks", "--ntasks-per-node")]
    return own[-1] not in ("", "1") if own else inherited


def _by_file(names: tuple[str, ...]) -> Iterator[Use]:
    for name in names:
        system = systems.BY_FILE.get(name) or systems.BY_SUFFIX.get(os.path.splitext(name)[1])
        if system:
            yield Use(system.name, system.family, "file", name)


def _lines(found: list[str] | Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found))[:MAX_LINES]


PROBE = Probe(
    "workflow",
    SystemsUsed,
    collect,
    frozenset({Phase.SUBMIT}),
    source="the batch script, the files it calls, names in the work directory",
    grade=Grade.DECLARED,
)
