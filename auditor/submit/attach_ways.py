"""Which variable makes this engine leave a record, and what speaks against setting it? One function a system.

Each merges with what is set, and leaves the variable alone, with the reason, where somebody could see a difference.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

SWITCH = 'attach = "all" (auditor config attach all, AUDITOR_ATTACH=all) sets it'
DASK = "DASK_DISTRIBUTED__SCHEDULER__PRELOAD"
RAY = "RAY_enable_export_api_write"
CWLTOOL, SNAKEMAKE, MLFLOW = "CWLTOOL_OPTIONS", "SNAKEMAKE_PROFILE", "MLFLOW_RUN_CONTEXT"
# where one of these is named, Dask's INFO lines are printed, and one of them tells of a preload
_LOUD = (
    b"dask-scheduler",
    b"dask scheduler",
    b"dask_mpi",
    b"dask-mpi",
    b"silence_logs",
    b"distributed.Scheduler",
    b"DASK_LOGGING",
)
MAX_YAML = 1 << 18
# one line, with a blank in it and not ending in .py: Dask takes it for program text. The file is closed: an open one may be told on stderr
_READ = "exec(__import__('pathlib').Path('{0}').read_text('utf-8')) if __import__('os').access('{0}', 4) else None"


@dataclass
class Attaching:
    """What is decided so far. given: variables to add or replace; left: variable → why it was not touched."""

    environ: Mapping[str, str]
    folder: str
    """Where this run's records are to go."""
    everything: bool
    given: dict[str, str] = field(default_factory=dict)
    why: dict[str, str] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)

    def give(self, name: str, value: str, why: str) -> None:
        self.given[name], self.why[name] = value, why


def dask(at: Attaching, text: bytes) -> None:
    """https://docs.dask.org/en/stable/how-to/customize-initialization.html. The value is program text, not a path: a path that a container
    or a node does not see ends the scheduler, this line then does nothing."""
    name = DASK
    if loud := next((w for w in _LOUD if w in text), b""):
        at.left[name] = f"with `{loud.decode()}` Dask would print that something was loaded"
    elif any(n.startswith("DASK_LOGGING") or n in ("DASK_DISTRIBUTED", "DASK_DISTRIBUTED__SCHEDULER") for n in at.environ):
        at.left[name] = "Dask is configured by variables that this one would change or show up in"
    elif found := _configured(at.environ):
        at.left[name] = f"{found} configures a preload or logging, which a variable would replace"
    elif not all(c.isprintable() and c not in "$'\"\\" for c in at.folder):
        at.left[name] = "the home's path holds characters that Dask may read otherwise"
    else:
        path = _payload(at.folder, "attach_dask.py")
        ours = f"AUDITOR_ATTACH_TO = '{at.folder}'; {_READ.format(path)}"
        value = _listed(at.environ.get(name, ""), ours)
        if value:
            at.give(name, value, "a Dask scheduler writes what it does with its tasks into the home")
        else:
            at.left[name] = "what it was set to cannot be read"


def _listed(before: str, ours: str) -> str:
    """What Dask makes of the variable (`dask.config.interpret_value`), with ours behind; empty where that is neither text nor a list of texts."""
    if not before:
        return ours
    import ast

    try:
        known = ast.literal_eval(before)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        known = before
    known = [known] if isinstance(known, str) else known
    return repr([*known, ours]) if isinstance(known, (list, tuple)) and all(isinstance(k, str) for k in known) else ""


