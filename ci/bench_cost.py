#!/usr/bin/env python3
"""What does it cost to submit, to be watched, to ask for help? Prints rows: what, target, ours, yardstick; rivals take turns.

ci/bench_cost.py [--repeats N]
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

CONSOLE = str(Path(sys.executable).with_name("auditor"))


def cpu(argv: list[str], env: Mapping[str, str]) -> tuple[float, float]:
    """CPU and wall milliseconds of one process and the children it waited for."""
    begin = time.perf_counter()
    null = os.open(os.devnull, os.O_RDWR)
    pid = os.posix_spawn(argv[0], argv, env, file_actions=[(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)])
    _, _, used = os.wait4(pid, 0)
    os.close(null)
    return (used.ru_utime + used.ru_stime) * 1e3, (time.perf_counter() - begin) * 1e3


def turns(rivals: dict[str, tuple[list[str], Mapping[str, str]]], repeats: int) -> dict[str, tuple[float, float]]:
    """Median CPU and wall milliseconds of each, the rivals taking turns."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in rivals}
    for _ in range(repeats):
        for name, (argv, env) in rivals.items():
            found[name].append(cpu(argv, env))
    return {name: (median(c for c, _ in v), median(w for _, w in v)) for name, v in found.items()}


def opened(argv: list[str], env: Mapping[str, str]) -> int:
    """Files opened by the process itself; its detached child is not counted, nobody waits for it."""
    with tempfile.NamedTemporaryFile("r") as log:
        subprocess.run(["strace", "-o", log.name, "-e", "trace=open,openat", *argv], env=env, capture_output=True, check=True)
        return len(re.findall(r"^open.* = \d+$", log.read(), re.MULTILINE))


def submit(folder: Path, repeats: int) -> Iterator[tuple[str, str, str, str]]:
    """Around an sbatch that does nothing, so that what is left is the wrapper."""
    fake = folder / "bin/sbatch"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho Submitted batch job 1\n")
    fake.chmod(0o755)
    script = folder / "job.sh"
    script.write_text("#!/bin/bash\ntrue\n")
    env = {"PATH": f"{fake.parent}:/usr/bin:/bin", "HOME": str(folder), "AUDITOR_HOME": str(folder / "home")}
    ours = [CONSOLE, "sbatch", str(script)]
    subprocess.run(ours, env=env, check=True, capture_output=True)  # writes the hook once
    rivals = {"bare": ([sys.executable, "-c", "pass"], env), "ours": (ours, env), "sbatch": ([str(fake), str(script)], env)}
    got = turns(rivals, repeats)
    over = got["ours"][0] - got["bare"][0] - got["sbatch"][0]
    yield (
        "`auditor sbatch`: CPU over bare Python",
        "≤ +15 ms",
        f"+{over:.1f} ms ({got['ours'][0]:.1f})",
        f"python -c pass {got['bare'][0]:.1f} ms",
    )
    yield "`auditor sbatch`: opened files", "≤ 60", str(opened(ours, env)), f"python -c pass {opened(rivals['bare'][0], env)}"


def watched(folder: Path, repeats: int) -> Iterator[tuple[str, str, str, str]]:
    """A job script with and without the hook, run by bash as slurmstepd does."""
    from auditor.home import Home
    from auditor.submit.bashenv import value
    from auditor.submit.hook import install

    home = Home(str(folder / "hooked"))
    hook = install(home)
    script = folder / "spool/slurm_script"
    script.parent.mkdir()
    script.write_text("#!/bin/bash\n:\n")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "SLURM_JOB_ID": "1", "SLURM_CLUSTER_NAME": "bench", "LANG": "C.UTF-8"}
    argv = ["/bin/bash", str(script)]
    rivals = {
        "bare": (argv, env),
        "shell": (argv, {**env, "BASH_ENV": value(hook, "ab" * 8, None, "nohash")}),
        "hash": (argv, {**env, "BASH_ENV": value(hook, "ab" * 8, None)}),
        "python": ([sys.executable, "-I", "-S", "-c", "pass"], env),
    }
    got = turns(rivals, repeats)
    bare = got["bare"]
    yield (
        "in-job hook, start + end, shell only: CPU",
        "≤ 5 ms",
        f"+{got['shell'][0] - bare[0]:.1f} ms",
        f"bash script {bare[0]:.1f} ms",
    )
    yield (
        "in-job hook with content hashed: CPU",
        "≤ 0.3 s",
        f"+{(got['hash'][0] - bare[0]) / 1e3:.3f} s",
        f"python -I -S {got['python'][0]:.1f} ms",
    )
    left = len(list((folder / "hooked/spool").iterdir()))
    yield "files a job leaves in the spool (start + end)", "≤ 3 with submit", str(left), ""


def start_up(folder: Path, repeats: int) -> Iterator[tuple[str, str, str, str]]:
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "AUDITOR_HOME": str(folder / "home")}
    got = turns({"help": ([CONSOLE, "--help"], env), "bare": ([sys.executable, "-c", "pass"], env)}, repeats)
    yield "`auditor --help`: CPU", "≤ 0.25 s", f"{got['help'][0] / 1e3:.3f} s", f"python -c pass {got['bare'][0]:.1f} ms"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=9)
    args = parser.parse_args()
    for piece in (submit, watched, start_up):
        # what a submission leaves to later may still write there
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            for row in piece(Path(folder), args.repeats):
                print("| " + " | ".join(row) + " |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
