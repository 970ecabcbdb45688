#!/usr/bin/env python3
"""How fast is `auditor manifest` beside the tools that do the same or more? Rows: what, target, ours, yardstick; they take turns.

ci/bench_manifest.py [--folder DIR] [--repeats N] [--files N] [--million N] [--peers BIN]

cold: none of the tool's own memory, content in the page cache; disk: content dropped from it; warm: nothing changed since the last time.
Peers that are not installed are named and left out; --peers: a folder of programs to look in first, such as a virtual environment's bin.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SETTLE = 62.0
VERB = [sys.executable, "-m", "auditor", "manifest"]
Row = tuple[str, str, str, str]


class Cost(NamedTuple):
    """Of a whole process and its children: wall seconds, seconds of CPU, and the largest of them in MiB."""

    wall: float
    cpu: float
    rss: float


class Rival(NamedTuple):
    """A command in a folder, and what makes it start anew (None: nothing need)."""

    argv: list[str]
    cwd: Path
    before: Callable[[], None] | None = None


def cost(rival: Rival) -> Cost:
    if rival.before:
        rival.before()
    began = time.perf_counter()
    child = subprocess.Popen(rival.argv, cwd=rival.cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert child.stderr
    said = child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    child.stderr.close()
    if status:
        raise RuntimeError(f"{rival.argv[0]}: {said.decode(errors='replace')[-300:]}")
    return Cost(time.perf_counter() - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def best(rivals: dict[str, Rival], repeats: int) -> dict[str, Cost]:
    """Least wall, CPU and memory of each, the rivals taking turns."""
    costs: dict[str, list[Cost]] = {name: [] for name in rivals}
    for _ in range(repeats):
        for name, rival in rivals.items():
            costs[name].append(cost(rival))
    return {name: Cost(*map(min, zip(*each, strict=True))) for name, each in costs.items()}


def fill(tree: Path, files: int, size: int) -> None:
    block = os.urandom(max(0, size - 8))
    for number in range(files):
        below = tree / f"{number // 1000:04d}"
        if number % 1000 == 0:
            below.mkdir(parents=True)
        fd = os.open(below / f"{number:08d}", os.O_WRONLY | os.O_CREAT)
        os.write(fd, number.to_bytes(8, "big") + block)
        os.close(fd)


def drop(tree: Path) -> None:
    """The content of these files out of the page cache: ours only, nobody else's."""
    os.sync()
    for folder, _, names in os.walk(tree):
        for name in names:
            fd = os.open(os.path.join(folder, name), os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


def find(name: str, peers: str) -> str:
    return shutil.which(name, path=f"{peers}:{os.environ['PATH']}") or ""


def anew(folder: Path, *make: list[str]) -> Callable[[], None]:
    """Start from nothing: remove the folder, make it, run these in it."""

    def do() -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        for argv in make:
            subprocess.run(argv, cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    return do


def rivals(folder: Path, tree: Path, peers: str) -> dict[str, Rival]:
    """Who lists or stores a tree by content, each from a fresh start."""
    out = str(folder / "ours.manifest")
    copy = ["cp", "-al", str(tree), "tree"]
    found = {
        "ours": Rival([*VERB, str(tree), "-o", out], folder, anew(folder / "home")),
        "find -type f, no content": Rival(["find", str(tree), "-type", "f"], folder),
        "find, xargs sha256sum": Rival(["sh", "-c", f"find {tree} -type f -print0 | xargs -0 sha256sum"], folder),
    }
    if program := find("hashdeep", peers):
        found["hashdeep"] = Rival([program, "-c", "sha256", "-r", str(tree)], folder)
    work = folder / "git"
    found["git add"] = Rival(["git", "add", "."], work, anew(work, ["git", "init", "-q"], copy))
    if find("bagit.py", str(Path(sys.executable).parent)):
        bag = folder / "bag"
        code = "import bagit, sys; bagit.make_bag('.', processes=2, checksums=['sha256'])"
        found["bagit.py, 2 processes"] = Rival([sys.executable, "-c", code], bag, anew(bag, copy))
    if program := find("dvc", peers):
        dvc = folder / "dvc"
        start = anew(dvc, [program, "init", "--no-scm", "-q"], copy)
        found["dvc add --no-commit"] = Rival([program, "add", "-q", "--no-commit", "tree"], dvc, start)
    return found


def slow_rivals(folder: Path, tree: Path, peers: str) -> dict[str, Rival]:
    """Who takes minutes where others take seconds: on a tenth of the files, once."""
    found = {"ours": Rival([*VERB, str(tree), "-o", str(folder / "ours.manifest")], folder, anew(folder / "home"))}
    if find("git-annex", peers):
        annex = folder / "annex"
        start = anew(annex, ["git", "init", "-q"], ["git", "annex", "init", "-q"], ["cp", "-a", str(tree), "tree"])
        found["git annex add"] = Rival(["git", "annex", "add", "--quiet", "."], annex, start)
        if program := find("datalad", peers):
            data = folder / "datalad"
            start = anew(data, [program, "create", "-f", "."], ["cp", "-a", str(tree), "tree"])
            found["datalad save"] = Rival([program, "save", "-m", "x"], data, start)
    return found


def compared(what: str, target: str, found: dict[str, Cost]) -> Iterator[Row]:
    ours = found["ours"]
    for name, theirs in found.items():
        if name != "ours":
            ratio = f"{ours.wall / theirs.wall:.2f} x wall, {ours.cpu / theirs.cpu:.2f} x CPU"
            both = f"{ours.wall:.2f} s ({ours.cpu:.2f} CPU) and {theirs.wall:.2f} s ({theirs.cpu:.2f} CPU)"
            yield f"{what}, {name}", "no target: names only" if name.startswith("find -type") else target, ratio, both


def peers_rows(folder: Path, files: int, repeats: int, peers: str) -> Iterator[Row]:
    tree = folder / "tree"
    fill(tree, files, 4096)
    made = time.monotonic()
    all_ = rivals(folder, tree, peers)
    what = f"{files} files of 4 KiB"
    yield from compared(f"manifest of {what}, cold", "< 1 x", best(all_, repeats))
    tenth = folder / "tenth"
    fill(tenth, files // 10, 4096)
    yield from compared(f"manifest of {files // 10} files of 4 KiB, cold", "< 1 x", best(slow_rivals(folder, tenth, peers), 1))
    plain = {n: all_[n] for n in ("ours", "find, xargs sha256sum", "hashdeep") if n in all_}
    dropped = {n: Rival(r.argv, r.cwd, lambda r=r: (r.before and r.before(), drop(tree))) for n, r in plain.items()}
    yield from compared(f"manifest of {what}, disk", "< 1 x", best(dropped, 1))
    time.sleep(max(0.0, SETTLE - (time.monotonic() - made)))
    yield from compared(f"manifest of {what}, warm", "< 1 x", best(_again(folder, tree, all_, peers), repeats))
    shutil.rmtree(tree)


def _again(folder: Path, tree: Path, all_: dict[str, Rival], peers: str) -> dict[str, Rival]:
    """The same question a second time, by those that remember something."""
    cost(all_["ours"])
    found = {"ours": all_["ours"]._replace(before=None), "find, xargs sha256sum": all_["find, xargs sha256sum"]}
    cost(all_["git add"])
    found["git status"] = Rival(["git", "status", "--porcelain"], folder / "git")
    if "dvc add --no-commit" in all_:
        cost(all_["dvc add --no-commit"])
        found["dvc add again"] = all_["dvc add --no-commit"]._replace(before=None)
    return found


def million(folder: Path, files: int) -> Iterator[Row]:
    tree = folder / "million"
    fill(tree, files, 16)
    made = time.monotonic()
    out = str(folder / "million.manifest")
    subprocess.run(["find", str(tree), "-type", "f", "-exec", "cat", "{}", "+"], stdout=subprocess.DEVNULL, check=True)
    ours = Rival([*VERB, str(tree), "-o", out], folder, anew(folder / "home"))
    names = Rival(["find", str(tree), "-type", "f"], folder)
    what = f"{files} files of 16 bytes"
    costs = best({"ours": ours, "find": names}, 2)
    yield what + ", cold", "<= 6 s; <= 64 MiB a process", _took(costs["ours"]), f"find alone: {costs['find'].wall:.2f} s"
    time.sleep(max(0.0, SETTLE - (time.monotonic() - made)))
    cost(ours)
    costs = best({"ours": ours._replace(before=None), "find": names}, 2)
    yield what + ", warm", "<= 3 s; <= 64 MiB a process", _took(costs["ours"]), f"find alone: {costs['find'].wall:.2f} s"
    shutil.rmtree(tree)


def _took(cost: Cost) -> str:
    return f"{cost.wall:.2f} s ({cost.cpu:.2f} CPU), {cost.rss:.0f} MiB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", help="on a disk: memory file systems keep no honest times, so nothing is warm there")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--million", type=int, default=1_000_000)
    parser.add_argument("--peers", default="")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="auditor-bench-", dir=args.folder) as name:
        folder = Path(name)
        os.environ.update(
            AUDITOR_HOME=str(folder / "home"), PYTHONPATH=str(ROOT), DVC_SITE_CACHE_DIR=str(folder / "dvc-site"),
            DVC_NO_ANALYTICS="1", GIT_AUTHOR_NAME="a", GIT_AUTHOR_EMAIL="a@b", GIT_COMMITTER_NAME="a", GIT_COMMITTER_EMAIL="a@b",
        )  # fmt: skip
        for part in (peers_rows(folder, args.files, args.repeats, args.peers), million(folder, args.million)):
            for row in part:
                print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
