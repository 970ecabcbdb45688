"""Which seeds and determinism switches are set, and where?"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from auditor.model import Absent, Job, Phase, Probe
from auditor.world import World
from probes.script.command import Command
from probes.script.randomness import signs
from probes.script.search import Snippet
from probes.script.trace import Trace, trace

MAX_ITEMS = 300
SEED_VARIABLES = frozenset("PYTHONHASHSEED SEED RANDOM_SEED PL_GLOBAL_SEED".split())
SWITCH_VARIABLES = frozenset(
    """OMP_NUM_THREADS MKL_NUM_THREADS OPENBLAS_NUM_THREADS NUMEXPR_NUM_THREADS BLIS_NUM_THREADS OMP_PROC_BIND OMP_SCHEDULE OMP_DYNAMIC
    MKL_CBWR MKL_DYNAMIC I_MPI_CBWR KMP_DETERMINISTIC_REDUCTION CUBLAS_WORKSPACE_CONFIG CUDA_LAUNCH_BLOCKING NVIDIA_TF32_OVERRIDE
    TORCH_ALLOW_TF32_CUBLAS_OVERRIDE TF_DETERMINISTIC_OPS TF_CUDNN_DETERMINISTIC XLA_FLAGS JAX_ENABLE_X64 NCCL_ALGO NCCL_PROTO
    JULIA_NUM_THREADS""".split()
)
_SEED_WORD = re.compile(r"(-{0,2}[\w.+-]*(?:seed|random[_-]?state)s?)(?:=(.+))?", re.IGNORECASE)
_SWITCH_WORD = re.compile(r"-{1,2}(?:use[_-])?(?:deterministic\w*|reprod|benchmark)(?:=.+)?", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"^\s*(?:export\s+|declare\s+-x\s+)?([A-Z_]+)=(\S*)", re.MULTILINE)


@dataclass(frozen=True)
class Switch:
    """A seed or a switch. where: `environment`, `argument`, `script`, `called-file`; place: variable, or `file:line`."""

    name: str
    value: str
    where: str
    place: str


@dataclass(frozen=True)
class Determinism:
    """Seeds (`--seed 42`, PYTHONHASHSEED, random.seed(1)) and switches (OMP_NUM_THREADS, CUBLAS_WORKSPACE_CONFIG, use_deterministic_algorithms).

    stochastic: calls that draw random numbers in the called files, `file:line name`; evidence that a seed matters.
    """

    seeds: tuple[Switch, ...]
    switches: tuple[Switch, ...]
    stochastic: tuple[str, ...]


def collect(world: World, job: Job) -> Determinism | Absent:
    if not job.script and not world.env:
        return Absent("neither a script nor an environment is known")
    return parse(world.env, trace(world, job), job.workdir)


def parse(environment: Mapping[str, str], found: Trace, workdir: str) -> Determinism:
    """Environment, then arguments, then the text of the scripts and of the files they call."""
    seeds = [Switch(n, v, "environment", n) for n, v in sorted(environment.items()) if n in SEED_VARIABLES]
    switches = [Switch(n, v, "environment", n) for n, v in sorted(environment.items()) if n in SWITCH_VARIABLES]
    draws: list[str] = []
    for command in found.commands:
        place = f"{_short(command.file, workdir)}:{command.line}"
        seeds += [Switch(n, v, "argument", place) for n, v in argument_seeds(command)]
        switches += [Switch(w.lstrip("-"), "", "argument", place) for w in command.texts[1:] if _SWITCH_WORD.fullmatch(w)]
    for source in found.sources():
        where = "script" if source.file == found.file else "called-file"
        name = _short(source.file, workdir)
        for kind, sign, value, line in _read(source):
            place = f"{name}:{line}"
            if kind == "draw":
                draws.append(f"{place} {sign}")
            else:
                (seeds if kind == "seed" else switches).append(Switch(sign, value, where, place))
    return Determinism(_once(seeds), _once(switches), tuple(dict.fromkeys(draws))[:MAX_ITEMS])


def argument_seeds(command: Command) -> Iterator[tuple[str, str]]:
    """`--seed 42`, `--seed=42`, `seed=42`, `-ld-seed 7`: (name, value); the value may be what only the run knows."""
    words = command.texts
    if words[0] in ("export", "declare", "echo", "printf", "test", "["):
        return
    for at, word in enumerate(words[1:], 1):
        match = _SEED_WORD.fullmatch(word)
        if match and match[2]:
            yield match[1].lstrip("-"), match[2]
        elif match and word.startswith("-") and at + 1 < len(words):
            yield match[1].lstrip("-"), words[at + 1]


def _read(source: Snippet) -> Iterator[tuple[str, str, str, int]]:
    """(kind, name, value, line) of what one text says."""
    offset = source.line - 1
    for sign in signs(source.language, source.text):
        kind = sign.kind
        if kind == "environment":
            kind = "seed" if sign.name in SEED_VARIABLES else "switch" if sign.name in SWITCH_VARIABLES else ""
        if kind:
            yield kind, sign.name, sign.value, sign.line + offset
    if source.language == "shell":
        for match in _ASSIGNMENT.finditer(source.text):
            if match[1] in SEED_VARIABLES | SWITCH_VARIABLES:
                kind = "seed" if match[1] in SEED_VARIABLES else "switch"
                yield kind, match[1], match[2].strip("'\";"), source.text.count("\n", 0, match.start(1)) + 1 + offset


def _short(path: str, workdir: str) -> str:
    return os.path.relpath(path, workdir) if workdir and path.startswith(f"{workdir.rstrip('/')}/") else path


def _once(found: list[Switch]) -> tuple[Switch, ...]:
    return tuple(dict.fromkeys(found))[:MAX_ITEMS]


PROBE = Probe(
    "seeds",
    Determinism,
    collect,
    frozenset({Phase.SUBMIT, Phase.START}),
    source="environment, arguments, scripts",
)
