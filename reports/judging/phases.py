"""Does a piece of work prepare, simulate, train, infer or analyse? Signs in, phases out: fixed words and rules, never a model.

The strongest kind of sign that is there decides alone (RANKS); where signs of one kind disagree and the rules do not say who wins, nothing
is said. Every answer keeps its signs, and a project can overrule it (`[phases]` in .auditor.toml).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from posixpath import basename, splitext

from auditor.campaign import Sign
from auditor.model import AuditError
from probes.data import DataFile
from probes.script import phases as words
from probes.script.command import scope
from probes.script.steps import step
from probes.script.walk import walk
from probes.workflow import SystemsUsed

PHASES = words.PHASES
"""In the order of work."""

RANKS = ("project", "command", "task", "call", "artefact", "import")
"""The user's own word; a program that is started; the name of the job, rule or step; a function that a called script calls; files that
were made or read; a library. What is started tells more than what a function could do, and a library alone tells least."""

MODELS = frozenset(".pt .pth .ckpt .safetensors .keras .onnx .gguf .pb .tflite .mlmodel".split())
"""Suffixes of files that hold a trained model: who makes one trains, who reads one and makes none infers."""

TRAJECTORIES = frozenset(".xtc .trr .dcd .edr .cpt .gsd .h5md .lammpstrj .mdcrd .rst7 .netcdf .chk .wfn".split())
"""Suffixes of files that only a simulation makes."""

WHY = {
    "project": "the user's own rule",
    "command": "a command that the script starts",
    "task": "the name of the job, rule or step",
    "call": "a call in a script that it runs",
    "artefact": "a file that it made or read",
    "import": "a library that it imports",
}


def decide(signs: Iterable[Sign]) -> tuple[tuple[str, ...], tuple[Sign, ...]]:
    """(phases, the signs that decided), in the order of work; nothing where nothing is said."""
    every = list(dict.fromkeys(signs))
    for rank in RANKS:
        found = [s for s in every if s.by == rank]
        if not found:
            continue
        said = _settled(rank, {s.phase for s in found})
        if said:
            return said, tuple(s for s in found if s.phase in said)
    return (), ()


def _settled(rank: str, phases: set[str]) -> tuple[str, ...]:
    """Two programs of two phases are two phases. Every trainer also prepares and predicts, every predictor prepares: such calls do not count
    beside it. Names of two phases, files and libraries that speak of several say nothing."""
    if rank == "call":
        phases = phases - {"infer", "prepare", "analyse"} if "train" in phases else phases
        phases = phases - {"prepare", "analyse"} if phases & {"infer", "simulate"} else phases
    if rank in ("task", "artefact", "import") and len(phases) > 1:
        return ()
    return tuple(p for p in PHASES if p in phases)


def own(rules: Mapping[str, str], *names: str) -> list[Sign]:
    """The project's own rules: the first pattern that one of these names fits. Names as they are and without their folders."""
    for pattern, phase in rules.items():
        for name in names:
            if name and any(fnmatchcase(one, pattern) for one in (name, basename(name))):
                return [Sign(phase, "project", f"{name} fits {pattern}", ".auditor.toml")]
    return []


def checked(rules: Mapping[str, str]) -> Mapping[str, str]:
    """Raises AuditError for a phase that there is not."""
    for pattern, phase in rules.items():
        if phase not in PHASES:
            raise AuditError(f"[phases]: `{pattern}` has the phase {phase!r}", f"phases are: {', '.join(PHASES)}")
    return rules


def of_task(name: str) -> list[Sign]:
    """The name of a job, rule, process or step: words of one phase only."""
    found = words.every_of_name(name)
    return [Sign(next(iter(found)), "task", name)] if len(found) == 1 else []


def of_command(text: str) -> list[Sign]:
    """A command as an engine recorded it, one line or a script: each program that it starts, the script that runs, a mode among its arguments."""
    commands = walk(text, scope({}, "", "task"))[:50]
    return [Sign(s.phase, "command", s.sign) for s in map(step, (c for c in commands if c.words)) if s.phase]


def of_scripts(seen: SystemsUsed, evidence: str) -> list[Sign]:
    """What the probe `workflow` read in the scripts: `train.sh:4 train.py` of a command, `model.py:12 model.fit()` of a call."""
    found = []
    for phase, signs in seen.phases.items():
        for sign in signs:
            place, _, text = sign.partition(" ")
            found.append(Sign(phase, "call" if sign.endswith("()") else "command", text or sign, place if text else "", evidence))
    found += [
        Sign("simulate", "import", use.system, use.place, evidence)
        for use in seen.uses
        if (use.family, use.how) == ("simulation", "import")
    ]
    return found


def of_files(files: Iterable[DataFile], evidence: str) -> list[Sign]:
    """Models and trajectories among what went in and came out."""
    kinds = [(f, splitext(f.path.lower())[1]) for f in files]
    made = next((f for f, kind in kinds if kind in MODELS and f.role == "output"), None)
    read = next((f for f, kind in kinds if kind in MODELS and f.role == "input"), None)
    moved = next((f for f, kind in kinds if kind in TRAJECTORIES and f.role == "output"), None)
    found = []
    if made:
        found.append(Sign("train", "artefact", f"made {made.path}", made.path, evidence))
    elif read:
        found.append(Sign("infer", "artefact", f"read {read.path} and made no model", read.path, evidence))
    if moved:
        found.append(Sign("simulate", "artefact", f"made {moved.path}", moved.path, evidence))
    return found


def table() -> tuple[tuple[str, str, str], ...]:
    """(phase, kind of sign, what is looked for), as the documentation prints it."""
    rows = []
    for phase in PHASES:
        named = sorted(word for word, of in words.WORDS.items() if of == phase)
        rows.append((phase, "command or name", ", ".join(f"`{w}`" for w in named)))
        called = sorted(call for call, of in words.CALLS.items() if of == phase)
        if called:
            rows.append((phase, "call", ", ".join(f"`{c}()`" for c in called)))
    rows.append(("train", "file made", ", ".join(f"`*{s}`" for s in sorted(MODELS))))
    rows.append(("infer", "file read, none made", ", ".join(f"`*{s}`" for s in sorted(MODELS))))
    rows.append(("simulate", "file made", ", ".join(f"`*{s}`" for s in sorted(TRAJECTORIES))))
    rows.append(("simulate", "program or library", "every system of the family `simulation` (GROMACS, LAMMPS, OpenMM, ...)"))
    rows.append(("prepare", "program", "a simulation system's preparing subcommands; programs that download"))
    return tuple(rows)
