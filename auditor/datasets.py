"""How does a data set become known, and stay so? Hashed once with its facts into a registry; hashed again when somebody asks."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import BinaryIO

from auditor.model import AuditError
from auditor.world import World
from probes.datasets import Dataset, registry
from probes.datasets.index import Folder, Index, Known, facts, write
from probes.datasets.unchanged import EXCLUDED, Look, below, one
from probes.manifest.check import Difference, differences
from probes.manifest.look import Wish
from probes.manifest.progress import Progress
from probes.manifest.read import Reader
from probes.manifest.rows import PATH, unescaped
from probes.manifest.tree import manifest
from probes.manifest.write import Total

Tell = Callable[[Progress], None]
SKEW_NS = 100_000_000
"""File servers' clocks are not quite ours."""
SHOWN = 1000


@dataclass(frozen=True)
class Checked:
    """A data set compared with its registration. state: `unchanged`, `changed`; differences: the first few, of `counted`."""

    name: str
    state: str
    hashed: bool
    counted: int
    differences: tuple[str, ...]


def add(world: World, place: str, wanted: Dataset, tell: Tell = lambda _: None) -> Dataset:
    """Hash the tree at `wanted.root` and register it in the folder `place`; what `wanted` says of digest, sizes and times is not used.

    Raises AuditError: a bad name, nothing there, a file that has no digest, a tree that changed meanwhile.
    """
    if not registry.NAME.fullmatch(wanted.name):
        raise AuditError(f"{wanted.name!a} is no name", "letters, digits, dot, dash and underscore, such as imagenet-2012")
    root = os.path.join(world.cwd, wanted.root)
    if not os.path.exists(root):
        raise AuditError(f"there is no {wanted.root}", "name a folder or file that is there")
    root = os.path.realpath(root)
    began = world.now()
    os.makedirs(place, mode=0o700, exist_ok=True)
    with tempfile.TemporaryFile() as file:
        total = _hashed(world, root, file, tell)
        stamp = began.isoformat(timespec="seconds")
        dataset = replace(
            wanted, root=root, digest=total.digest, files=total.files, bytes=total.bytes, registered=stamp, verified=stamp,
            single=not os.path.isdir(root),
        )  # fmt: skip
        _keep(place, dataset, file, int(began.timestamp() * 1e9) - SKEW_NS)
    return dataset


def _hashed(world: World, root: str, file: BinaryIO, tell: Tell, verify: bool = False) -> Total:
    total = manifest(world, (root,), Wish(exclude=EXCLUDED, verify=verify), file.write, tell=tell)
    if not total.complete:
        left = ", ".join(f"{count} {reason}" for reason, count in total.skipped.items() if reason != "excluded")
        raise AuditError(f"not every file of {root} can be known: {left}", "fetch or remove them; `auditor manifest` names each")
    return total


def _keep(place: str, dataset: Dataset, file: BinaryIO, before: int) -> None:
    """Index and manifest first, the registration that names them last: there is never half a data set."""
    base = os.path.dirname(dataset.root) if dataset.single else dataset.root
    index = registry.path(place, dataset, "index")
    part = f"{index}.{os.getpid()}.part"
    try:
        write(part, dataset.digest, _files(base, file, before), _folders(file))
        os.chmod(part, 0o644)
        os.replace(part, index)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part)
    file.seek(0)
    _put(registry.path(place, dataset, "manifest"), iter(lambda: file.read(1 << 20), b""))
    said = json.dumps(asdict(dataset), indent=2, sort_keys=True) + "\n"
    _put(os.path.join(place, f"{dataset.name}.json"), (said.encode("ascii"),))
    _forget_others(place, dataset)


