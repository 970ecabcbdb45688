#!/usr/bin/env python3
"""How fast is the manifest beside the tools everybody has? Prints rows: what, target, ours, yardstick; alternately, best of several.

ci/bench_hash.py [--folder DIR] [--repeats N] [--megabytes N] [--files N] [--gigabytes N]
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
OURS = "import sys; sys.path.insert(0, {root!r}); from probes.manifest.build import Limits, listing; \
found = listing({what}, limits=Limits(bytes=1 << 50, seconds=600, files=1 << 30, workers={workers})); \
assert len(found.entries) == {count} and not found.left, found.left[:3]"


def ours(what: str, count: int, workers: int) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", OURS.format(root=str(ROOT), what=what, workers=workers, count=count)]


class Cost(NamedTuple):
    """Of a whole process and its children: wall seconds, and seconds of CPU, which a busy machine changes less."""

    wall: float
    cpu: float


def cost(argv: list[str]) -> Cost:
    before, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - before, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime)


def best(rivals: dict[str, list[str]], repeats: int) -> dict[str, Cost]:
    """Least wall and least CPU seconds of each, the rivals taking turns."""
    costs: dict[str, list[Cost]] = {name: [] for name in rivals}
    for _ in range(repeats):
        for name, argv in rivals.items():
            costs[name].append(cost(argv))
    return {name: Cost(min(c.wall for c in each), min(c.cpu for c in each)) for name, each in costs.items()}


def ratio(ours: Cost, theirs: Cost) -> str:
    return f"{ours.wall / theirs.wall:.2f} x wall, {ours.cpu / theirs.cpu:.2f} x CPU"


def took(*costs: Cost) -> str:
    return " and ".join(f"{c.wall:.2f} s ({c.cpu:.2f} CPU)" for c in costs)


Row = tuple[str, str, str, str]


def large(folder: Path, megabytes: int, repeats: int) -> Iterator[Row]:
    path = folder / "large.bin"
    with path.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(1 << 20))
    rivals = {
        "ours": ours(f"(), [{str(path)!r}]", 1, 1),
        "openssl": ["openssl", "dgst", "-sha256", str(path)],
        "sha256sum": ["sha256sum", str(path)],
    }
    found = best(rivals, repeats)
    path.unlink()
    what = f"sha256 of {megabytes} MiB, cached"
    yield what, "<= 1.0 x openssl dgst", ratio(found["ours"], found["openssl"]), took(found["ours"], found["openssl"])
    yield what, "<= 0.25 x sha256sum", ratio(found["ours"], found["sha256sum"]), took(found["ours"], found["sha256sum"])


def pieces(folder: Path, repeats: int, gigabytes: int) -> Iterator[Row]:
    """One file whose digest has pieces, which several cores can read; the whole verb, its start included."""
    path = folder / "pieces.bin"
    block = os.urandom(1 << 24)
    with path.open("wb") as file:
        for _ in range(gigabytes << 6):
            file.write(block)
    os.environ.update(PYTHONPATH=str(ROOT), AUDITOR_HOME=str(folder / "home"))  # a home that is not there: nothing is remembered
    verb = [sys.executable, "-m", "auditor", "manifest", str(path), "--algorithm", "sha256-tree:1GiB"]
    found = best({"ours": verb, "openssl": ["openssl", "dgst", "-sha256", str(path)]}, repeats)
    path.unlink()
    what = f"sha256-tree:1GiB of one file of {gigabytes} GiB, cached, whole verb, {len(os.sched_getaffinity(0))} cores"
    yield what, "< 1 x openssl dgst -sha256", ratio(found["ours"], found["openssl"]), took(found["ours"], found["openssl"])


def small(folder: Path, files: int, repeats: int) -> Iterator[Row]:
    tree = folder / "tree"
    block = os.urandom(4096 - 8)
    for number in range(files):
        below = tree / f"{number // 1000:04d}"
        if number % 1000 == 0:
            below.mkdir(parents=True)
        (below / f"{number:08d}").write_bytes(number.to_bytes(8, "big") + block)
    rivals = {
        "one": ours(f"[{str(tree)!r}]", files, 1),
        "two": ours(f"[{str(tree)!r}]", files, 2),
        "xargs": ["sh", "-c", f"find {tree} -type f -print0 | xargs -0 sha256sum"],
    }
    if binary := c_loop(folder):
        rivals["c"] = [binary, str(tree)]
    found = best(rivals, repeats)
    shutil.rmtree(tree)
    what = f"{files} files of 4 KiB, cached"
    for name, target in (("one", 1.5), ("two", 0.9)):
        if "c" in found:
            yield (
                f"{what}, {name} process",
                f"<= {target} x a C loop",
                ratio(found[name], found["c"]),
                took(found[name], found["c"]),
            )
        else:
            yield f"{what}, {name} process", f"<= {target} x a C loop", "no C compiler or libcrypto", took(found[name])
    yield what, "< find, xargs sha256sum", ratio(found["one"], found["xargs"]), took(found["one"], found["xargs"])


C_LOOP = r"""
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include <openssl/evp.h>
static char buffer[1 << 18] __attribute__((aligned(4096)));
static void walk(int at) {
    DIR *dir = fdopendir(at); struct dirent *e; unsigned char md[32];
    EVP_MD_CTX *c = EVP_MD_CTX_new(); const EVP_MD *sha = EVP_sha256();
    while ((e = readdir(dir))) {
        if (e->d_name[0] == '.') continue;
        if (e->d_type == DT_DIR) { walk(openat(at, e->d_name, O_RDONLY | O_DIRECTORY)); continue; }
        int fd = openat(at, e->d_name, O_RDONLY); struct stat s; ssize_t n; fstat(fd, &s);
        EVP_DigestInit_ex(c, sha, NULL);
        for (off_t left = s.st_size; left > 0 && (n = read(fd, buffer, sizeof buffer)) > 0; left -= n) EVP_DigestUpdate(c, buffer, n);
        EVP_DigestFinal_ex(c, md, NULL);
        close(fd);
    }
    EVP_MD_CTX_free(c); closedir(dir);
}
int main(int argc, char **argv) { walk(open(argv[1], O_RDONLY | O_DIRECTORY)); return argc != 2; }
"""


def c_loop(folder: Path) -> str:
    """The floor: the same four system calls and libcrypto from C, one thread. Empty where it cannot be built."""
    source, binary = folder / "loop.c", folder / "loop"
    source.write_text(C_LOOP)
    try:
        subprocess.run(["cc", "-O2", "-o", str(binary), str(source), "-lcrypto"], check=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return str(binary)


def rows(folder: Path, repeats: int, megabytes: int, files: int, gigabytes: int) -> Iterator[Row]:
    """(what, target, ours over the yardstick, both)."""
    yield from large(folder, megabytes, repeats)
    if gigabytes:
        yield from pieces(folder, repeats, gigabytes)
    yield from small(folder, files, repeats)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", default="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=1024)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--gigabytes", type=int, default=4, help="of the file whose pieces are read side by side; 0: none")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="auditor-bench-", dir=args.folder) as folder:
        for row in rows(Path(folder), args.repeats, args.megabytes, args.files, args.gigabytes):
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
