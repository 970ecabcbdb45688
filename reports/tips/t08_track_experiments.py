"""Tip 8: could one say later what exactly was run, with which parameters, and what came out?"""

from __future__ import annotations

from auditor.model import Absent, Check, Fact, Need, Outcome, Phase, Tip, Verdict
from auditor.verdict import ReplayVerdict
from probes.called import CalledFiles
from probes.data import DataManifest
from probes.folder import FolderState
from probes.git import GitState
from probes.seeds import Determinism
from probes.submission import Submission
from probes.tracking.record import Experiments
from probes.workflow import SystemsUsed
from reports.judging.again import again, program, script
from reports.judging.amounts import several, some, words
from reports.judging.campaigncost import loose_runs
from reports.judging.campaignwork import RECORD
from reports.judging.campaignwork import SETTLES as CAMPAIGN_SETTLES
from reports.judging.engineruns import MAYBE_ENGINES
from reports.judging.linkrules import bookkeeping
from reports.judging.proofs import REPLAY, SETTLES, same, summary
from reports.judging.sightings import called, difference
from reports.judging.trackedruns import LOOK, MAYBE_TRACKED, TRACKED, named, numbers, ours
from reports.judging.trackedruns import said as run_said
from reports.judging.trackrules import loose_model, unidentified_data, untracked_run, wrong_commit
from reports.judging.tree import CODE, differences, loose_code
from reports.judging.verdicts import Maybe, Unclear, failed, known, not_applicable, passed, weak

# what a machine reads as numbers of an experiment
METRIC_FILES = (".json", ".jsonl", ".csv", ".tsv", ".parquet", ".yaml", ".yml", ".toml", ".sqlite", ".db")
EVENTS = "events.out.tfevents"
MAYBE_GIT = Need(GitState, (Phase.SUBMIT,), optional=True)
GIT = Need(
    GitState,
    (Phase.SUBMIT,),
    absent=Outcome.FAILED,
    fix="git init && git add -A && git commit -m 'State of the first recorded run'",
)
FOLDER = Need(FolderState, (Phase.SUBMIT,), optional=True)
SUBMISSION = Need(Submission, (Phase.SUBMIT,))
BEFORE = Need(CalledFiles, (Phase.SUBMIT,))
AFTER = Need(CalledFiles, (Phase.START,))
SEEDS = Need(Determinism, (Phase.SUBMIT,))
SYSTEMS = Need(SystemsUsed, (Phase.SUBMIT,), optional=True)
FILES = Need(DataManifest, (Phase.LATER,))


def unknown_command(submission: Fact[Submission]) -> Verdict:
    s = submission.value
    if not s.script_sha256:
        return failed(
            "the batch script's text is not known", f"auditor sbatch {words([script(s)])}   # instead of sbatch, the next time"
        )
    typed = words(s.argv, 30) or "not known"
    return passed(f"script of {s.script_size} bytes (sha256 {s.script_sha256[:12]}), typed: {typed}")


def unversioned_code(git: Maybe[GitState], folder: Maybe[FolderState]) -> Verdict:
    if isinstance(git, Fact):
        g = git.value
        if g.commit:
            return passed(f"commit {g.commit[:12]} on {g.branch or 'no branch'} in {g.root}", git)
        return failed(
            f"{g.root} is a git repository without a commit", "git add -A && git commit -m 'State of the first recorded run'", git
        )
    if isinstance(folder, Fact):
        f = folder.value
        code = words(s.path for s in f.files if s.path.lower().endswith(CODE)) or "-A"
        fix = f"cd {words([f.root])} && git init && git add {code} && git commit -m 'State of the first recorded run'"
        return weak(f"no commit is known of {f.root}; {several(len(f.files), 'source file')} kept by content", fix, folder)
    if isinstance(git, Absent) and isinstance(folder, Absent):
        return failed(f"{git.reason}; {folder.reason}", GIT.fix)
    raise Unclear("neither a git repository nor a folder of source files was seen at submission")


