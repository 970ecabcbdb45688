"""What did the user decide? Defaults < user file < project file < environment < command line. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from auditor.model import AuditError

PROJECT_FILE = ".auditor.toml"
TABLES = {"phases": '"relax*" = "simulate"', "smoke": '"--epochs" = "1"', "tolerances": '"metrics.json:$.loss" = "1e-3"'}
"""Settings that are tables, with a line that is one."""


@dataclass(frozen=True)
class Config:
    """Every setting, with its default. The names are the keys of the TOML files; upper-cased after `AUDITOR_`, the variables."""

    hook: bool = True
    """Install the in-job hook at submission (bash scripts only)."""
    hook_hash: bool = True
    """Let the hook hash called scripts, modulefiles, images and declared inputs when the job starts."""
    libraries: bool = False
    """Let a watcher beside each Slurm job note which BLAS, MPI and CUDA libraries its processes load (one more process in the job)."""
    label: str = ""
    """Runs with the same label belong to one campaign."""
    inputs: tuple[str, ...] = ()
    """Declared inputs: globs relative to the work directory."""
    outputs: tuple[str, ...] = ()
    """Declared outputs, likewise."""
    trace: str = ""
    """Write down every file a run touches: `auto`, `strace`, `preload`; empty: no tracing."""
    attach: str = "auto"
    """Variables that let engines leave a record, where a script names one: `auto` those that nobody sees, `all`, `none`."""
    datasets: tuple[str, ...] = ()
    """Folders in which a group registers its data sets (`auditor dataset add --in`); they are looked up there beside your own."""
    exclude: tuple[str, ...] = ()
    """Globs, relative to the work directory: folders and files that are not taken for outputs unless they are declared."""
    hash_bytes: int = 20_000_000_000
    """Budget of the manifest made after a run, in bytes."""
    hash_seconds: float = 60.0
    """The same in seconds."""
    payload: str = "auto"
    """What a bundle carries of inputs and outputs: `none`, `auto` (small files), `all`."""
    payload_bytes: int = 1_000_000_000
    """With `all`: how much at most."""
    images: str = "digest"
    """Container images in a bundle: `digest` names them, `carry` takes along what is here, `fetch` also what only a registry has."""
    images_bytes: int = 4_000_000_000
    """With `carry` and `fetch`: how much at most."""
    ask_registries: bool = False
    """Ask registries whether images can still be had, over the network; no login is ever read."""
    author: str = ""
    """Name that goes into bundles; empty: Anonymous."""
    affiliation: str = ""
    orcid: str = ""
    """ORCID iD of the author, such as 0000-0002-1825-0097, for drafts of deposits."""
    license: str = ""
    """Licence of bundles, a URL such as https://spdx.org/licenses/CC-BY-4.0; empty: none is stated."""
    phases: Mapping[str, str] = field(default_factory=dict)
    """Phases by the name of a job, rule, step or program, where the signs mislead: `[phases]` with lines like `"relax*" = "simulate"`."""
    smoke: Mapping[str, str] = field(default_factory=dict)
    """How a smoke run is made smaller, where the script does not say: `[smoke]` with lines like `"--epochs" = "1"` or `seconds = "60"`."""
    tolerances: Mapping[str, str] = field(default_factory=dict)
    """What may differ in a replay: `[tolerances]` with lines like `"metrics.json:$.loss" = "1e-3"` or `"metrics.json:$.seconds" = "ignore"`."""


@dataclass(frozen=True)
class Settings:
    """The values in force, and where each came from (`default`, a path, a variable)."""

    config: Config
    origin: Mapping[str, str]


def user_file(environ: Mapping[str, str]) -> str:
    """$AUDITOR_CONFIG, else $XDG_CONFIG_HOME/auditor/config.toml, else ~/.config/auditor/config.toml; empty without a home."""
    if path := environ.get("AUDITOR_CONFIG"):
        return path
    base = environ.get("XDG_CONFIG_HOME") or (os.path.join(environ["HOME"], ".config") if environ.get("HOME") else "")
    return os.path.join(base, "auditor", "config.toml") if base else ""


def project_file(cwd: str) -> str:
    """The nearest `.auditor.toml` from `cwd` upwards that the user or root owns; empty: none."""
    here = os.path.abspath(cwd)
    while True:
        path = os.path.join(here, PROJECT_FILE)
        try:
            if os.stat(path).st_uid in {os.geteuid(), 0}:  # a stranger's file above a shared folder decides nothing
                return path
        except OSError:
            pass
        if here == "/":
            return ""
        here = os.path.dirname(here)


