"""Tip 12: is the order of the steps kept by an engine, or by somebody's hands?"""

from __future__ import annotations

import json
import re
from posixpath import basename

from auditor.campaign import Campaign
from auditor.model import Absent, Check, Fact, Need, Phase, Tip, Verdict
from auditor.verdict import ReplayVerdict
from probes.attached import Attached
from probes.git import GitState
from probes.schedulers import JobAccounting
from probes.submission import Submission
from probes.workflow import SystemsUsed, Use
from probes.workflows.record import WorkflowRuns
from reports.judging.again import program
from reports.judging.amounts import several, some, words
from reports.judging.campaignwork import RECORD, unheld_runs
from reports.judging.campaignwork import SETTLES as CAMPAIGN_SETTLES
from reports.judging.enginerules import shell_dag, unfinished_workflow, unkept_definition, unresumable_workflow, unseen_engine
from reports.judging.engineruns import ENGINES, MAYBE_ENGINES, SWEEP, mine, told
from reports.judging.proofs import REPLAY, SETTLES, same, summary
from reports.judging.verdicts import Maybe, Unclear, failed, not_applicable, passed, weak

# how engines name what they submit: their job names, scripts and work folders
ENACTED = re.compile(
    r"snakejob|snakemake|\.snakemake/|\bnf-|\.command\.run|nextflow|parsl|\bpegasus|rlaunch|qlaunch|FW_job|cwltool|toil|dask-worker|ray start"
)

SYSTEMS = Need(SystemsUsed, (Phase.SUBMIT,))
CAMPAIGN = Need(Campaign, (Phase.LATER,))
ACCOUNTING = Need(JobAccounting, (Phase.LATER,))
SUBMISSION = Need(Submission, (Phase.SUBMIT,))
GIT = Need(GitState, (Phase.SUBMIT,))


def _engines(seen: SystemsUsed) -> list[Use]:
    return [u for u in seen.uses if u.family == "engine"]


def _tied(campaign: Campaign) -> int:
    """Other runs that this one shares data or a dependency with."""
    ends = {r for k in campaign.links for r in (k.source, k.target) if campaign.run_id in (k.source, k.target)}
    waiting = {s.run_id for s in campaign.siblings if s.dependency}
    return len((ends | waiting) - {campaign.run_id})


def _bound(campaign: Campaign) -> bool:
    """Does any run of the campaign wait for another one, or read what it made?"""
    tied = {"dependency", "data", "engine"} & set(campaign.why)
    return bool(tied or campaign.links) or any(s.dependency for s in campaign.siblings)


def no_engine(
    systems: Fact[SystemsUsed], campaign: Fact[Campaign], submission: Fact[Submission], engines: Maybe[WorkflowRuns]
) -> Verdict:
    seen = mine(engines) if isinstance(engines, Fact) else []
    found = _engines(systems.value)
    listed = some(f"{u.system} ({u.place})" for u in found)
    if seen and isinstance(engines, Fact):
        return passed(f"{told(seen[0])} was seen at work{f', named in {found[0].place}' if found else ''}", engines)
    if engines is None:
        raise Unclear(f"{listed or 'no engine'} named in the scripts; whether one was at work was not looked at")
    if found:
        why = engines.reason if isinstance(engines, Absent) else "no engine's record is of this run"
        return weak(f"{listed}: named, and not seen at work: {why}", _rule(submission.value), systems)
    others = campaign.value.siblings
    if not others:
        return not_applicable(
            "a run of its own: no other run is known that shares its label, array, dependency or data", campaign
        )
    if not _bound(campaign.value):
        return not_applicable(
            f"{several(len(others) + 1, 'run')} belong together ({some(campaign.value.why)}); none waits for another or reads its files",
            campaign,
        )
    return failed(
        f"{several(len(others) + 1, 'run')} belong together, and no engine is named in the scripts", _rule(submission.value)
    )


def _rule(s: Submission) -> str:
    """A Snakefile with this run as its first rule."""
    name = re.sub(r"\W", "_", basename(s.script_path).rsplit(".", 1)[0]) or "step"
    inputs = ", ".join(dict.fromkeys(_folder(p)[0] for p in s.declared_inputs[:5]))
    outputs = ", ".join(dict.fromkeys(_folder(p)[1] for p in s.declared_outputs[:5])) or f"touch('{name}.done')"
    reads = f"    input: {inputs}\n" if inputs else ""
    return f"# Snakefile\nrule {name}:\n{reads}    output: {outputs}\n    shell: {_how(s)!r}"


def _how(s: Submission) -> str:
    """The script with its arguments, as it was called; a bare command as it is."""
    if s.given_by == "command" or not s.script_path:
        return program(s)
    return " ".join(["bash", words([basename(s.script_path)]), words(s.arguments)]).strip()


def _folder(pattern: str) -> tuple[str, str]:
    """A pattern as Snakemake's input and output: a glob becomes its folder, which an output has to call one."""
    if not re.search(r"[*?\[]", pattern):
        return json.dumps(pattern), json.dumps(pattern)
    folder = re.split(r"[*?\[]", pattern, maxsplit=1)[0].rpartition("/")[0] or "."
    return json.dumps(folder), f"directory({json.dumps(folder)})"


