#!/usr/bin/env python3
"""How large is a bundle, how long does it take to make and to verify? Prints rows: what, target, ours, yardstick; rivals take turns.

ci/bench_bundle.py [--repeats N]
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from auditor import codec
from auditor.model import Evidence, Job, Phase
from auditor.replay import execute, plan
from auditor.replay.run import PATH
from reports.archive.bundle import build
from reports.archive.verify import verify
from reports.score import score
from tests import archived, factory

WORLD = Path(__file__).resolve().parents[1] / "tests/worlds/ml_job"
BAGIT = Path(sys.executable).with_name("bagit.py")


def row(what: str, target: str, ours: str, yardstick: str) -> None:
    print(f"| {what} | {target} | {ours} | {yardstick} |")


def turns(rivals: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each, the rivals taking turns."""
    found: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(repeats):
        for name, do in rivals.items():
            begin = time.perf_counter()
            do()
            found[name].append(time.perf_counter() - begin)
    return {name: median(times) for name, times in found.items()}


def quiet(*argv: object) -> None:
    subprocess.run([str(a) for a in argv], capture_output=True, check=True)


def tarball(bundle: Path) -> int:
    """The same files as .tar.gz, in bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(bundle) as archive, tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name in archive.namelist():
            entry = tarfile.TarInfo(name)
            entry.size = archive.getinfo(name).file_size
            tar.addfile(entry, io.BytesIO(archive.read(name)))
    return len(out.getvalue())


def ml_job(folder: Path, repeats: int) -> None:
    """A literal training job: evidence of all phases, its data by reference."""
    job = codec.loads((WORLD / "job.json").read_bytes(), Job)
    evidence = codec.loads((WORLD / "evidence.json").read_bytes(), tuple[Evidence, ...])
    card = score(job, evidence)

    def make(name: str) -> Path:
        return Path(build(job, evidence, card, folder / name, objects=archived.nothing).path)

    one, two = make("one.crate.zip"), make("two.crate.zip")
    row(
        "bundle without payload, small ML job",
        "≤ 200 kB",
        f"{one.stat().st_size / 1000:.0f} kB",
        f"the same files as tar.gz {tarball(one) / 1000:.0f} kB",
    )
    row("made twice", "byte-identical", "yes" if one.read_bytes() == two.read_bytes() else "NO", "–")
    zipfile.ZipFile(one).extractall(folder / "bag")
    times = turns(
        {
            "make": lambda: make("again.crate.zip"),
            "verify": lambda: quiet(sys.executable, "-I", "-S", folder / "bag/data/verify.py", one),
            "bagit": lambda: quiet(sys.executable, BAGIT, "--quiet", "--validate", folder / "bag"),
        },
        repeats,
    )
    row("make it (in process)", "–", f"{times['make']:.2f} s", "–")
    row("verify it (whole process, stdlib)", "≤ 1 s", f"{times['verify']:.2f} s", f"bagit.py --validate {times['bagit']:.2f} s")


def many(folder: Path, repeats: int) -> None:
    """A run that left 3,000 files, all by reference."""
    job, seen = archived.run(folder / "work")
    files = (factory.file(f"out/part-{n:05d}.bin", "output", f"content {n}") for n in range(3000))
    made = factory.manifest(*files, root=str(folder / "work"))
    evidence = (*seen, factory.seen(made, phase=Phase.END, taken_at=factory.at(11)))
    card, path = score(job, evidence), folder / "many.crate.zip"
    times = turns(
        {
            "make": lambda: build(job, evidence, card, path, objects=archived.nothing, payload="none"),
            "verify": lambda: verify(path),
        },
        repeats,
    )
    row(
        "bundle of 3,000 files without payload",
        "≤ 3 s, ≤ 500 kB",
        f"{times['make']:.2f} s, {path.stat().st_size / 1000:.0f} kB",
        "–",
    )
    row("verify it, score it again", "≤ 1 s", f"{times['verify']:.2f} s", "–")


def replay(folder: Path, repeats: int) -> None:
    """What planning, unpacking, the sandbox and comparing add to a job that takes no time itself."""
    archived.bundle(folder)
    bundle, number = folder / "fit.crate.zip", iter(range(1000))

    def again() -> None:
        verdict = execute(plan(bundle), folder / f"again-{next(number)}", yes=True)
        assert verdict.sameness == "identical", verdict.reason

    def bare() -> None:
        subprocess.run(["bash", "job.sh", "7"], cwd=folder / "work", env={"PATH": PATH}, capture_output=True, check=True)

    times = turns({"replay": again, "bare": bare}, repeats)
    row(
        "replay of a tiny job, sandbox and verdict included",
        "–",
        f"{times['replay']:.2f} s",
        f"the script alone {times['bare']:.2f} s",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory(prefix="bench-bundle-") as folder:
        ml_job(Path(folder), repeats)
        many(Path(folder), repeats)
    with tempfile.TemporaryDirectory(prefix="bench-bundle-") as folder:
        replay(Path(folder), repeats)


if __name__ == "__main__":
    main()
