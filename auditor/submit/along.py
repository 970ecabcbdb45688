"""Does the in-job hook go along with this submission? The environment for sbatch, and why not, if not.

Lean: `os` and `sys`; settings are read only by those who have some.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

OWN = "--auditor-"
YES, NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


def hooked(own: list[str], argv: list[str], submission: str, exe: str) -> tuple[Mapping[str, str], str]:
    """The environment for sbatch, and `installed` or why the hook is not in it."""
    env = os.environ.copy()
    if env.get("_") == sys.argv[0]:  # the shell says what it started, and a job would see that it was not sbatch
        env["_"] = exe
    try:
        wanted, inputs, words, way = _settings(own)
        from auditor.submit.peek import engines, head, trace_mark, why_not

        prior, seen = os.environ.get("BASH_ENV"), head(argv)
        named, text = engines(argv, seen)
        if named:
            env.update(_attached(own, named, text, submission))
        if way := _switch(own) or trace_mark(seen) or way:
            from auditor.submit.jobtrace import ask

            way = ask(home(os.environ), submission, way, argv)
        if not wanted:
            return env, "switched off"
        if reason := why_not(argv, prior, seen):
            return env, reason
        from auditor.submit.bashenv import value

        extra = "\n".join((*([f"trace-{way}"] if way else []), *words, *(f"input={i}" for i in inputs)))
        env["BASH_ENV"] = value(_traced() if way else _hook_file(), submission, prior, extra)
        return env, "installed"
    except Exception as error:  # noqa: BLE001  # whatever it is, the job is submitted
        return env, f"{type(error).__name__}: {error}"


def _attached(own: list[str], named: tuple[str, ...], text: bytes, submission: str) -> dict[str, str]:
    """Variables that let the named engines leave a record; none where that is not wanted, or goes wrong."""
    from auditor.config import load
    from auditor.submit.attach import attach

    try:
        mode = "none" if f"{OWN}no-attach" in own else load().config.attach
        return attach(os.environ, named, text, mode, submission, home(os.environ))
    except Exception:  # noqa: BLE001  # the job is submitted as it is
        return {}


def _switch(own: list[str]) -> str:
    """The way of tracing that was typed; the switch alone leaves the choice to us."""
    return ([o.partition("=")[2] or "auto" for o in own if o.partition("=")[0] == f"{OWN}trace"] or [""])[-1]


def _settings(own: list[str]) -> tuple[bool, list[str], list[str], str]:
    """Is the hook wanted, which inputs were declared, what it must know besides, and the way of tracing. Files are read only by those who have one."""
    inputs = [o.partition("=")[2] for o in own if o.startswith(f"{OWN}input=")]
    watching = f"{OWN}libraries" in own
    if f"{OWN}no-hook" in own or _says("AUDITOR_HOOK", NO):
        return False, inputs, [], ""
    if not _has_settings():
        words = _words(not _says("AUDITOR_HOOK_HASH", NO), watching or _says("AUDITOR_LIBRARIES", YES))
        return True, inputs, words, os.environ.get("AUDITOR_TRACE", "")
    from auditor.config import load

    config = load().config
    return config.hook, inputs or list(config.inputs), _words(config.hook_hash, watching or config.libraries), config.trace


def _says(variable: str, words: tuple[str, ...]) -> bool:
    return os.environ.get(variable, "").lower() in words


def _words(hashing: bool, watching: bool) -> list[str]:
    return [*([] if hashing else ["nohash"]), *(["libraries"] if watching else [])]


def _has_settings() -> bool:
    if any(v in os.environ for v in ("AUDITOR_CONFIG", "AUDITOR_INPUTS")):
        return True
    base = os.environ.get("XDG_CONFIG_HOME") or os.path.join(os.environ.get("HOME", ""), ".config")
    if os.path.exists(os.path.join(base, "auditor", "config.toml")):
        return True
    here = os.getcwd()
    while not os.path.exists(os.path.join(here, ".auditor.toml")):
        if here == "/":
            return False
        here = os.path.dirname(here)
    return True


def _hook_file() -> str:
    """The hook's file; made now if this version and interpreter never made one. Raises OSError without a home."""
    root = home(os.environ)
    if not root:
        raise OSError("no home to write to")
    folder = os.path.join(root, "hook")
    try:
        return os.path.join(folder, os.readlink(os.path.join(folder, pointer(sys.executable))))
    except OSError:
        from auditor.home import Home
        from auditor.submit.hook import install

        return install(Home(root))


def _traced() -> str:
    from auditor.submit.jobtrace import hook

    return hook(home(os.environ))


def home(environ: Mapping[str, str]) -> str:
    """As auditor.home.find, without its imports; empty if there is nowhere to write."""
    if root := environ.get("AUDITOR_HOME"):
        return os.path.abspath(root)
    if state := environ.get("XDG_STATE_HOME"):
        return os.path.join(state, "auditor")
    base = environ.get("HOME") or os.path.expanduser("~")
    return os.path.join(base, ".local", "state", "auditor") if os.path.isabs(base) else ""


def pointer(executable: str) -> str:
    """Name of the link to the hook that this version and interpreter made."""
    from auditor import __version__

    return f"current-{__version__}-{executable.strip('/').replace('/', '+')[-180:]}"
