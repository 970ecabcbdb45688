"""What does a trace change for a real Slurm job? Nothing but time; and it tells what the job touched, however it ended."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import slurmlab
from sidebyside import blot, wait
from test_hook_guarantees import ENDS, Way, until
from test_road import auditor

from auditor.submit.shim import install_shim
from tests.needs import need

pytestmark = pytest.mark.slurm


@pytest.fixture(scope="module")
def ways(light_lab: slurmlab.Lab, tmp_path_factory: pytest.TempPathFactory) -> tuple[Way, Way]:
    """sbatch, and auditor's with the setting `trace`: folders, homes and PATHs read the same to a job but for one letter."""
    need(*(tool for tool in ("strace", "cc") if not shutil.which(tool)))
    base = tmp_path_factory.mktemp("ways")
    found = []
    for letter in "ab":
        root = base / letter
        for name in ("work", "home", "bin"):
            (root / name).mkdir(parents=True)
        env = {"PATH": f"{root}/bin:/usr/bin:/bin", "HOME": f"{root}/home", "SLURM_CONF": light_lab.conf, "LANG": "C.UTF-8"}
        found.append(Way(root / "work", {**env, "AUDITOR_TRACE": "strace"}))
    install_shim(str(base / "b/bin"))
    return found[0], found[1]


@pytest.fixture(scope="module")
def ended(ways: tuple[Way, Way]) -> list[dict[str, tuple[str, str, str]]]:
    """Each way a script can end: state, exit code, and all it wrote, untraced and traced."""
    submitted = []
    for way in ways:
        jobs = {}
        for number, (name, text) in enumerate(ENDS.items()):
            folder = way.folder / str(number)
            folder.mkdir()
            (folder / "job.sh").write_text(f"#!/bin/bash\n{text}\n")
            told = way(
                "sbatch", "--parsable", "-D", str(folder), "-o", "out", "-e", "err", str(folder / "job.sh"), "a b"
            )  # fmt: skip
            jobs[name] = (told, folder)
        submitted.append(jobs)
    wait(ways[0].env)
    both = []
    for way, jobs in zip(ways, submitted, strict=True):
        found = {}
        for name, (job, folder) in jobs.items():
            state = way.state(job)
            files = {p.name: blot(p.read_text(errors="replace")) for p in sorted(folder.iterdir())}
            found[name] = (state["JobState"], state["ExitCode"], str(files).replace(str(folder.parents[1]), ""))
        both.append(found)
    return both


@pytest.mark.parametrize("name", ENDS)
def test_a_traced_script_ends_and_writes_as_it_would_without_us(ended: list[dict[str, tuple[str, str, str]]], name: str) -> None:
    without, traced = ended
    assert traced[name] == without[name]


def test_every_one_of_them_was_traced(ended: list[dict[str, tuple[str, str, str]]], ways: tuple[Way, Way]) -> None:
    traces = [p.name for p in (ways[1].folder.parent / "home/.local/state/auditor/traces").iterdir()]
    assert len([n for n in traces if n.endswith(".strace")]) == len(ended[1])
    assert [n for n in traces if n.endswith(".blind")] == []


def _submitted(way: Way, text: str, *argv: str) -> str:
    (way.folder / "job.sh").write_text(f"#!/bin/bash\n{text}\n")
    return way("sbatch", "--parsable", "-o", "out-%j", *argv, "job.sh")


LOOP = "echo up; sleep 60 & wait; wait"


@pytest.mark.parametrize(
    ("text", "argv"),
    [
        (f"trap 'echo got; exit 7' USR1; {LOOP}", ("scancel", "-b", "-s", "USR1")),
        (LOOP, ("scancel", "-f", "-s", "TERM")),
        (f"trap 'echo term; exit 8' TERM; {LOOP}", ("scancel",)),
        (LOOP, ("scancel",)),
    ],
)
def test_a_signal_finds_the_traced_script(ways: tuple[Way, Way], text: str, argv: tuple[str, ...]) -> None:
    jobs = [(way, _submitted(way, text)) for way in ways]
    for way, job in jobs:
        until(lambda way=way, job=job: (way.folder / f"out-{job}").exists() and "up\n" in way.output(f"out-{job}"))  # type: ignore[misc]
        way(*argv, job)
    wait(ways[0].env)
    states = [(way, job, way.state(job)) for way, job in jobs]
    without, traced = (
        (s["JobState"], "" if s["JobState"] == "CANCELLED" else s["ExitCode"], way.output(f"out-{job}")) for way, job, s in states
    )
    assert traced == without