def load(cwd: str | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Raises AuditError for a file that is not TOML, an unknown key, or a value of the wrong type."""
    env = os.environ if environ is None else environ
    values: dict[str, Any] = {}
    origin = dict.fromkeys((f.name for f in fields(Config)), "default")
    for path in (user_file(env), project_file(cwd or os.getcwd())):
        for key, value in _read(path).items():
            values[key], origin[key] = _checked(key, value, path), path
    for f in fields(Config):
        variable = f"AUDITOR_{f.name.upper()}"
        if variable in env:
            values[f.name], origin[f.name] = _from_text(f.name, env[variable], variable), f"${variable}"
    return Settings(Config(**values), origin)


def _read(path: str) -> Mapping[str, Any]:
    if not path:
        return {}
    try:
        with open(path, "rb") as file:
            raw = file.read(1 << 20)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise AuditError(f"cannot read {path}: {error.strerror}", "mend its permissions or remove it") from error
    import tomllib  # 5 ms: only those who have a file pay

    try:
        return tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AuditError(f"{path} is not TOML: {error}", "`auditor config` shows every key with an example value") from error


def _checked(key: str, value: Any, where: str) -> Any:
    default = getattr(Config, key, None)
    if key not in Config.__dataclass_fields__:
        raise AuditError(f"{where}: there is no setting `{key}`", f"settings are: {', '.join(Config.__dataclass_fields__)}")
    if key in TABLES:
        return _table(key, value, where)
    if isinstance(default, tuple) and isinstance(value, list) and all(isinstance(v, str) for v in value):
        return tuple(value)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not type(default):
        raise AuditError(f"{where}: `{key}` has the value {value!r}", f"it takes something like {default!r}")
    if isinstance(value, (int, float)) and not value >= 0:  # not-a-number neither
        raise AuditError(f"{where}: `{key}` has the value {value!r}", "it takes a number from 0 up")
    if key == "payload" and value not in {"none", "auto", "all"}:
        raise AuditError(f"{where}: `payload` has the value {value!r}", "it takes none, auto or all")
    if key == "trace" and value not in {"", "auto", "strace", "preload"}:
        raise AuditError(f"{where}: `trace` has the value {value!r}", "it takes auto, strace or preload; empty: no tracing")
    if key == "attach" and value not in {"auto", "all", "none"}:
        raise AuditError(f"{where}: `attach` has the value {value!r}", "it takes auto, all or none")
    if key == "images" and value not in {"digest", "carry", "fetch"}:
        raise AuditError(f"{where}: `images` has the value {value!r}", "it takes digest, carry or fetch")
    if key == "orcid" and value and not is_orcid(value):
        raise AuditError(
            f"{where}: `orcid` has the value {value!r}", "it takes one such as 0000-0002-1825-0097, last digit checked"
        )
    return value


def is_orcid(text: str) -> bool:
    """Four groups of four digits whose last is the check digit (ISO 7064 MOD 11-2; support.orcid.org, Structure of the ORCID Identifier)."""
    digits = text.replace("-", "")
    if [len(group) for group in text.split("-")] != [4] * 4 or not (digits[:15].isascii() and digits[:15].isdigit()):
        return False
    total = 0
    for digit in digits[:15]:
        total = (total + int(digit)) * 2
    return digits[15] == "0123456789X"[(12 - total % 11) % 11]


def _table(key: str, value: Any, where: str) -> Mapping[str, str]:
    if isinstance(value, dict) and all(isinstance(v, str) for v in value.values()):
        return value
    raise AuditError(f"{where}: `{key}` has the value {value!r}", f"it takes a table: [{key}] and lines like {TABLES[key]}")


def _from_text(key: str, text: str, where: str) -> Any:
    if key in TABLES:  # a field of a file has a colon itself
        parts = text.split(":" if key == "phases" else ";")
        return _table(key, dict(part.rsplit("=", 1) for part in parts if "=" in part), where)
    default = getattr(Config, key)
    if isinstance(default, bool):
        if text.lower() in {"1", "true", "yes", "on"}:
            return True
        if text.lower() in {"0", "false", "no", "off"}:
            return False
        raise AuditError(f"{where} has the value {text!r}", "it takes 1 or 0")
    if isinstance(default, tuple):
        return tuple(part for part in text.split(":") if part)
    if isinstance(default, (int, float)):
        try:
            return _checked(key, type(default)(text), where)
        except ValueError:
            raise AuditError(f"{where} has the value {text!r}", "it takes a number") from None
    return _checked(key, text, where)


def write(path: str, key: str, text: str) -> None:
    """Set one key in a TOML file of ours, keeping its other lines. Raises AuditError as `load` does."""
    value = _from_text(key, text, key) if key in Config.__dataclass_fields__ else _checked(key, text, path)
    _read(path)  # refuses to touch what it cannot read
    lines = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as file:
            lines = [line for line in file.read().splitlines() if line.split("=")[0].strip() != key]
    if f"[{key}]" in map(str.strip, lines):
        raise AuditError(f"{path} has a table [{key}]", "edit it there")
    table = next((n for n, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    from auditor import spool

    text = "\n".join([*lines[:table], f"{key} = {toml(value)}", *lines[table:], ""])
    spool.write(os.path.dirname(os.path.abspath(path)), os.path.basename(path), text.encode())


def toml(value: Any) -> str:
    """A setting's value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{toml(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, str):
        import json

        return json.dumps(value)
    return repr(value)
