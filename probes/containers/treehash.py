"""Do two images hold the same files, however they are packed? One digest over a root file system: folder, image file or layers.

RULES names what counts; digests compare only under the same rules. Rules 1: every file and symbolic link below the root, sorted by path
as bytes, each as `path NUL kind NUL what NUL`, where kind is `f` (file), `x` (file its owner may execute) or `l` (link) and what is the
content's sha256 in hex or the link's target; sha256 over all of it. Times, owners, other permissions (a umask or an unpacker without root changes them),
extended attributes, devices and folders do not count, nor does what runtimes and builders put into every root (`left_out`).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from auditor.world import World
from probes.containers import sifread
from probes.containers.layertree import Leaf, leaves, merged
from probes.containers.limits import Budget, Limits
from probes.containers.squashfs import Inode, Squashfs
from probes.manifest import remember

RULES = "1"
_SCAFFOLDING = frozenset(
    b".exec .run .shell .test environment singularity .dockerenv run/.containerenv etc/hosts etc/hostname etc/resolv.conf etc/mtab".split()
)
DEFAULT = Limits()
_MOUNTED = (b".singularity.d/", b"dev/", b"proc/", b"sys/")


def of_folder(world: World, path: str, limits: Limits = DEFAULT) -> str:
    """Of an unpacked image: a sandbox, a Charliecloud directory. Links are not followed.

    Raises OSError (not there, TooBig, TimeoutError).
    """
    return _tree(_of_folder(world, path, Budget(limits)))


def of_sif(world: World, path: str, limits: Limits = DEFAULT) -> str:
    """Of the root file system of a Singularity image, or of a bare squashfs file. An unchanged file is not read again.

    Raises NotSif, Unreadable (encrypted, ext3, damaged), OSError (not there, TooBig, TimeoutError).
    """

    def tree() -> dict[str, str]:
        start, size = sifread.root(world, path)
        image = Squashfs(lambda place, length: world.span(path, start + place, min(length, size - place)))
        return {"tree": _tree(_of_squashfs(image, Budget(limits)))}

    return remember.facts(world, path, f"tree.{RULES}", tree)["tree"]


def of_layers(blobs: Iterable[BinaryIO], limits: Limits = DEFAULT) -> str:
    """Of OCI or Docker layers, the lowest first: tars, plain or compressed with gzip or zstd.

    Raises Unreadable, OSError (TooBig, TimeoutError).
    """
    return _tree(leaves(merged(blobs, Budget(limits))))


def left_out(path: bytes) -> bool:
    """Is this part of what runtimes and builders put into every root file system, or mount over it?"""
    return path in _SCAFFOLDING or path.startswith(_MOUNTED)


def _tree(entries: Iterable[tuple[bytes, Leaf]]) -> str:
    found = {path: leaf for path, leaf in entries if leaf.kind != b"o" and not left_out(path)}
    digest = hashlib.sha256()
    for path in sorted(found):
        kind, what = found[path]
        digest.update(b"%b\0%b\0%b\0" % (path, kind, what if kind == b"l" else what.hex().encode()))
    return f"sha256:{digest.hexdigest()}"


def _of_folder(world: World, path: str, budget: Budget) -> Iterator[tuple[bytes, Leaf]]:
    root = os.path.join(world.cwd, path)
    todo = [""]
    while todo:
        above = todo.pop()
        with os.scandir(os.path.join(root, above)) as folder:
            for entry in folder:
                name = os.path.join(above, entry.name)
                budget.entry()
                if left_out(os.fsencode(name)):
                    continue
                if entry.is_symlink():
                    yield os.fsencode(name), Leaf(b"l", os.fsencode(os.readlink(entry.path)))
                elif entry.is_dir(follow_symlinks=False):
                    todo.append(name)
                elif entry.is_file(follow_symlinks=False):
                    kind = b"x" if entry.stat(follow_symlinks=False).st_mode & 0o100 else b"f"
                    yield os.fsencode(name), Leaf(kind, _digest(world.chunks(entry.path), budget))


def _of_squashfs(image: Squashfs, budget: Budget) -> Iterator[tuple[bytes, Leaf]]:
    for path, inode in image.walk():
        budget.entry()
        if inode.kind in _KINDS and not left_out(path):
            yield path, _leaf(image, inode, budget)


def _leaf(image: Squashfs, inode: Inode, budget: Budget) -> Leaf:
    if inode.kind == "link":
        return Leaf(b"l", inode.target)
    return Leaf(b"x" if inode.mode & 0o100 else b"f", _digest(image.content(inode), budget))


_KINDS = frozenset({"file", "link"})


def _digest(pieces: Iterable[bytes | memoryview], budget: Budget) -> bytes:
    digest = hashlib.sha256()
    for piece in pieces:
        budget.spend(len(piece))
        digest.update(piece)
    return digest.digest()
