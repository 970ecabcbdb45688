"""Are parameters, metrics, data, models and the commit tied to the run in a tracker's record, and is what it says true?"""

from __future__ import annotations

from datetime import datetime

from auditor.model import Absent, Fact, Verdict
from probes.data import DataManifest
from probes.git import GitState
from probes.submission import Submission
from probes.tracking.record import Experiments, TrackedSeen
from probes.workflow import SystemsUsed
from probes.workflows.record import WorkflowRuns
from reports.judging.again import again, script
from reports.judging.amounts import several, some, words
from reports.judging.engineruns import phases_seen, told, told_by, trainers
from reports.judging.linkrules import MODELS, bookkeeping
from reports.judging.sightings import held
from reports.judging.trackedruns import named, none_of_ours, nothing, numbers, ours, said
from reports.judging.tree import differences, loose_code
from reports.judging.verdicts import Maybe, Unclear, failed, not_applicable, passed, weak

# ranks of one job begin within this time (seconds); trials of a search begin one after another or differ in a parameter
TOGETHER = 60.0
_LOGGED = {
    "mlflow": "mlflow.log_params({'lr': lr, 'seed': seed}); mlflow.log_metric('val_loss', val_loss)",
    "wandb": "wandb.config.update({'lr': lr, 'seed': seed}); wandb.log({'val_loss': val_loss})",
}


def untracked_run(systems: Fact[SystemsUsed], tracked: Maybe[Experiments], submission: Fact[Submission]) -> Verdict:
    mentioned = named(systems)
    if tracked is None:
        raise Unclear(f"{some(mentioned) or 'no tracker'} named in the scripts; what trackers recorded was not looked at")
    runs = ours(tracked)
    if not runs:
        none = none_of_ours(tracked) if isinstance(tracked, Fact) else None
        if not mentioned:
            return none or not_applicable(f"no tracker is named in the scripts, and {nothing(tracked)}", systems)
        fix = f'export MLFLOW_TRACKING_URI="sqlite:///$PWD/mlflow.db"   # in {script(submission.value)}; and in the code:\n{_LOGGED["mlflow"]}'
        facts = [tracked] if isinstance(tracked, Fact) else []
        return weak(f"{some(mentioned)}: named, and {none.message if none else nothing(tracked)}", fix, systems, *facts)
    whole = [r for r in runs if r.parameters and r.metrics]
    if whole and isinstance(tracked, Fact):
        r = whole[0]
        return passed(
            f"{said(r)}: {several(len(r.parameters), 'parameter')} ({some(r.parameters)}), {several(len(r.metrics), 'metric')} "
            f"({numbers(r)}), {r.state}",
            tracked,
        )
    r = runs[0]
    lacks = [what for what, there in (("parameters", r.parameters), ("metrics", r.metrics)) if not there]
    fix = _LOGGED.get(r.system, _LOGGED["mlflow"])
    return weak(f"{said(r)} ({r.state}: {r.proof}) holds no {' and no '.join(lacks)}", fix)


def wrong_commit(tracked: Fact[Experiments], git: Maybe[GitState]) -> Verdict:
    if none := none_of_ours(tracked):
        return none
    tagged = [r for r in ours(tracked) if r.commit]
    if not tagged:
        return weak(
            f"{said(ours(tracked)[0])} names no commit",
            'mlflow.set_tag("mlflow.source.git.commit", subprocess.check_output(["git", "rev-parse", "HEAD"], text=True).strip())',
            tracked,
        )
    r = tagged[0]
    if isinstance(git, Absent):
        return failed(
            f"{said(r)} names commit {r.commit[:12]}, and {git.reason} where the run was submitted", "git rev-parse HEAD", tracked
        )
    if git is None:
        raise Unclear(f"{said(r)} names commit {r.commit[:12]}; which one the tree was at was not seen")
    g = git.value
    if not g.commit.startswith(r.commit) and not r.commit.startswith(g.commit or "?"):
        return failed(
            f"{said(r)} names commit {r.commit[:12]}, and the tree was at {g.commit[:12]} when the run was submitted",
            f"git worktree add ../run-{g.commit[:8]} {g.commit[:12]} && cd ../run-{g.commit[:8]}   # submit from a tree that stays as it is",
        )
    if what := differences(g):
        return failed(
            f"{said(r)} names commit {r.commit[:12]}, and the tree was not that commit: {' and '.join(what)}",
            f"git add {words((*g.changed, *loose_code(g))) or '-A'} && git commit -m 'State of the run'   # before it: the tag is set on a dirty tree too",
        )
    return passed(f"{said(r)} names commit {r.commit[:12]}, which the tree was at, unchanged")


