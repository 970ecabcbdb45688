"""Which runs do tests chain? Small shell scripts, each with its inputs and outputs by content, bundled."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from auditor.model import Phase
from reports.archive.bundle import build
from reports.score import score
from tests import archived, factory
from tests.factory import at, seen


def bundled(
    folder: Path,
    job_id: str,
    script: str,
    inputs: Mapping[str, str],
    outputs: Mapping[str, str],
    *,
    options: tuple[str, ...] = (),
    payload: str = "auto",
    **accounting: Any,
) -> Path:
    """The run `job_id` in `folder/JOB.crate.zip`; its work directory is then gone. options: what was typed before the script's name."""
    work = folder / f"work-{job_id}"
    work.mkdir(parents=True)
    for name, text in {"job.sh": script, **inputs, **outputs}.items():
        (work / name).write_text(text)
    argv = (*options, "job.sh")
    job = factory.job(job_id, workdir=str(work), script=script, script_path=f"{work}/job.sh", argv=argv)
    submission = factory.submission(script, *argv, script_path=f"{work}/job.sh", cwd=str(work), arguments=())
    facts = {"name": f"step{job_id}", "workdir": str(work), "stdout": f"{work}/slurm-{job_id}.out", **accounting}
    evidence = (
        seen(submission),
        seen(archived.called(work, {}), phase=Phase.START, taken_at=at(1)),
        seen(
            factory.manifest(*(factory.file(n, content=t) for n, t in inputs.items()), root=str(work)),
            phase=Phase.START,
            taken_at=at(1),
        ),
        seen(
            factory.manifest(*(factory.file(n, "output", t) for n, t in outputs.items()), root=str(work)),
            phase=Phase.END,
            taken_at=at(11),
        ),
        seen(factory.accounting(job_id, **facts), phase=Phase.LATER, taken_at=at(12)),
    )
    made = folder / f"{job_id}.crate.zip"
    build(job, evidence, score(job, evidence), made, objects=archived.nothing, payload=payload)
    work.rename(folder / f"gone-{job_id}")
    return made


MAKE = "#!/bin/bash\nseq 1 5 >numbers.txt\n"
ADD = "#!/bin/bash\ns=0; for n in $(cat numbers.txt); do s=$((s + n)); done; echo $s >sum.txt\n"
DOUBLE = "#!/bin/bash\necho $(( $(cat sum.txt) * 2 )) >double.txt\n"
NUMBERS = "1\n2\n3\n4\n5\n"


def three(folder: Path, make: str = MAKE, add: str = ADD) -> list[Path]:
    """numbers -> sum -> double; the last one is named first."""
    return [
        bundled(folder, "13", DOUBLE, {"sum.txt": "15\n"}, {"double.txt": "30\n"}),
        bundled(folder, "12", add, {"numbers.txt": NUMBERS}, {"sum.txt": "15\n"}),
        bundled(folder, "11", make, {}, {"numbers.txt": NUMBERS}),
    ]