def handmade_chain(
    systems: Fact[SystemsUsed],
    campaign: Fact[Campaign],
    accounting: Fact[JobAccounting],
    submission: Fact[Submission],
    engines: Maybe[WorkflowRuns],
) -> Verdict:
    a = accounting.value
    if trace := _enacted(a, submission.value):
        return passed(f"an engine submitted this run: {trace}", accounting, submission)
    tied = _tied(campaign.value)
    if not a.dependency and not tied:
        return not_applicable(
            f"no dependency ({accounting.source}) and no data shared with other runs: nothing to chain", accounting, campaign
        )
    if isinstance(engines, Fact) and (by := [r for r in mine(engines) if r.relation == "task"]):
        return passed(f"{told(by[0])} names job {a.job_id} among those that it submitted", engines)
    how = f"dependency {a.dependency}" if a.dependency else f"tied to {several(tied, 'other run')} by data or a dependency"
    return failed(
        f"{how}, and no sign of an engine in the submission: the order is kept by hand",
        _rule(submission.value),
        accounting,
        campaign,
    )


def _enacted(a: JobAccounting, s: Submission) -> str:
    for text in (a.name, a.submit_line, a.command, a.workdir, s.script_path, *s.argv):
        if found := ENACTED.search(text):
            return f"“{found[0]}” in {text[:100]}"
    return ""


def unversioned_definition(systems: Fact[SystemsUsed], git: Maybe[GitState]) -> Verdict:
    files = sorted({u.place.split(":", 1)[0] for u in _engines(systems.value) if u.how == "file"})
    if not files:
        return not_applicable("no workflow definition (Snakefile, main.nf, *.cwl ...) lies beside the scripts", systems)
    if isinstance(git, Absent):
        return failed(
            f"{some(files)} is not under version control: {git.reason}",
            f"git init && git add {words(files)} && git commit -m 'Workflow as it was run'",
        )
    if git is None:
        raise Unclear(f"whether {some(files)} is under version control is not known: no git repository was read")
    g = git.value
    loose = [f for f in files if f in g.changed or any(u.path == f for u in g.untracked)]
    if loose:
        return failed(
            f"not in commit {g.commit[:12]}: {some(loose)}", f"git add {words(loose)} && git commit -m 'Workflow as it was run'"
        )
    return passed(f"{some(files)} as in commit {g.commit[:12]}")


def never_rerun(replay: Fact[ReplayVerdict]) -> Verdict:
    v = replay.value
    skipped = [f"{s.name} {s.state} ({s.detail})" for s in v.steps if s.state != "done"]
    if same(v) and not skipped:
        return passed(f"every stage from verifying to comparing ran by itself: {summary(v)}")
    return failed(
        f"not run from start to end without a hand: {some(skipped) or summary(v)}",
        f"auditor replay BUNDLE --dry-run   # bundle of run {v.run_id}",
    )


TIP = Tip(
    number=12,
    slug="workflow-engine",
    title="Use a workflow engine to orchestrate AI + HPC pipelines",
    why=(
        "Chains of hand-typed job numbers and sleep loops live in one person's shell. An engine keeps the order, "
        "repeats what failed and can be handed to others."
    ),
    advice=(
        "Describe steps, files and resources in Snakemake, Nextflow, CWL, Parsl or a like engine, and keep the "
        "description in git."
    ),
    checks=(
        Check(
            "no-engine",
            1,
            "If several runs belong together, does an engine hold them?",
            (SYSTEMS, CAMPAIGN, SUBMISSION, MAYBE_ENGINES),
            no_engine,
            "submit through auditor, then auditor sweep, so that the campaign is known and engines' records are looked for",
        ),
        Check(
            "shell-dag",
            1,
            "Is the batch script free of a workflow written in shell?",
            (SUBMISSION,),
            shell_dag,
            "submit through auditor sbatch",
            "sbatch(1) --dependency, --parsable; arXiv 2606.07491, tip 12",
        ),
        Check(
            "unversioned-definition",
            1,
            "Is the workflow's description under version control?",
            (SYSTEMS, Need(GitState, (Phase.SUBMIT,), optional=True)),
            unversioned_definition,
            "submit from the repository that holds the description",
        ),
        Check(
            "handmade-chain",
            2,
            "Did an engine submit this run, where runs wait for each other?",
            (SYSTEMS, CAMPAIGN, ACCOUNTING, SUBMISSION, MAYBE_ENGINES),
            handmade_chain,
            "auditor sweep, once the scheduler's record is final",
        ),
        Check(
            "unseen-engine",
            2,
            "Was the engine that the scripts name seen at work?",
            (SYSTEMS, MAYBE_ENGINES, SUBMISSION, Need(Attached, (Phase.LATER,), optional=True)),
            unseen_engine,
            SWEEP,
            "the engines' own records; a name in a script is no run",
        ),
        Check(
            "unfinished-workflow",
            2,
            "Did the engine's run come to its end?",
            (ENGINES,),
            unfinished_workflow,
            SWEEP,
            "each engine's own record, by the sign of success that it gives",
        ),
        Check(
            "unresumable-workflow",
            2,
            "Would the engine try again, and go on where it was cut off?",
            (ENGINES,),
            unresumable_workflow,
            SWEEP,
            "manuals: Snakemake --retries, Nextflow -resume, Parsl retries and checkpointing, Pegasus rescue DAG, FireWorks rerun_fws",
        ),
        Check(
            "unkept-definition",
            2,
            "Is the description that the engine ran known by content or commit?",
            (ENGINES, Need(GitState, (Phase.SUBMIT,), optional=True)),
            unkept_definition,
            "submit from the repository that holds the description",
            "no engine records the revision of a local workflow; git does",
        ),
        Check(
            "never-rerun",
            3,
            "Did the whole of it run again from its description, without a hand?",
            (REPLAY,),
            never_rerun,
            SETTLES,
        ),
    ),
    campaign=(
        Check(
            "unheld-runs",
            2,
            "Do runs that depend on each other belong to the run of an engine?",
            (RECORD,),
            unheld_runs,
            CAMPAIGN_SETTLES,
            "arXiv 2606.07491, tip 12",
        ),
    ),
)