def _configured(environ: Mapping[str, str]) -> str:
    """The first of Dask's files that says something of a preload or of logging."""
    home = environ.get("HOME", "")
    folders = [
        environ.get("DASK_ROOT_CONFIG", "/etc/dask"),
        environ.get("DASK_CONFIG", ""),
        os.path.join(home, ".config", "dask"),
    ]
    folders += [os.path.join(environ[v], "etc", "dask") for v in ("VIRTUAL_ENV", "CONDA_PREFIX") if environ.get(v)]
    for search in environ.get("PATH", "").split(":"):
        if os.path.exists(os.path.join(search, "python3")):
            folders.append(os.path.join(os.path.dirname(os.path.abspath(search)), "etc", "dask"))
            break
    for folder in folders:
        try:
            paths = [folder] if os.path.isfile(folder) else [os.path.join(folder, n) for n in sorted(os.listdir(folder))[:50]]
        except OSError:
            continue
        for path in paths:
            if path.endswith((".yaml", ".yml", ".json")) and _says(path):
                return path
    return ""


def _says(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            text = file.read(MAX_YAML)
    except OSError:
        return True  # Dask may be able to read it
    lines = (line.split(b"#")[0] for line in text.splitlines())
    return len(text) == MAX_YAML or any(b"preload" in line or b"logging" in line for line in lines)


def ray(at: Attaching, text: bytes) -> None:
    if RAY in at.environ:
        at.left[RAY] = "it was set already"
        return
    at.give(RAY, "1", "Ray writes its export events, which are copied into the home when the run ends")
    os.makedirs(at.folder, mode=0o700, exist_ok=True)
    os.close(os.open(os.path.join(at.folder, "ray-wanted"), os.O_WRONLY | os.O_CREAT, 0o600))  # the job looks for it when it ends


def cwltool(at: Attaching, text: bytes) -> None:
    """No --write-summary: it takes the result away from stdout. https://cwltool.readthedocs.io/en/latest/cli.html"""
    before = at.environ.get(CWLTOOL, "")
    if not at.everything:
        at.left[CWLTOOL] = f"--provenance copies all data of the run, and --timestamps changes the log; {SWITCH}"
    elif b"--provenance" in text or "--provenance" in before:
        at.left[CWLTOOL] = "the run keeps its provenance by itself"
    elif " " in at.folder:
        at.left[CWLTOOL] = "the home's path holds a blank, and cwltool splits at blanks"
    else:
        os.makedirs(at.folder, mode=0o700, exist_ok=True)
        at.give(CWLTOOL, f"{before} --provenance {at.folder}/cwltool".strip(), "cwltool keeps a provenance bundle in the home")


def snakemake(at: Attaching, text: bytes) -> None:
    """Never set: Snakemake 9 prints `Using profile ...` for each, ends where a profile names a plugin that is not installed, and its own
    record in .snakemake and the log tells all that a plugin could. https://snakemake.readthedocs.io/en/stable/executing/cli.html#profiles"""
    said = "Snakemake prints a line for every profile, and keeps its record in .snakemake anyhow"
    at.left[SNAKEMAKE] = "it was set already" if SNAKEMAKE in at.environ else said


def mlflow(at: Attaching, text: bytes) -> None:
    """Tags of every run. https://mlflow.org/docs/latest/api_reference/python_api/mlflow.environment_variables.html"""
    if not at.everything:
        at.left[MLFLOW] = f"it puts tags into the records of MLflow itself; {SWITCH}"
        return
    import json

    tags = {"audit.run_id": os.path.basename(at.folder)}
    try:
        before = json.loads(at.environ.get(MLFLOW) or "{}")
    except ValueError:
        before = None
    if not isinstance(before, dict):
        at.left[MLFLOW] = "what it was set to is no JSON object"
    else:
        at.give(MLFLOW, json.dumps({**tags, **before}), "MLflow tags its runs with the number of this one")


def _payload(folder: str, name: str) -> str:
    """A copy of our file in the home, under its content's name: the job sees the home, and an update of ours does not change a waiting job."""
    import hashlib

    from auditor import spool

    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "rb") as file:
        raw = file.read()
    where, file_name = os.path.dirname(folder), f"{name.removesuffix('.py')}-{hashlib.sha256(raw).hexdigest()[:16]}.py"
    path = os.path.join(where, file_name)
    if not os.path.exists(path):
        os.makedirs(where, mode=0o700, exist_ok=True)
        spool.write(where, file_name, raw)
    return path
