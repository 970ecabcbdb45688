"""As which names and states is each data type compared between two runs? Pure; an empty state means: not known."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher

from probes.called import CalledFiles
from probes.containers import ContainerIdentities
from probes.data import DataManifest
from probes.environment import Environment
from probes.folder import FolderState
from probes.git import GitState
from probes.hardware import Hardware
from probes.packages import Package, PythonPackages
from probes.schedulers import JobAccounting
from probes.submission import Submission

GONE = "not there"
UNTRACKED = " (untracked)"
# set by the scheduler or the shell for each job; what they say of resources is in the accounting
PER_JOB = ("SLURM_", "SBATCH_", "SRUN_", "PMI_", "PMIX_", "OMPI_", "XDG_")
PER_SHELL = frozenset(("PWD", "OLDPWD", "TMPDIR", "HOSTNAME", "SHLVL", "_", "AUDITOR_HOME", "CUDA_VISIBLE_DEVICES"))


def _sha(digest: str) -> str:
    return f"sha256:{digest}" if digest else ""


def git(seen: GitState) -> dict[str, str]:
    """The commit, and what lay on top of it."""
    top = f"{len(seen.changed)} changed, diff sha256:{seen.diff_sha256}" if seen.dirty and seen.diff_sha256 else "none"
    loose = {f"{f.path}{UNTRACKED}": _sha(f.sha256) for f in seen.untracked}
    below = {f"{s.path} (submodule)": s.commit + (" dirty" if s.dirty else "") for s in seen.submodules}
    return {"commit": seen.commit, "uncommitted changes": top, **below, **loose}


def loose(seen: GitState, ran: Iterable[CalledFiles]) -> tuple[set[str], set[str]]:
    """Untracked files, as `git` names them: all, and those that one of these runs called or imported."""
    used = {f.path for files in ran for f in files.files}
    found = {f"{f.path}{UNTRACKED}": os.path.join(seen.root, f.path) in used for f in seen.untracked}
    return set(found), {name for name, was in found.items() if was}


def called(seen: CalledFiles, beside: Sequence[str] = ()) -> dict[str, str]:
    """By the name under the folder that all of them, and the paths `beside`, share, so that a run in another folder compares."""
    paths = [*(f.path for f in seen.files), *beside]
    root = os.path.dirname(paths[0]) if len(set(paths)) == 1 else os.path.commonpath(paths) if _comparable(paths) else ""
    return {os.path.relpath(f.path, root) if root else f.path: _sha(f.sha256) if f.state == "ok" else f.state for f in seen.files}


def called_by_both(old: CalledFiles, new: CalledFiles) -> Iterator[tuple[str, str, str]]:
    """Name and states. Two runs that share a path ran in one folder: then both sets are named from the same place."""
    was, now = [f.path for f in old.files], [f.path for f in new.files]
    shared = set(was) & set(now)
    before, after = called(old, now if shared else ()), called(new, was if shared else ())
    for key in dict.fromkeys((*before, *after)):
        yield key, before.get(key, GONE), after.get(key, GONE)


def _comparable(paths: Sequence[str]) -> bool:
    return bool(paths) and len({p.startswith("/") for p in paths}) == 1


def folder(seen: FolderState) -> dict[str, str]:
    return {f.path: _sha(f.sha256) for f in seen.files}


def script(seen: Submission) -> dict[str, str]:
    return {"batch script": _sha(seen.script_sha256)}


def lines(old: str, new: str) -> Iterator[tuple[str, str, str]]:
    """Lines of a script that were changed, taken out or put in, by their number in the first one (in the second, when put in)."""
    was, now = old.splitlines(), new.splitlines()
    for tag, a, a_end, b, b_end in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if tag != "equal":
            for i in range(max(a_end - a, b_end - b)):
                gone, put = a + i >= a_end, b + i >= b_end
                yield f"line {b + i + 1 if gone else a + i + 1}", GONE if gone else was[a + i], GONE if put else now[b + i]


def parameters(seen: Submission) -> dict[str, str]:
    """What the script was given, by option or place; and how it was submitted."""
    given = seen.arguments if seen.given_by != "unknown" else ()
    typed = seen.argv[: len(seen.argv) - len(given)] if given and tuple(seen.argv[-len(given) :]) == tuple(given) else seen.argv
    return {**_options(given, "argument"), **{f"submitted with {k}": v for k, v in _options(typed, "word").items()}}


def _options(words: Sequence[str], place: str) -> dict[str, str]:
    """`--lr 0.1`, `--lr=0.1`, `-n 4` by their name; other words by their place."""
    found: dict[str, str] = {}
    count = 0
    waiting = ""
    for word in words:
        if word.startswith("-") and len(word) > 1 and not _number(word):
            option, equals, value = word.partition("=")
            found[option] = value if equals else "given"
            waiting = "" if equals else option
        elif waiting:
            found[waiting], waiting = word, ""
        else:
            count += 1
            found[f"{place} {count}"] = word
    return found


def _number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def variables(seen: Environment) -> dict[str, str]:
    return {k: v or "(empty)" for k, v in seen.values.items() if not k.startswith(PER_JOB) and k not in PER_SHELL}


def packages(seen: PythonPackages) -> dict[str, str]:
    python = {"Python": f"{seen.implementation} {seen.version}"}
    return {**python, **{p.name: _package(p) for p in seen.packages}}


def _package(p: Package) -> str:
    record = f" ({p.reference})" if p.reference else f" (RECORD sha256:{p.record_sha256[:12]})" if p.record_sha256 else ""
    changed = f", {len(p.modified)} files modified" if p.modified else ""
    return f"{p.version}{record}{changed}"


def identities(seen: ContainerIdentities) -> dict[str, str]:
    return {i.reference: _sha(i.sha256) or i.image_id or (i.state if i.state == "absent" else "") for i in seen.images}


def hardware(seen: Hardware) -> dict[str, str]:
    gpus = ", ".join(g.model for g in seen.gpus) or "none"
    return {
        "architecture": seen.architecture,
        "CPU": seen.cpu_model,
        "CPU flags": " ".join(sorted(seen.cpu_flags)),
        "cores": str(seen.cpus),
        "memory": f"{seen.memory / 2**30:.0f} GiB",
        "GPUs": gpus,
    }


def resources(seen: JobAccounting) -> dict[str, str]:
    """Asked for; an empty text where the scheduler did not tell."""
    asked = {
        "nodes": seen.asked_nodes,
        "cores": seen.asked_cpus,
        "memory": seen.asked_memory,
        "seconds": seen.asked_seconds,
        "GPUs": seen.asked_gpus,
    }
    numbers = {k: "" if v is None else str(v) for k, v in asked.items()}
    return {**numbers, "partition": seen.partition, "GPU type": seen.gpu_type, "container": seen.container}


def outcome(seen: JobAccounting) -> dict[str, str]:
    if not seen.attempts:
        return {}
    last = seen.attempts[-1]
    code = "" if last.exit_code is None else str(last.exit_code)
    return {"state": last.state, "exit code": code, "attempts": str(len(seen.attempts)), "nodes": " ".join(sorted(last.nodes))}


def inputs(seen: DataManifest) -> dict[str, str]:
    """Files by content; a registered data set by name, version and the digest of its tree."""
    sets = {d.path: f"{d.dataset} {d.version} {d.digest}".replace("  ", " ") for d in seen.datasets if d.state == "unchanged"}
    return sets | {f.path: _sha(f.sha256) for f in seen.files if f.role == "input"}


def outputs(seen: DataManifest) -> dict[str, str]:
    return {f.path: _sha(f.sha256) for f in seen.files if f.role == "output"}
