"""Does the whole road work here? A small campaign, run, scored, reported, bundled, verified and replayed."""

from __future__ import annotations

import csv
import os
import random
import shutil
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import chdir
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from auditor import objects
from auditor.home import Home, find
from auditor.model import AuditError
from auditor.scorecard import Scorecard
from auditor.world import RealWorld

ITERATIONS = 2
PATIENCE = 100.0


@dataclass(frozen=True)
class DemoResult:
    """Where everything lies, and the replay's verdict."""

    runs: int
    scheduler: str
    report: str
    bundle: str
    replayed_in: str
    verdict: str


@dataclass(frozen=True)
class _Step:
    """One submission: script, iteration, what it reads and writes."""

    script: str
    iteration: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def steps() -> tuple[_Step, ...]:
    """Simulate, train, predict, twice around, and a last simulation of what the second model proposed."""
    found = []
    for n in range(ITERATIONS + 1):
        found.append(_Step("simulate.sh", n, (f"iter{n}/params.csv",), (f"iter{n}/sims/slice_%a.csv",)))
        if n < ITERATIONS:
            slices = tuple(f"iter{k}/sims/*.csv" for k in range(n + 1))
            found.append(_Step("train.sh", n, slices, (f"iter{n}/model/*.json",)))
            found.append(
                _Step("predict.sh", n, (f"iter{n}/model/model.json",), (f"iter{n + 1}/params.csv", f"iter{n + 1}/loop.json"))
            )
    return tuple(found)