def _put(path: str, pieces: Iterable[bytes]) -> None:
    """Whole or not at all, for the group to read: a registry may be a shared folder."""
    part = f"{path}.{os.getpid()}.part"
    try:
        with open(part, "xb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(part, 0o644)
        os.replace(part, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(part)


def _forget_others(place: str, dataset: Dataset) -> None:
    """Index and manifest of an earlier registration of this name."""
    kept = {os.path.basename(registry.path(place, dataset, kind)) for kind in ("index", "manifest")}
    for name in os.listdir(place):
        stem, _, kind = name.rpartition(".")
        if stem.rpartition(".")[0] == dataset.name and kind in {"index", "manifest"} and name not in kept:
            os.unlink(os.path.join(place, name))


def _files(base: str, file: BinaryIO, before: int) -> Iterator[tuple[str, Known]]:
    """Every file with what it looks like now; one that was touched since the hashing began is not what was hashed."""
    file.seek(0)
    for row in Reader(file, "the manifest").rows():
        try:
            now = facts(os.path.join(base, row.path))
        except FileNotFoundError:
            raise _moving(row.path) from None
        if now.ctime >= before or (row.size >= 0 and row.size != now.size):
            raise _moving(row.path)
        yield row.path, Known(now, row.digests.get("sha256", ""))


def _moving(path: str) -> AuditError:
    return AuditError(f"{path} was written while the data set was read, or just before", "register it once nobody writes to it")


def _folders(file: BinaryIO) -> Iterator[tuple[str, Folder]]:
    file.seek(0)
    for line in file:
        if not line.startswith(PATH.encode()) and "digest" in (row := json.loads(line)) and "folder" in row:
            yield unescaped(row["folder"]), Folder(row["digest"], row["files"], row["bytes"])


def find(world: World, name: str) -> tuple[str, Dataset]:
    """The registry's folder and the registration. Raises AuditError."""
    every = registry.registered(world, registry.folders(world, world.cwd))
    for place, dataset in every:
        if dataset.name == name:
            return place, dataset
    known = ", ".join(d.name for _, d in every[:20])
    raise AuditError(
        f"no data set is registered as {name}", f"there is: {known}" if known else f"auditor dataset add {name} PATH"
    )


def check(world: World, name: str, *, whole: bool = True, tell: Tell = lambda _: None) -> Checked:
    """whole: hash every byte again, and where all is as it was say so in the registration, if it is ours to write; else stat only."""
    place, dataset = find(world, name)
    if not os.path.exists(dataset.root):
        raise AuditError(f"the data set is not here: {dataset.root}", "mount its file system, or register it anew")
    if not whole:
        look = _look(place, dataset)
        return Checked(name, look.state, False, look.counted, tuple(look.differences))
    began = world.now()
    with tempfile.TemporaryFile() as fresh:
        _hashed(world, dataset.root, fresh, tell, verify=True)
        fresh.seek(0)
        with open(registry.path(place, dataset, "manifest"), "rb") as old:
            before = Reader(old, dataset.name)
            found = list(_some(differences(before, Reader(fresh, "the data set"))))
        if len(found) < SHOWN and before.digest != dataset.digest:
            raise AuditError(f"the manifest of {name} is not the one that was registered", f"auditor dataset add {name} PATH")
        if not found and os.access(place, os.W_OK):  # only times may have changed: they are noted anew
            verified = replace(dataset, verified=began.isoformat(timespec="seconds"))
            _keep(place, verified, fresh, int(began.timestamp() * 1e9) - SKEW_NS)
    return Checked(name, "changed" if found else "unchanged", True, len(found), tuple(f"{d.what} {d.path}" for d in found))


def _some(found: Iterator[Difference]) -> Iterator[Difference]:
    return islice(found, SHOWN)


def _look(place: str, dataset: Dataset) -> Look:
    with closing(Index(registry.path(place, dataset, "index"), dataset.digest)) as index:
        if not dataset.single:
            return below(index, dataset.root, "", float("inf"))
        look, name = Look(looked=1), os.path.basename(dataset.root)
        if not one(index, os.path.dirname(dataset.root), name)[1]:
            look.note("changed", name)
        return look


def remove(world: World, name: str) -> Dataset:
    """Forget a registration of one's own; the data are left as they are."""
    place, dataset = find(world, name)
    try:
        os.unlink(os.path.join(place, f"{name}.json"))
    except PermissionError as error:
        raise AuditError(f"{name} is registered in {place}, which is not yours to write", "ask who keeps it") from error
    for kind in ("index", "manifest"):
        with suppress(FileNotFoundError):
            os.unlink(registry.path(place, dataset, kind))
    return dataset
