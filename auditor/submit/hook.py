"""Where does the in-job hook come from? Two shell files, with our lists filled in, kept in the home under their content's name.

They are in the home because that is where the job writes to: a node that cannot see it has nothing to run. Old jobs keep the files
they were submitted with.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import shlex
import sys
from collections.abc import Iterable

from auditor import redact, spool
from auditor.home import Home
from auditor.model import Phase
from auditor.registry import probes
from auditor.submit import tracers
from probes import tracing
from probes.tracing import blind

HERE = os.path.dirname(os.path.abspath(__file__))
LOOK = '"$__auditor_b" -p "$__auditor_s" start "$__auditor_i" "$0" "$#" "$__auditor_w" </dev/null >/dev/null 2>&1'
"""The start snapshot, as the hook takes it."""


def install(home: Home) -> str:
    """Write the hook for this version, these probes and this interpreter, and point to it. The path of its file.

    Raises OSError when the home cannot be written.
    """
    folder, where = _folder(home), _snapshot(home)
    hook = _keep(folder, "hook", fill(_template("hook.sh"), LOOK=LOOK, SNAPSHOT=shlex.quote(where)))
    for name in (pointer(sys.executable), "hook.sh"):
        _point(os.path.join(folder, name), os.path.basename(hook))
    os.makedirs(home.spool, mode=0o700, exist_ok=True)
    return hook


def install_traced(home: Home, shim: str) -> str:
    """Write the hook for jobs that are to be traced: one that starts the shell anew behind a tracer, and one that this start reads.

    shim: path of the compiled shim, empty if there is none. The path of the first. Raises OSError.
    """
    install(home)
    folder, where = _folder(home), shlex.quote(_snapshot(home))
    # the second start is not looked at again: the trace would tell of our own looking
    second = _keep(folder, "hook", fill(_template("hook.sh"), LOOK="[[ $__auditor_w == traced-busy* ]]", SNAPSHOT=where))
    text = fill(
        _template("trace.sh"),
        LOOK=LOOK,
        SNAPSHOT=where,
        HOOK=os.path.basename(second),
        SHIM=shlex.quote(shim),
        FOLDER=shlex.quote(tracing.folder(home.root)),
        FLAGS=words(tracers.FLAGS),
        RIGHTS="|".join(blind.RIGHTS),
        OTHER_NODES="|".join(blind.OTHER_NODES),
    )
    os.makedirs(tracing.folder(home.root), mode=0o700, exist_ok=True)
    return _keep(folder, "trace", text)


def _folder(home: Home) -> str:
    return os.path.join(home.root, "hook")


def _snapshot(home: Home) -> str:
    os.makedirs(home.root, mode=0o700, exist_ok=True)
    text = fill(
        _template("snapshot.sh"),
        SPOOL=shlex.quote(home.spool),
        PYTHON=shlex.quote(sys.executable),
        INJOB=shlex.quote(os.path.join(HERE, "injob.py")),
        WATCH=shlex.quote(os.path.join(HERE, "watch.py")),
        RAY=shlex.quote(os.path.join(HERE, "attach_ray.py")),
        ATTACHED=shlex.quote(home.attached),
        GUESTS=words(guests()),
        START=words(records(Phase.START)),
        END=words(records(Phase.END)),
        NAMES=" ".join(f'${{{n}+"env:{n}" "${n}"}}' for n in sorted(redact.NAMES) if redact.allowed(n)),
        PREFIXES=" | ".join(f"{p}*" for p in reversed(redact.PREFIXES)),  # the scheduler's are most of a job's, and come first
        NEVER=globs(redact.NEVER.pattern),
    )
    return _keep(_folder(home), "snapshot", text)


def pointer(executable: str) -> str:
    """The name under which one interpreter's hook of this version is found without building it again."""
    from auditor.submit.along import pointer as name

    return name(executable)


def records(phase: Phase) -> tuple[str, ...]:
    """What the probes of this phase want saved in the job, each path once."""
    return tuple(sorted({r for p in probes().values() if phase in p.phases for r in p.records}))


def guests() -> tuple[str, ...]:
    """Modules of the probes that must look inside the job itself. Ours only: a stranger's may import anything."""
    modules = {p.collect.__module__ for p in probes().values() if p.guest}
    return tuple(sorted(m for m in modules if m.startswith("probes.")))


def fill(template: str, **values: str) -> str:
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template


def words(items: Iterable[str]) -> str:
    return " ".join(shlex.quote(i) for i in items)


def globs(pattern: str) -> str:
    """A regular expression of plain alternatives (`API_?KEY|_USER$`) as patterns of a shell's `case`: twenty times cheaper there.

    Raises ValueError for anything more than that, so that the lists cannot drift apart unseen.
    """
    found = []
    for piece in pattern.split("|"):
        if not re.fullmatch(r"\^?(?:[A-Z0-9_]\??)+\$?", piece):
            raise ValueError(f"{piece!r} cannot be said in shell patterns")
        letters = re.findall(r"([A-Z0-9_])(\??)", piece)
        choices = [(letter, "") if optional else (letter,) for letter, optional in letters]
        head, tail = "" if piece.startswith("^") else "*", "" if piece.endswith("$") else "*"
        found += [f"{head}{''.join(c)}{tail}" for c in itertools.product(*choices)]
    return " | ".join(found)


def _template(name: str) -> str:
    with open(os.path.join(HERE, name), encoding="utf-8") as file:
        return file.read()


def _keep(folder: str, name: str, text: str) -> str:
    raw = text.encode("utf-8", "surrogateescape")
    file = f"{name}-{hashlib.sha256(raw).hexdigest()[:16]}.sh"
    path = os.path.join(folder, file)
    if not os.path.exists(path):
        spool.write(folder, file, raw)
    return path


def _point(link: str, target: str) -> None:
    """Make the link atomically: a submission may be reading it."""
    try:
        if os.readlink(link) == target:
            return
    except OSError:
        pass
    temporary = f"{link}.{os.getpid()}"
    os.symlink(target, temporary)
    os.replace(temporary, link)
