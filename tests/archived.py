"""Which run do the archive's tests pack? A tiny one whose files are really there: a script, a program, an input, three outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from auditor.model import Evidence, Job, Phase
from auditor.scorecard import Scorecard
from probes.schedulers import JobAccounting
from reports.archive.bundle import BundleInfo, build
from reports.score import score
from tests import factory
from tests.factory import at, seen, sha

SCRIPT = "#!/bin/bash\n#SBATCH --job-name=fit\npython3 fit.py in.csv out.csv metrics.json $1\necho slope done\n"
PROGRAM = '''"""Fits a line through the origin."""
import json
import sys

rows = [line.split(",") for line in open(sys.argv[1]).read().split()[1:]]
points = [(float(x), float(y)) for x, y in rows]
slope = sum(x * y for x, y in points) / sum(x * x for x, y in points)
with open(sys.argv[2], "w") as out:
    out.write("x,fit\\n" + "".join(f"{x},{slope * x}\\n" for x, _ in points))
with open(sys.argv[3], "w") as out:
    json.dump({"slope": slope, "points": len(points), "seed": int(sys.argv[4])}, out)
'''
INPUT = "x,y\n1,2\n2,4\n3,7\n"
OUTPUT = "x,fit\n1.0,2.2142857142857144\n2.0,4.428571428571429\n3.0,6.642857142857143\n"
METRICS = '{"slope": 2.2142857142857144, "points": 3, "seed": 7}'
LOG = "slope done\n"

FILES = {"job.sh": SCRIPT, "fit.py": PROGRAM, "in.csv": INPUT, "out.csv": OUTPUT, "metrics.json": METRICS, "slurm-123.out": LOG}


def run(folder: Path, files: Mapping[str, str] = FILES, script: str = SCRIPT) -> tuple[Job, tuple[Evidence, ...]]:
    """The job and its evidence; its files are written to `folder`, which was its work directory."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    job = factory.job(workdir=str(folder), script=script, script_path=f"{folder}/job.sh", argv=("job.sh", "7"))
    submission = factory.submission(script, "job.sh", "7", script_path=f"{folder}/job.sh", cwd=str(folder))
    inputs = factory.manifest(factory.file("in.csv", content=INPUT), root=str(folder))
    outputs = factory.manifest(
        *(factory.file(name, "output", files[name]) for name in ("out.csv", "metrics.json", "slurm-123.out")), root=str(folder)
    )
    return job, (
        seen(submission),
        seen(called(folder, {"fit.py": files["fit.py"]}), phase=Phase.START, taken_at=at(1)),
        seen(inputs, phase=Phase.START, taken_at=at(1)),
        seen(factory.environment(PYTHONHASHSEED="0", PATH="/usr/bin", SLURM_JOB_ID="123"), phase=Phase.START, taken_at=at(1)),
        seen(factory.hardware(), phase=Phase.START, taken_at=at(1)),
        seen(outputs, phase=Phase.END, taken_at=at(11)),
        seen(accounting(folder), phase=Phase.LATER, taken_at=at(12)),
    )


def accounting(folder: Path, **changes: Any) -> JobAccounting:
    known: dict[str, Any] = {"name": "fit", "workdir": str(folder), "stdout": f"{folder}/slurm-123.out"}
    return factory.accounting("123", **{**known, **changes})


def called(folder: Path, contents: Mapping[str, str]) -> Any:
    from probes.called import CalledFile, CalledFiles

    return CalledFiles(tuple(CalledFile(f"{folder}/{n}", "job.sh", 3, sha(t), len(t), "ok") for n, t in contents.items()), ())


def nothing(_sha256: str) -> bytes | None:
    """A store that kept no content: everything must come from the disk."""
    return None


def bundle(folder: Path, *more: Evidence, objects: Callable[[str], bytes | None] = nothing, **options: Any) -> BundleInfo:
    """The tiny run, packed in `folder/fit.crate.zip`."""
    job, evidence = run(folder / "work")
    everything = (*evidence, *more)
    return build(job, everything, card(job, everything), str(folder / "fit.crate.zip"), objects=objects, **options)


def card(job: Job, evidence: tuple[Evidence, ...]) -> Scorecard:
    return score(job, evidence)