def dirty_tree(git: Fact[GitState], submission: Fact[Submission]) -> Verdict:
    g = git.value
    loose, what = loose_code(g), differences(g)
    if not what:
        rest = f"; not tracked: {several(len(g.untracked), 'file')}, none of them code" if g.untracked else ""
        return passed(f"the tree was clean at {g.commit[:12]}{rest}", git)
    there = f"cd {words([g.root])} && " if g.root != submission.value.cwd else ""
    fix = (
        f"{there}git add {words((*g.changed, *loose)) or '-A'} && git commit -m {words([f'State of {script(submission.value)}'])}"
    )
    kept = not g.diff_cut and all(u.sha256 for u in g.untracked if u.path in loose) and g.untracked_count <= len(g.untracked)
    said = f"{' and '.join(what)} over {g.commit[:12]}; the difference is {'kept in full' if kept else 'too large to keep'}"
    return (weak if kept else failed)(said, fix, git)


def unpushed_commit(git: Fact[GitState]) -> Verdict:
    g = git.value
    if g.pushed:
        return passed(f"commit {g.commit[:12]} is on {g.remote or 'its remote'}")
    branch = g.branch or "HEAD"
    if g.pushed is None:
        return failed(
            f"commit {g.commit[:12]} lies in one folder only: no remote",
            f"git remote add origin URL && git push -u origin {words([branch])}",
        )
    return failed(f"commit {g.commit[:12]} is not on {g.remote}", f"git push origin {words([branch])}")


def unset_seed(seeds: Fact[Determinism], submission: Fact[Submission]) -> Verdict:
    d = seeds.value
    if d.seeds:
        return passed(f"seeds set: {some(f'{s.name}={s.value} ({s.place})' for s in d.seeds)}", seeds)
    if d.stochastic:
        return failed(f"random numbers without a seed: {some(d.stochastic)}", f"{program(submission.value)} --seed 42", seeds)
    return not_applicable("no call that draws random numbers was found in the scripts", seeds)


def changed_while_queued(before: Fact[CalledFiles], after: Fact[CalledFiles], submission: Fact[Submission]) -> Verdict:
    old, new = called(before.value), called(after.value)
    moved = [p for p in sorted(old.keys() & new.keys()) if difference(old[p], new[p])]
    if moved:
        return failed(
            f"{several(len(moved), 'called file')} changed between submission and start: {some(moved)}",
            f'run=runs/$(date +%s) && mkdir -p "$run" && git archive HEAD | tar -x -C "$run" && cd "$run" && {again(submission.value)}',
            before,
            after,
        )
    if not new and after.value.unresolved:
        raise Unclear(f"what the script calls is named only at run time: {some(after.value.unresolved)}")
    if not new:
        return not_applicable("the script calls no file of its own, only installed programs", after)
    return passed(f"{several(len(new), 'called file')} the same at submission and at start", before, after)


def lost_metrics(
    files: Fact[DataManifest], maybe: Maybe[SystemsUsed], submission: Fact[Submission], tracked: Maybe[Experiments]
) -> Verdict:
    found = [
        f.path
        for f in files.value.files
        if f.role == "output"
        and (f.path.lower().endswith(METRIC_FILES) or EVENTS in f.path)
        and not bookkeeping(f.path)
        and "mlruns" not in f.path.split("/")
    ]
    if found:
        return passed(f"numbers that a machine can read: {some(found)}", files)
    kept = [r for r in ours(tracked) if r.metrics]
    if kept and isinstance(tracked, Fact):
        r = kept[0]
        return passed(f"{run_said(r)} holds {several(len(r.metrics), 'metric')}: {numbers(r)}", tracked)
    trackers = named(known(maybe))
    if trackers and (tracked is None or (isinstance(tracked, Fact) and tracked.value.elsewhere)):
        raise Unclear(f"a tracker is named, {some(trackers)}, and its record was not seen")
    fix = f'# at the end of {program(submission.value)} (Python):\njson.dump({{"seed": seed, "loss": loss}}, open("metrics.json", "w"))'
    if trackers:
        return weak(f"a tracker is named, {some(trackers)}, and no metric of this run is in any record", fix)
    return failed("no file of metrics or parameters among the outputs, and no tracker in the scripts", fix, files)