def unidentified_data(files: Fact[DataManifest], tracked: Maybe[Experiments], submission: Fact[Submission]) -> Verdict:
    """Data versions tied to the run: by the tracker's digests, or by the inputs of this record."""
    versions = [(d, r) for r in ours(tracked) for d in r.datasets if d.digests]
    if versions:
        r = versions[0][1]
        known_as = dict.fromkeys(f"{d.name} {d.digests[0].algorithm}:{d.digests[0].value[:12]}" for d, _ in versions)
        return passed(f"{said(r)}: {some(known_as)}")
    known = [f.path for f in files.value.files if f.role == "input" and f.sha256]
    sets = sorted(held(files.value))
    if known or sets:
        return passed(f"{several(len(known) + len(sets), 'input')} of this run known by content: {some((*known, *sets))}", files)
    loose = [d for r in ours(tracked) for d in r.datasets]
    said_ = (
        f"{some(f'{d.name} ({d.source})' for d in loose)}: named without a digest" if loose else "no input is known by content"
    )
    return weak(said_, again(submission.value, "--auditor-input=data/*"), files)


def loose_model(
    systems: Fact[SystemsUsed],
    files: Fact[DataManifest],
    tracked: Maybe[Experiments],
    submission: Fact[Submission],
    engines: Maybe[WorkflowRuns],
) -> Verdict:
    """What a training made, known by content or by a registry's version."""
    phases = phases_seen(systems, engines)
    if "train" not in phases:
        return not_applicable(
            f"no step trains a model; there are {some(f'{p} ({why})' for p, why in phases.items())}", *told_by(systems, engines)
        )
    made = [f for f in files.value.files if f.role == "output" and f.path.lower().endswith(MODELS) and not bookkeeping(f.path)]
    logged = [(m, r) for r in ours(tracked) for m in r.models if m.role == "made"]
    tied = [f"{m.registered or m.name or m.path} ({said(r)})" for m, r in logged if m.registered or m.digests]
    if tied and isinstance(tracked, Fact):
        return passed(some(tied), tracked)
    if known := [f"{f.path} (sha256 {f.sha256[:12]})" for f in made if f.sha256]:
        return passed(some(known), files)
    if logged:
        m, r = logged[0]
        return weak(
            f"{m.name or m.path} in {said(r)}: neither a version in a registry nor a digest",
            f"mlflow.register_model({f'runs:/{r.id}/{m.path or m.name}'!r}, {m.name or 'model'!r})",
        )
    if left := [(r, g) for r, g in trainers(engines) if g.outputs.files]:
        run, g = left[0]
        raise Unclear(
            f"{g.name} of {told(run)} made {several(g.outputs.files, 'file')}, none named like a model ({some(MODELS, 4)}): which one it is, is not told"
        )
    if tracked is None:
        raise Unclear("no model is among the outputs; what trackers recorded was not looked at")
    return failed(
        "a model is trained, and none is among the outputs or in a tracker's record",
        again(submission.value, "--auditor-output=models/*"),
    )


def rank_duplicates(tracked: Fact[Experiments]) -> Verdict:
    """Each rank of a distributed training keeping a record of its own: the same parameters, begun together."""
    if none := none_of_ours(tracked):
        return none
    runs = [r for r in ours(tracked) if r.started and r.parameters and not r.parent]
    alike: dict[tuple[str, str, str, str], list[TrackedSeen]] = {}
    for r in runs:
        key = (r.system, r.experiment, r.folder, repr(sorted(r.parameters.items())))
        alike.setdefault(key, []).append(r)
    worst = max((_together(group) for group in alike.values()), key=len, default=[])
    if len(worst) < 2:
        return passed(f"{several(len(ours(tracked)), 'tracked run')} of this job, no two alike that began together", tracked)
    first = worst[0]
    return failed(
        f"{several(len(worst), 'run')} of {first.system} with the same {several(len(first.parameters), 'parameter')} "
        f"({some(f'{k}={v}' for k, v in first.parameters.items())}) began within {TOGETHER:.0f} s from {first.started}: each rank keeps a record of its own",
        f"if int(os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0'))) == 0:\n    {_LOGGED.get(first.system, _LOGGED['mlflow'])}",
        tracked,
    )


def _together(runs: list[TrackedSeen]) -> list[TrackedSeen]:
    """The largest group of them that began within TOGETHER seconds."""
    ordered = sorted(runs, key=lambda r: (r.started, r.id))
    groups = [[b for b in ordered[n:] if _seconds(a.started, b.started) <= TOGETHER] for n, a in enumerate(ordered)]
    return max(groups, key=len, default=[])


def _seconds(a: str, b: str) -> float:
    return (datetime.fromisoformat(b) - datetime.fromisoformat(a)).total_seconds()
