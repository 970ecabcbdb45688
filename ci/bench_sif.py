#!/usr/bin/env python3
"""How fast is a large Singularity image read, beside `sha256sum` of the same file? Rows: what, target, ours, yardstick; by turns, best of several.

ci/bench_sif.py [--folder DIR] [--repeats N] [--megabytes N]
Ours takes two digests (the file's and the root file system's) and reads recipe, labels and signatures; `openssl` stands beside it because
Debian's `sha256sum` uses no instructions made for it, and others' does.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench_hash import Cost, Row, best, ratio, took

ROOT = Path(__file__).resolve().parents[1]
READ = """import sys; sys.path.insert(0, {root!r})
from datetime import timedelta
from auditor.world import RealWorld
from probes.containers.sifread import read
class Tomorrow(RealWorld):  # what was written a moment ago is not remembered
    def now(self): return super().now() + timedelta(days=1)
found = read(Tomorrow(env={env!r}), {path!r})
assert found.partition_sha256 and found.size > {least}, found"""
TREE = """import sys; sys.path.insert(0, {root!r})
from auditor.world import RealWorld
from probes.containers.treehash import of_sif
assert of_sif(RealWorld(), {path!r})"""


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def image(folder: Path, megabytes: int) -> Path:
    """A SIF of about that size: a recipe, and a root file system of files that do not compress."""
    root = folder / "root"
    (root / ".singularity.d").mkdir(parents=True)
    (root / ".singularity.d/labels.json").write_text("{}")
    for number in range(megabytes // 4):
        (root / str(number)).write_bytes(os.urandom(4 << 20))
    recipe, packed, path = folder / "recipe", folder / "root.sqfs", folder / "x.sif"
    recipe.write_text("Bootstrap: docker\nFrom: debian:13\n")
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["mksquashfs", root, packed, "-quiet", "-no-progress", "-noD", "-noF"], **quiet)
    shutil.rmtree(root)
    subprocess.run(["siftool", "new", path], **quiet)
    subprocess.run(["siftool", "add", "--datatype", "1", path, recipe], **quiet)
    part = ["--datatype", "4", "--partfs", "1", "--parttype", "2", "--partarch", "2"]
    subprocess.run(["siftool", "add", *part, path, packed], **quiet)
    packed.unlink()
    return path


def rows(folder: Path, megabytes: int, repeats: int) -> Iterator[Row]:
    path = image(folder, megabytes)
    home = folder / "home"
    home.mkdir()
    cold = READ.format(root=str(ROOT), env={}, path=str(path), least=(megabytes - 8) << 20)
    warm = READ.format(root=str(ROOT), env={"AUDITOR_HOME": str(home)}, path=str(path), least=(megabytes - 8) << 20)
    rivals = {
        "ours": python(cold),
        "sha256sum": ["sha256sum", str(path)],
        "openssl": ["openssl", "dgst", "-sha256", str(path)],
    }
    found = best(rivals, repeats)
    what = f"SIF of {megabytes} MiB, parsed and hashed twice over"
    target = ">= 0.9 x the speed of sha256sum"
    yield what, target, speed(found["ours"], found["sha256sum"]), took(found["ours"], found["sha256sum"])
    yield what, "beside openssl dgst", speed(found["ours"], found["openssl"]), took(found["ours"], found["openssl"])
    subprocess.run(python(warm), check=True)
    again = best({"warm": python(warm), "start": python("pass")}, repeats)
    yield "the same SIF, unchanged", "not read again", ratio(again["warm"], found["ours"]), took(again["warm"], again["start"])
    tree = best({"tree": python(TREE.format(root=str(ROOT), path=str(path))), "sha256sum": rivals["sha256sum"]}, repeats)
    yield (
        f"tree hash of a SIF of {megabytes} MiB",
        "-",
        speed(tree["tree"], tree["sha256sum"]),
        took(tree["tree"], tree["sha256sum"]),
    )


def speed(ours: Cost, theirs: Cost) -> str:
    return f"{theirs.wall / ours.wall:.2f} x as fast ({theirs.cpu / ours.cpu:.2f} by CPU)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the image is made: not a tmpfs, whose files are never remembered")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--megabytes", type=int, default=1024)
    options = parser.parse_args()
    if lacking := [tool for tool in ("siftool", "mksquashfs", "sha256sum", "openssl") if not shutil.which(tool)]:
        print(f"| SIF of {options.megabytes} MiB | >= 0.9 x sha256sum | not measured: no {', '.join(lacking)} | |")
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        for row in rows(Path(folder), options.megabytes, options.repeats):
            print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()