def unrepeated_result(replay: Fact[ReplayVerdict]) -> Verdict:
    v = replay.value
    return passed(summary(v)) if same(v) else failed(summary(v), f"auditor diff {v.run_id} REPLAYED_RUN")


TIP = Tip(
    number=8,
    slug="track-experiments",
    title="Track experiments as first-class outputs",
    why=(
        "A result without its code, parameters, seeds and metrics is an anecdote. They are lost within days unless the "
        "run itself keeps them."
    ),
    advice="Commit and push before submitting, fix the seeds, write metrics to a file, and keep the record with the result.",
    checks=(
        Check(
            "unknown-command",
            1,
            "Is what was submitted known word for word?",
            (SUBMISSION,),
            unknown_command,
            "submit through auditor sbatch",
        ),
        Check(
            "unversioned-code",
            1,
            "Is the code under version control?",
            (MAYBE_GIT, FOLDER),
            unversioned_code,
            "submit from the folder that holds the code",
        ),
        Check(
            "unset-seed",
            1,
            "Is a seed set where random numbers are drawn?",
            (SEEDS, SUBMISSION),
            unset_seed,
            "submit through auditor, so that the scripts are read",
        ),
        Check(
            "dirty-tree",
            2,
            "Was the code exactly a commit?",
            (GIT, SUBMISSION),
            dirty_tree,
            "submit from the folder that holds the code",
        ),
        Check(
            "unpushed-commit",
            2,
            "Is that commit anywhere else?",
            (GIT,),
            unpushed_commit,
            "submit from the folder that holds the code",
        ),
        Check(
            "changed-while-queued",
            2,
            "Did the job start the code that was submitted?",
            (BEFORE, AFTER, SUBMISSION),
            changed_while_queued,
            "let the in-job hook run: it hashes the called files as the job starts",
        ),
        Check(
            "lost-metrics",
            2,
            "Are metrics written where a machine can read them?",
            (FILES, SYSTEMS, SUBMISSION, MAYBE_TRACKED),
            lost_metrics,
            "auditor sweep, once the run is finished",
        ),
        Check(
            "untracked-run",
            2,
            "Where a tracker is named, does its record hold this run's parameters and metrics?",
            (Need(SystemsUsed, (Phase.SUBMIT,)), MAYBE_TRACKED, SUBMISSION),
            untracked_run,
            LOOK,
            "MLflow, tracking: a run holds parameters, metrics, data sets and models; an import is not a run",
        ),
        Check(
            "wrong-commit",
            2,
            "Is the commit in the tracker's record the code that ran?",
            (TRACKED, Need(GitState, (Phase.SUBMIT,), optional=True)),
            wrong_commit,
            LOOK,
            "MLflow sets mlflow.source.git.commit on a dirty tree too (mlflow/tracking/context/git_context.py)",
        ),
        Check(
            "unidentified-data",
            2,
            "Are the versions of the data tied to the run?",
            (FILES, MAYBE_TRACKED, SUBMISSION),
            unidentified_data,
            "declare the inputs; auditor sweep",
            "arXiv 2606.07491, tip 8; MLflow, dataset tracking: digest",
        ),
        Check(
            "loose-model",
            2,
            "Is the trained model tied to the run, by content or by a version?",
            (Need(SystemsUsed, (Phase.SUBMIT,)), FILES, MAYBE_TRACKED, SUBMISSION, MAYBE_ENGINES),
            loose_model,
            "declare the model as output; auditor sweep",
            "arXiv 2606.07491, tip 8; MLflow, model registry",
        ),
        Check("unrepeated-result", 3, "Did the same result come out again?", (REPLAY,), unrepeated_result, SETTLES),
    ),
    campaign=(
        Check(
            "loose-runs",
            2,
            "Is each run at a clean commit, and does its tracked run hold parameters and metrics?",
            (RECORD,),
            loose_runs,
            CAMPAIGN_SETTLES,
            "arXiv 2606.07491, tip 8",
        ),
    ),
)
