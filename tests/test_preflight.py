"""What an audit would say of a script before it is submitted."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from auditor.model import AuditError, Outcome
from auditor.preflight import preflight
from auditor.world import RealWorld

POOR = """#!/bin/bash
#SBATCH --time=60
for lr in 0.1 0.01 1e-3; do python3 fit.py --lr $lr; done
apptainer exec docker://lab/torch:latest python3 fit.py
"""


def alone(folder: Path) -> RealWorld:
    """A machine with a shell, git and Python, and no Slurm."""
    tools = folder / "bin"
    tools.mkdir()
    for name in ("bash", "sh", "git", "python3", "uname", "getconf"):
        (tools / name).symlink_to(shutil.which(name) or "/nowhere")
    return RealWorld(env={"PATH": str(tools), "AUDITOR_HOME": str(folder / "home")}, cwd=str(folder))


def test_what_can_be_judged_already_is_judged_worst_first_with_something_to_paste(tmp_path: Path) -> None:
    (tmp_path / "job.sh").write_text(POOR)
    (tmp_path / "fit.py").write_text("import random\nprint(random.random())\n")
    result = preflight(tmp_path / "job.sh", alone(tmp_path))
    said = {f.check: f for f in result.findings}
    assert result.problems == ()
    assert said["unpinned-image"].outcome is Outcome.FAILED
    assert "docker://lab/torch@sha256:" in said["unpinned-image"].fix
    assert said["serial-loop"].fix.startswith("#SBATCH --array=0-2\n")
    assert [f.outcome for f in result.findings] == sorted((f.outcome for f in result.findings), key=["failed", "weak"].index)
    assert result.undecided > 0
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("echo no first line\n", "the first line is not #!: sbatch refuses this script"),
        (
            "#!/bin/bash\r\nif true; then\r\n  echo\r\nfi\r\n",
            "its lines end as on DOS: sbatch refuses this script; sed -i 's/\\r$//' ",
        ),
        ("#!/bin/bash\nif true; then\n", "syntax error: unexpected end of file"),
    ],
)
def test_what_the_shell_would_refuse_is_said(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "job.sh").write_text(text)
    (said,) = preflight(tmp_path / "job.sh", alone(tmp_path)).problems
    assert problem in said


def test_a_missing_folder_for_the_output_is_said_and_a_pattern_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "job.sh").write_text("#!/bin/bash\n#SBATCH -o logs/%j.out\n#SBATCH --error=%x/err.txt\ntrue\n")
    (said,) = preflight(tmp_path / "job.sh", alone(tmp_path)).problems
    assert said == "line 2: there is no folder logs, and Slurm makes none: what the job prints would be lost (mkdir -p logs)"


def test_a_binary_is_no_script(tmp_path: Path) -> None:
    (tmp_path / "job.sh").write_bytes(b"\x7fELF\0\0")
    with pytest.raises(AuditError, match="holds NUL bytes"):
        preflight(tmp_path / "job.sh", alone(tmp_path))


def test_a_line_for_us_that_says_nothing_is_told_with_the_right_one(tmp_path: Path) -> None:
    (tmp_path / "job.sh").write_text("#!/bin/bash\n#AUDITOR inputs=data/*.csv\n# auditor label=paper\ntrue\n")
    assert preflight(tmp_path / "job.sh", alone(tmp_path)).problems == (
        "line 2: `inputs=data/*.csv` says nothing to auditor: #AUDITOR input=data/*.csv",
        "line 3: `# auditor label=paper` says nothing to auditor: #AUDITOR label=paper, in capitals, from the first column on",
    )
