"""Does the local executor see which libraries a command's processes load, at next to no cost? Real commands."""

from __future__ import annotations

import hashlib
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from auditor import codec, spool
from auditor.home import Home, find
from auditor.model import Capture, Phase, Status
from auditor.submit.local import run
from tests.needs import need


@pytest.fixture
def home() -> Home:
    found = find()
    assert found is not None
    return found


def libraries(home: Home) -> dict[str, tuple[Status, Mapping[str, Any]]]:
    """What the end of each run tells, by job id."""
    captures = [codec.loads(Path(path).read_bytes(), Capture) for path in spool.waiting(home.spool)]
    return {
        c.job.job_id: (e.status, e.data or {"reason": e.reason})
        for c in captures
        for e in c.evidence
        if e.phase is Phase.END and e.probe == "libraries"
    }


def test_the_blas_of_a_child_s_child_is_told_with_its_digest(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy

    (path, *_) = [*(Path(numpy.__file__).parent.parent / "numpy.libs").glob("*openblas*"), Path()]
    need(*([] if path.name else ["numpy's own OpenBLAS"]))
    monkeypatch.chdir(tmp_path)
    code = "import numpy, time; numpy.dot(numpy.eye(2), numpy.eye(2)); time.sleep(0.6)"
    done = run(["sh", "-c", f"{sys.executable} -c '{code}'; exit 3"], home=home)
    ((status, data),) = libraries(home).values()

    assert (done.exit_code, status, data["how"]) == (3, Status.OK, "sampled")
    assert [(lib["name"], lib["sha256"]) for lib in data["libraries"] if lib["role"] == "blas"] == [
        ("openblas", hashlib.sha256(path.read_bytes()).hexdigest())
    ]


def test_a_command_that_is_over_before_the_first_look_says_so(home: Home) -> None:
    run(["true"], home=home)
    reason = "no process of the job's was alive at its end, and nobody looked while it ran"
    assert list(libraries(home).values()) == [(Status.ABSENT, {"reason": reason})]


def test_each_task_of_an_array_has_its_own(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("job.sh").write_text(
        "#!/bin/bash\n#SBATCH --array=1-2\n#SBATCH -o /dev/null\n"
        f"if [ $SLURM_ARRAY_TASK_ID = 1 ]; then exec {sys.executable} -S -c 'import time; time.sleep(0.6)'; fi\nsleep 0.6\n"
    )
    run(["job.sh"], home=home)
    seen = {job.rpartition("_")[2]: set(data["programs"]) for job, (_, data) in libraries(home).items()}

    assert {task: any("python" in p for p in programs) for task, programs in seen.items()} == {"1": True, "2": False}


def test_between_two_looks_nobody_is_awake(home: Home) -> None:
    """A second of sleep is a handful of looks, not a busy wait: the kernel counts how often we had to be scheduled."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw
    run(["sleep", "1"], home=home)
    ((_, data),) = libraries(home).values()

    assert data["looks"] <= 4
    assert resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw - before < 2000