def test_a_requeued_job_leaves_a_trace_of_each_attempt(ways: tuple[Way, Way]) -> None:
    way = ways[1]
    job = _submitted(way, 'echo up; [ "$SLURM_RESTART_COUNT" ] || sleep 60; exit 3', "--requeue", "--open-mode=append")
    until(lambda: (way.folder / f"out-{job}").exists() and "up\n" in way.output(f"out-{job}"))
    way("scontrol", "requeue", job)
    until(lambda: way.state(job)["JobState"] == "PENDING" and not way("sinfo", "-hN", "-t", "completing"))
    way("scontrol", "update", f"job={job}", "starttime=now+2")
    wait(way.env)
    traces = (way.folder.parent / "home/.local/state/auditor/traces").glob(f"*-{job}-*.strace")
    assert (way.state(job)["ExitCode"], sorted(p.name.partition("-")[2] for p in traces)) == (
        "3:0",
        [f"{job}-0.strace", f"{job}-1.strace"],
    )


@pytest.mark.slow
def test_the_time_limit_is_felt_as_without_a_trace(ways: tuple[Way, Way]) -> None:
    text = "trap 'echo got' USR1; trap 'echo term; exit 8' TERM; echo up; for i in $(seq 6000); do sleep 0.1; done"
    jobs = [(way, _submitted(way, text, "-t", "1", "--signal=B:USR1@50")) for way in ways]
    wait(ways[0].env, 240)
    without, traced = ((way.state(j)["JobState"], way.state(j)["ExitCode"], way.output(f"out-{j}")) for way, j in jobs)
    assert traced == without


STEPS = """\
#!/bin/bash
#AUDITOR trace=auto
#SBATCH --output=out-%j --ntasks=2
cut -d, -f1 <in.csv >first.csv
srun -Q -n2 {python} step.py
cat part-0 part-1 >both
exit 4
"""
STEP = """
import os
rank = os.environ["SLURM_PROCID"]
open(f"part-{rank}", "w").write(open("in.csv").read() + open(f"own-{rank}.csv").read())
"""


def traced(job: str, work: Path, env: Mapping[str, str]) -> Mapping[str, Any]:
    shown = json.loads(auditor("show", job, "--part", "evidence", "--probe", "touched", "--json", cwd=work, env=env))
    (found,) = [e for e in shown["evidence"] if e["probe"] == "touched"]
    data: Mapping[str, Any] = found["data"]
    assert data, found["reason"]
    return data


def names(paths: list[str], work: Path) -> list[str]:
    """Those in the work directory; slurmd's copy of the script is read too."""
    return [os.path.relpath(p, work) for p in paths if p.startswith(f"{work}/")]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    need(*(tool for tool in ("strace", "cc") if not shutil.which(tool)))
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "in.csv").write_text("1,2\n")
    for rank in "01":
        (folder / f"own-{rank}.csv").write_text(rank)
    (folder / "step.py").write_text(STEP)
    (folder / "job.sh").write_text(STEPS.format(python=sys.executable))
    return folder


def test_the_shell_and_its_steps_are_told_together(slurm: slurmlab.Lab, work: Path) -> None:
    env = {**os.environ, "AUDITOR_HOME": str(work.parent / "home"), "SLURM_CONF": slurm.conf}
    job = auditor("sbatch", "--parsable", "job.sh", cwd=work, env=env).strip()
    subprocess.run(["srun", "-Q", "--dependency", f"afterany:{job}", "true"], check=True, env=env, timeout=90)
    auditor("sweep", "--wait", "30", cwd=work, env=env)
    seen = traced(job, work, env)
    inputs, outputs = names(seen["inputs"], work), names(seen["outputs"], work)
    assert inputs == ["in.csv", "own-0.csv", "own-1.csv", "step.py"]
    assert outputs == ["both", "first.csv", "part-0", "part-1"]
    assert (seen["tracer"], (work / f"out-{job}").read_text()) == ("strace+preload", "")


def test_each_task_of_an_array_tells_its_own_and_a_cancelled_job_what_it_did(slurm: slurmlab.Lab, work: Path) -> None:
    env = {**os.environ, "AUDITOR_HOME": str(work.parent / "home"), "SLURM_CONF": slurm.conf}
    (work / "job.sh").write_text("#!/bin/bash\n#SBATCH -o out-%A-%a\ncp own-$SLURM_ARRAY_TASK_ID.csv made-$SLURM_ARRAY_TASK_ID\n")
    array = auditor("sbatch", "--auditor-trace", "--parsable", "-a", "0-1", "job.sh", cwd=work, env=env).strip()
    (work / "long.sh").write_text("#!/bin/bash\n#SBATCH -o out-%j\ncp in.csv begun; sleep 100 && cp in.csv never\n")
    long = auditor("sbatch", "--auditor-trace", "--parsable", "long.sh", cwd=work, env=env).strip()
    until((work / "begun").exists)
    subprocess.run(["scancel", long], check=True, env=env)
    subprocess.run(["srun", "-Q", "--dependency", f"afterany:{array}:{long}", "true"], check=True, env=env, timeout=90)
    auditor("sweep", "--wait", "30", cwd=work, env=env)
    told = [traced(job, work, env) for job in (f"{array}_0", f"{array}_1", long)]
    assert [names(t["outputs"], work) for t in told] == [["made-0"], ["made-1"], ["begun"]]
    assert [names(t["inputs"], work) for t in told] == [["own-0.csv"], ["own-1.csv"], ["in.csv"]]
