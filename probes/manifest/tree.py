"""What is in these trees, as one manifest? The one call for a verb, an engine's user or a probe: roots, journal, look, write."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Sequence
from hashlib import blake2b

from auditor import home
from auditor.model import AuditError
from auditor.world import World
from probes.manifest.descent import Root
from probes.manifest.journal import Journal, tidy
from probes.manifest.look import Engine, Look, Wish, local
from probes.manifest.progress import Progress
from probes.manifest.rows import order
from probes.manifest.write import Total, Writer


def manifest(
    world: World,
    trees: Sequence[str],
    wish: Wish,
    out: Callable[[bytes], object],
    *,
    engine: Engine | None = None,
    tell: Callable[[Progress], None] = lambda _: None,
) -> Total:
    """Give the lines of the trees' manifest to `out`, in pieces, at the end. One tree: paths relative to it; several: as they were named.

    What was done is kept when it raises, KeyboardInterrupt too: the same call goes on from there.
    Raises AuditError (no such tree, one named twice), OSError (a full disk).
    """
    roots = named(world.cwd, trees)
    folder = journals(world)
    kept = Journal(folder, key(roots, wish))
    whole = False
    try:
        look = Look(world, roots, wish, kept, engine or local(world), tell)
        writer = Writer(look, out)
        look.ready = writer.go_on
        look.run()
        total = writer.end()
        whole = not {"time", "worker-died"} & set(total.skipped)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} and kept.full:
            raise AuditError(
                f"there is no room left for what is remembered: {kept.path or tempfile.gettempdir()}",
                "make room, or export AUDITOR_HOME=/another/disk; what was done is kept",
            ) from error
        raise
    finally:
        kept.close(whole)
        if folder:
            tidy(folder, kept.path)
    return total


def journals(world: World) -> str:
    """Where this user's journals lie; empty where there is no home for them."""
    own = home.find(dict(world.env)) if any(world.env.get(v) for v in ("AUDITOR_HOME", "XDG_STATE_HOME", "HOME")) else None
    return os.path.join(own.hashes, "trees") if own else ""


def key(roots: Sequence[Root], wish: Wish) -> str:
    words = ("1", *wish.algorithms, *(part for root in roots for part in (root.folder, *root.only)))
    return blake2b("\0".join(words).encode("utf-8", "surrogateescape"), digest_size=12).hexdigest()


def named(cwd: str, trees: Sequence[str]) -> tuple[Root, ...]:
    """The trees as roots, in the manifest's order. A file is its folder with that one name."""
    found: dict[str, Root] = {}
    for tree in trees:
        path = os.path.normpath(os.path.join(cwd, tree))
        rel = "" if len(trees) == 1 else os.path.normpath(tree)
        root = Root(rel, path)
        if not os.path.isdir(path):
            if not os.path.lexists(path):
                raise AuditError(f"there is no {tree}", "name folders or files that are there")
            folder, name = os.path.split(path)
            rel = "" if len(trees) == 1 else os.path.dirname(os.path.normpath(tree)) or "."
            before = found.get(rel)
            root = Root(rel, folder, (*(before.only if before else ()), name))
        elif rel in found:
            raise AuditError(f"{tree} is named twice", "name each tree once")
        found[rel] = root
    roots = tuple(sorted(found.values(), key=lambda r: order(f"{r.rel}/x")))
    for root in roots:
        for other in roots:
            if other is not root and not other.only and (root.folder + "/").startswith(other.folder.rstrip("/") + "/"):
                raise AuditError(f"{root.rel} lies in {other.rel}", "name the outer one only")
    return roots