def unpack(folder: Path) -> None:
    """The campaign's scripts and its first parameter table."""
    (folder / "iter0").mkdir(parents=True)
    for item in resources.files("auditor.demo").joinpath("campaign").iterdir():
        if item.name.endswith((".py", ".sh")):
            (folder / item.name).write_bytes(item.read_bytes())
    draw = random.Random(1)
    rows = [(round(draw.uniform(0.6, 1.8), 4), round(draw.uniform(0.05, 0.5), 4)) for _ in range(24)]
    with (folder / "iter0/params.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("omega", "gamma"), *rows])


def version(folder: Path) -> None:
    """Put the scripts under version control, as the tips advise; where there is no git the report will say so."""
    world = RealWorld(cwd=str(folder))
    (folder / ".gitignore").write_text("iter*/\n*.out\n")
    person = ("-c", "user.name=demo", "-c", "user.email=demo@example.org", "-c", "init.defaultBranch=main")
    try:
        for words in (("init", "-q"), ("add", "."), ("commit", "-q", "--no-gpg-sign", "-m", "The demo campaign")):
            world.run("git", *person, *words)
    except FileNotFoundError:
        return


def run(folder: Path, on: str = "auto") -> DemoResult:
    """The whole road. Everything, the store too, stays in `folder`. Raises AuditError."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    scheduler = _scheduler(on)
    work = folder.absolute()
    if work.exists() and (not work.is_dir() or any(work.iterdir())):
        raise AuditError(f"{folder} is not empty", "name a new folder: auditor demo FOLDER")
    unpack(work / "campaign")
    version(work / "campaign")
    os.environ["AUDITOR_HOME"] = str(work / "records")
    home = find()
    assert home is not None
    console.print(
        f"[bold]1[/bold] running {len(steps())} submissions with {'Slurm' if scheduler == 'slurm' else 'the local executor'} …"
    )
    with chdir(work / "campaign"):
        _run_slurm(home, console.print) if scheduler == "slurm" else _run_local(home, console.print)
    console.print("[bold]2[/bold] storing and scoring …")
    cards = _score_all(home)
    trained = next(c for c in reversed(cards) if c.run.name == "train")
    console.print("[bold]3[/bold] report and bundle …")
    report, bundle = _keep(home, trained, work)
    console.print("[bold]4[/bold] verifying and replaying in another folder …")
    verdict, where = _replay(home, bundle, work, scheduler)
    judged = _rescored(home, trained.run.id)
    _report(judged, report)  # once more: now the verdict is in it
    _say(judged, report, bundle, verdict, where)
    return DemoResult(len(cards), scheduler, str(report), str(bundle), str(where), verdict)


def _scheduler(on: str) -> str:
    if on not in {"auto", "slurm", "local"}:
        raise AuditError(f"there is no way to run `{on}`", "auto, slurm or local")
    there = shutil.which("sbatch") and RealWorld().run("scontrol", "ping", timeout=10).code == 0
    if on == "slurm" and not there:
        raise AuditError("no Slurm answers here", "`auditor doctor` says more; --on local needs none")
    return "slurm" if there and on != "local" else "local"


def _run_local(home: Home, tell: Callable[[str], None]) -> None:
    from auditor.submit.local import run as run_local

    for step in steps():
        result = run_local(
            [step.script, str(step.iteration)], home=home, label="oscillator", inputs=step.inputs, outputs=step.outputs
        )
        if result.exit_code:
            raise AuditError(f"{step.script} {step.iteration} ended with {result.exit_code}", "look at the .out file beside it")
        tell(f"    {step.script} {step.iteration}: {len(result.jobs)} run{'s' if len(result.jobs) > 1 else ''}")


def _run_slurm(home: Home, tell: Callable[[str], None]) -> None:
    """One dependency chain, submitted through the same door as a user's."""
    jobs: list[str] = []
    for step in steps():
        ours = [f"--auditor-input={i}" for i in step.inputs] + [f"--auditor-output={o}" for o in step.outputs]
        chain = ["--dependency", f"afterok:{jobs[-1]}"] if jobs else []
        argv = [
            sys.executable,
            "-m",
            "auditor",
            "sbatch",
            "--auditor-label=oscillator",
            *ours,
            "--parsable",
            *chain,
            step.script,
            str(step.iteration),
        ]
        done = RealWorld().run(*argv, timeout=60)
        if done.code:
            raise AuditError(
                f"sbatch refused {step.script}: {done.err.strip()}", "does this site need an account or a partition?"
            )
        jobs.append(done.out.strip().split(";")[0])
        tell(f"    {step.script} {step.iteration}: job {jobs[-1]}")
    end = time.monotonic() + PATIENCE
    while waiting := _unfinished(home, jobs):
        if time.monotonic() > end:
            raise AuditError(
                f"{len(waiting)} jobs are not finished after {PATIENCE:g} s",
                "a busy queue? `auditor sweep` later, then `auditor list`",
            )
        time.sleep(0.5)


def _unfinished(home: Home, jobs: Sequence[str]) -> set[str]:
    """Which submissions are not through, or not even seen yet: looking happens behind the prompt."""
    from auditor.store import Store
    from auditor.submit.sweep import sweep

    pending = sweep(home, wait=5.0).pending
    with Store.open(home.store) as store:
        known = {row.job_id.partition("_")[0] for row in store.runs(limit=0)}
    return {p.job.partition("_")[0] for p in pending} | (set(jobs) - known)


def _score_all(home: Home) -> list[Scorecard]:
    """Every run of the campaign, oldest first."""
    from auditor.store import Store, ingest_spool
    from auditor.submit.sweep import sweep
    from reports.score import score

    sweep(home)
    with Store.open(home.store) as store:
        ingest_spool(store, home)
        cards = []
        for row in reversed(store.runs(limit=1000)):
            card = score(store.job(row.id), (*store.evidence(row.id), store.campaign(row.id)))
            store.save_scorecard(card)
            cards.append(card)
    return cards


def _rescored(home: Home, run_id: str) -> Scorecard:
    from auditor.store import Store
    from reports.score import score

    with Store.open(home.store) as store:
        card = score(store.job(run_id), (*store.evidence(run_id), store.campaign(run_id)))
        store.save_scorecard(card)
    return card


def _keep(home: Home, card: Scorecard, work: Path) -> tuple[Path, Path]:
    from auditor.store import Store
    from reports.archive.bundle import build

    with Store.open(home.store) as store:
        job, evidence = store.job(card.run.id), (*store.evidence(card.run.id), store.campaign(card.run.id))
    report = work / "report.html"
    _report(card, report)
    info = build(job, evidence, card, work / "train.crate.zip", objects=lambda sha: objects.get(home.objects, sha))
    return report, Path(info.path)


def _report(card: Scorecard, path: Path) -> None:
    from auditor.registry import formats

    path.write_bytes(formats()["html"].render(card))


def _replay(home: Home, bundle: Path, work: Path, scheduler: str) -> tuple[str, Path]:
    from auditor.replay import execute, plan
    from auditor.replay.evidence import remember
    from auditor.store import Store
    from reports.archive.verify import verify

    checked = verify(bundle)
    if not checked.ok:
        raise AuditError(f"{bundle} does not verify: {'; '.join(checked.problems[:3])}", "this is our bug; please report it")
    where = work / "replayed-elsewhere"
    ready = plan(bundle, on=scheduler)
    verdict = execute(ready, where, yes=True)
    with Store.open(home.store) as store:
        remember(store, verdict)
    return str(verdict.sameness), where


def _say(card: Scorecard, report: Path, bundle: Path, verdict: str, where: Path) -> None:
    from rich.console import Console

    from reports.formats.terminal import rich_view

    out = Console(highlight=False)
    out.print(rich_view(card), crop=False)
    out.print(f"\nreport   {report}\nbundle   {bundle}\nreplay   {where}\nverdict  [bold]{verdict}[/bold]", soft_wrap=True)
