"""Which variables make an engine leave a record of this run, without a change that anybody could see? Merged with what is set, and written down.

Only for systems that the script, or a file that it calls, names: a variable is harmless to others, but a job that prints its environment
should print the same. `auto` sets what changes neither the output of a run nor its files; `all` sets the others too:
cwltool's provenance copies all data, MLflow stores tags in the user's own records. SNAKEMAKE_PROFILE is never set: it is announced.
This module is loaded only where a system is named, on the wrapper's hot path too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress

from auditor.submit.attach_ways import Attaching, cwltool, dask, mlflow, ray, snakemake

MODES = ("auto", "all", "none")
RUN = "AUDIT_RUN_ID"
WAYS = {"dask": dask, "ray": ray, "cwltool": cwltool, "snakemake": snakemake, "mlflow": mlflow}
KEPT_DAYS = 90


def attach(
    environ: Mapping[str, str], named: tuple[str, ...], text: bytes, mode: str, submission: str, root: str
) -> dict[str, str]:
    """The variables to add to this run's environment; what was set and what was left is noted in the home. Empty where nothing is to be done.

    text: what names the systems. Raises OSError where the home cannot be written: then nothing is set.
    """
    if mode not in ("auto", "all") or not named or not root:
        return {}
    at = Attaching(environ, os.path.join(root, "attached", submission), mode == "all")
    for name, way in WAYS.items():
        if name in named:
            way(at, text)
    if at.given:
        at.give(RUN, submission, "names this run to whoever asks") if RUN not in environ else at.left.update(
            {RUN: "it was set already"}
        )
    _note(at, named, submission)
    return at.given


def _note(at: Attaching, named: tuple[str, ...], submission: str) -> None:
    """What was done, for the probe `attached`. Values that were set before are not in it: they may hold secrets."""
    import json

    from auditor import spool

    settings = [{"name": n, "why": at.why[n], "merged": n in at.environ} for n in at.given]
    left = [{"name": n, "why": why} for n, why in at.left.items()]
    note = {"run": submission, "named": list(named), "given": settings, "left": left}
    folder = os.path.dirname(at.folder)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    spool.write(folder, f"{submission}.json", json.dumps(note).encode("utf-8", "surrogateescape"))


def tidy(root: str) -> int:
    """Remove from this home what was attached for runs of so long ago that they are in the store; how many folders and notes. Raises nothing."""
    import shutil

    folder, gone = os.path.join(root, "attached"), 0
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            with suppress(OSError):
                old = time.time() - entry.stat(follow_symlinks=False).st_mtime > KEPT_DAYS * 86_400
                if old and not entry.name.startswith("attach_"):  # our own file, which a job that waits may still read
                    shutil.rmtree(entry.path) if entry.is_dir(follow_symlinks=False) else os.unlink(entry.path)
                    gone += 1
    return gone
