"""Does a bisection run its experiments as jobs of a real Slurm, several at a time but no more than allowed?"""

from __future__ import annotations

from pathlib import Path

import pytest
import slurmlab

from tests.replay.bisect.twins import SCRIPT, Side, bisected, causes


@pytest.mark.slurm
def test_experiments_run_as_jobs_under_a_cap(slurm_light: slurmlab.Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/local/bin:/usr/bin:/bin")
    script = SCRIPT.replace("#!/bin/bash\n", "#!/bin/bash\n#SBATCH --partition=of_another_site --mem=50M --time=2\n")
    a = Side(script=script, data={"in.txt": "1 2 3\n", "other.txt": "x\n"})
    found = bisected(tmp_path, a, a.but(data={"in.txt": "1 2 4\n", "other.txt": "y\n"}), on="slurm", max_jobs=2)
    assert (found.certified, causes(found), found.where.partition(":")[0]) == (True, ["input:in.txt"], "slurm")
    scripts = list((tmp_path / "bisection" / "runs").glob("*/replay.sbatch"))
    assert len(scripts) == found.runs >= 6
    assert not any("of_another_site" in s.read_text() for s in scripts)
