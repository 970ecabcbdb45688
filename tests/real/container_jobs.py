"""How do tests get the bundle of a job that really ran in a container? The script runs here once, the probes look, the run is packed."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from auditor.model import Absent, Evidence, Found, Job, Phase
from auditor.registry import probes
from auditor.world import RealWorld
from reports.archive.bundle import BundleInfo, build
from tests import archived, factory
from tests.factory import at, seen

INPUT = archived.INPUT
LOOKING = {
    "container-references": Phase.SUBMIT,
    "container-identity": Phase.START,
    "docker": Phase.LATER,
    "sif": Phase.LATER,
    "container-ran": Phase.LATER,
}
"""Probe -> when it looks."""
ENVIRONMENT = {"APPTAINER_NOHTTPS": "1", "APPTAINER_DROP_CAPS": "CAP_SYS_RESOURCE"}
"""A registry on loopback speaks plain HTTP; root in a test machine lacks one right that Apptainer asks for."""


def nothing() -> None:
    """Happens between the run and its bundle."""


def bundled(
    folder: Path,
    script: str,
    more: Mapping[str, str] = {},
    meanwhile: Callable[[], object] = nothing,
    within: Sequence[str] = (),
    **options: Any,
) -> BundleInfo:
    """Run `script` in `folder/work` with `in.csv`; it must make `lines.txt`. Then the run is packed and its work directory moved away.

    meanwhile: what happens after the run was seen and before it is packed; within: what a scheduler starts the script with.
    """
    work = folder / "work"
    work.mkdir(parents=True, exist_ok=True)
    for name, text in {"job.sh": script, "in.csv": INPUT, **more}.items():
        (work / name).write_text(text)
    interpreter = script.partition("\n")[0].removeprefix("#!")
    began = datetime.now(UTC).isoformat()
    ran = subprocess.run([*within, interpreter, "job.sh"], cwd=work, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    times = {"started_at": began, "ended_at": datetime.now(UTC).isoformat()}
    job = factory.job(workdir=str(work), script=script, script_path=f"{work}/job.sh", argv=("job.sh",), **times)
    evidence = (
        seen(factory.submission(script, "job.sh", script_path=f"{work}/job.sh", cwd=str(work), interpreter=interpreter)),
        *looked(job, work),
        seen(factory.manifest(factory.file("in.csv", content=INPUT), root=str(work)), phase=Phase.START, taken_at=at(1)),
        seen(
            factory.manifest(factory.file("lines.txt", "output", (work / "lines.txt").read_text()), root=str(work)),
            phase=Phase.END,
            taken_at=at(2),
        ),
    )
    meanwhile()
    info = build(job, evidence, archived.card(job, evidence), folder / "job.crate.zip", objects=archived.nothing, **options)
    work.rename(folder / "moved")
    return info


def looked(job: Job, work: Path) -> tuple[Evidence, ...]:
    """What the probes of the container family see of this job, now."""
    world = RealWorld(env=dict(os.environ), cwd=str(work))
    before = replace(job, started_at="", ended_at="")
    made = []
    for name, phase in LOOKING.items():
        found = probes()[name].collect(world, job if phase is Phase.LATER else before)
        value = found.value if isinstance(found, Found) else found
        if not isinstance(value, Absent):
            made.append(seen(value, probe=name, phase=phase))
    return tuple(made)
