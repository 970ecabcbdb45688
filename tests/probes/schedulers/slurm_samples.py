"""Texts that a real Slurm 22.05.8 printed, and a world that prints them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from auditor.world import Ran, RecordedWorld
from probes.schedulers import jobcomp, sacct

SAMPLES = Path(__file__).parent / "samples"
NOON = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
UNKNOWN = Ran(1, "", "slurm_load_jobs error: Invalid job id specified\n")
DISABLED = Ran(1, "", "Slurm accounting storage is disabled\n")


def sample(name: str) -> str:
    # as subprocess gives it: no newline translated
    return (SAMPLES / name).read_bytes().decode()


def fields() -> tuple[str, ...]:
    return sacct.fields(sample("helpformat-22.05.txt"))


def rows(*job_ids: str) -> str:
    """The sample's records of these jobs, as sacct would print them alone."""
    names = fields()
    wanted = [r for r in sacct.rows(sample("sacct-22.05.txt"), names) if r["JobID"].partition(".")[0] in job_ids]
    return "".join("".join(r[n] + sacct.DELIMITER for n in names) + "\n" for r in wanted)


def shown(*raw_ids: str) -> str:
    """What scontrol shows of these raw job numbers."""
    records = sample("scontrol-22.05.txt").split("\n\nJobId=")
    return "\n\n".join(f"JobId={r.removeprefix('JobId=')}" for r in records if r.removeprefix("JobId=").split()[0] in raw_ids)


def slurm(
    *,
    asked: Iterable[str],
    controller: Mapping[str, Ran | str] | None = None,
    accounting: Ran | str = "",
    config: str = "config-full-22.05.txt",
    completions: str = "",
    missing: Iterable[str] = (),
) -> RecordedWorld:
    """A cluster that gives these answers. controller: by job number, or `""` for the list of all."""
    commands: dict[tuple[str, ...], Ran] = {
        ("scontrol", "show", "config"): Ran(0, sample(config), ""),
        ("sacct", "--helpformat"): Ran(0, sample("helpformat-22.05.txt"), ""),
        ("sacct", "-V"): Ran(0, "slurm-wlm 22.05.8\n", ""),
        sacct.query(fields(), tuple(asked)): accounting if isinstance(accounting, Ran) else Ran(0, accounting, ""),
        jobcomp.tail("/lab/log/jobcomp.txt"): Ran(0, completions, ""),
    }
    for job, answer in (controller or {}).items():
        argv = ("scontrol", "show", "job", "-d", *([job] if job else []))
        commands[argv] = answer if isinstance(answer, Ran) else Ran(0, answer, "")
    gone = frozenset(missing)
    return RecordedWorld(
        environment={},
        files={"/lab/log/jobcomp.txt": b""} if completions else {},
        commands={argv: ran for argv, ran in commands.items() if argv[0] not in gone},
        missing=gone | (frozenset() if completions else frozenset({"/lab/log/jobcomp.txt"})),
        taken=NOON,
        node="login",
        directory="/home/ada/work",
    )
