"""What do runs really leave behind? One is done for real, with today's probes; others are made from it, changed where runs differ.

In every run: number, submission, times, outputs, what was used. Now and then: the node (one of 64), the environment (one of 20),
the system packages (one of 5 hosts). All else is alike, as it is in one user's runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from auditor import codec
from auditor.home import Home
from tests.factory import sha

ENVIRONMENTS, NODES, HOSTS = 20, 64, 5
WORK = 'import numpy\nfor i in range({}):\n    open(f"part-{{i:03d}}.npy", "w").write(str(i))\n'
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"
OUTPUT = rb'(?<="sha256":")[0-9a-f]{64}|(?<="mtime_ns":)\d{19}|(?<=[:,])\d+\.\d+(?=[,}\]])'
"""What the end alone makes new: digests, times of files, seconds that were used."""


def environment(folder: Path, packages: int) -> Path:
    """A virtual environment of so many distributions; its folder of programs."""
    venv.create(folder, with_pip=False, symlinks=True)
    site = next(folder.glob("lib/python3*/site-packages"))
    for i in range(packages):
        name = f"package_{i}" if i else "numpy"
        info = site / f"{name}-1.{i}.0.dist-info"
        record = f"{name}/__init__.py,sha256={sha(name)[:43]},0\n{info.name}/METADATA,,\n{info.name}/RECORD,,\n"
        texts = {
            site / name / "__init__.py": "",
            info / "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.{i}.0\n\nWhat it is for.\n",
            info / "WHEEL": "Wheel-Version: 1.0\nGenerator: flit\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            info / "INSTALLER": "pip\n",
            info / "RECORD": record,
        }
        for path, text in texts.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
    return folder / "bin"


def left_by_one(folder: Path, packages: int, outputs: int) -> list[dict[str, Any]]:
    """The captures of a run of `auditor run`: its submission, its start, what was seen later."""
    programs, home, work = environment(folder / "venv", packages), Home(str(folder / "home")), folder / "work"
    work.mkdir()
    (work / "work.py").write_text(WORK.format(outputs))
    path = f"{programs}:{os.environ['PATH']}"
    env = {**os.environ, "AUDITOR_HOME": home.root, "PATH": path, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    subprocess.run([sys.executable, "-m", "auditor", "run", "--", "python", "work.py"], cwd=work, env=env, check=True)
    found = [json.loads(path.read_bytes()) for path in Path(home.spool).glob("*.json")]
    return sorted(found, key=lambda value: ("submit", "start", "end", "later").index(value["phase"]))


class LeftRuns:
    """Any number of such runs; the same number is always the same bytes."""

    def __init__(self, folder: Path, packages: int, outputs: int = 40) -> None:
        self.what = f"as `auditor run` leaves them: {packages} packages, {outputs} outputs"
        seen = left_by_one(folder, packages, outputs)
        self.job, self.submission, self.host = (
            seen[0]["job"]["job_id"],
            seen[0]["job"]["submission"],
            seen[0]["evidence"][0]["host"],
        )
        self.digest = next(f["sha256"] for e in seen[-1]["evidence"] if e["kind"] == "DataManifest" for f in e["data"]["files"])
        times = {t for value in seen for t in re.findall(TIME, json.dumps(value))}
        self._times = sorted(t.encode() for t in times if t >= seen[0]["job"]["submitted_at"][:19])
        self._texts = [[self._pieces(_changed(value, e)) for value in seen] for e in range(ENVIRONMENTS)]

    def _pieces(self, value: dict[str, Any]) -> tuple[str, list[bytes]]:
        """Phase, and the text cut where runs differ: every second piece is one that does."""
        words = [*self._times, self.job.encode(), self.submission.encode()]
        words += [rb'(?<="host":")' + re.escape(self.host.encode())] if value["phase"] != "submit" else []
        words += [OUTPUT] if value["phase"] == "later" else []
        return value["phase"], re.split(b"(" + b"|".join(words) + b")", codec.dumps(value))

    def files(self, n: int) -> Iterator[tuple[str, bytes]]:
        """Name and bytes of each file that run number n leaves in the spool."""
        rng = random.Random(n)
        when = f"2026-{1 + n // 800_000 % 12:02d}-{1 + n // 28_800 % 28:02d}T{n // 1200 % 24:02d}:{n // 20 % 60:02d}:{n % 20:02d}"
        known = {
            self.job.encode(): b"L%08x" % n,
            self.submission.encode(): sha(f"submission {n}")[:16].encode(),
            self.host.encode(): b"node%03d" % rng.randrange(NODES),
        }
        for phase, pieces in self._texts[n % ENVIRONMENTS]:
            raw = list(pieces)
            for i in range(1, len(raw), 2):
                raw[i] = known.get(raw[i]) or _drawn(raw[i], when.encode(), rng)
            text = b"".join(raw)
            yield f"L{n:08x}-0-{phase}-{hashlib.sha256(text).hexdigest()[:16]}.json", text


def _drawn(old: bytes, when: bytes, rng: random.Random) -> bytes:
    if b"T" in old:  # as all its times: a run of seconds
        return when
    if len(old) == 64:
        return b"%064x" % rng.getrandbits(256)
    return b"%d" % (10**18 + rng.getrandbits(56)) if len(old) == 19 else b"%d.%d" % (rng.randrange(1, 9999), rng.randrange(1, 9))


def _changed(value: dict[str, Any], environment: int) -> dict[str, Any]:
    """The same capture in another environment, submitted from another host."""
    value = json.loads(json.dumps(value))
    for e in value["evidence"]:
        if e["kind"] == "PythonPackages" and e["data"]:
            for package in e["data"]["packages"][environment::ENVIRONMENTS]:
                package["version"] += f".post{environment}"
        if e["kind"] == "SystemPackages" and e["data"]:
            for package in e["data"]["components"][environment % HOSTS :: HOSTS]:
                package["version"] += "+u1"
    return value
