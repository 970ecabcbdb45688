"""Was the engine that is named seen at work, did its run end, could it be resumed, and is its definition kept? Declared is not enacted."""

from __future__ import annotations

import posixpath
import re

from auditor.model import Absent, Fact, Verdict
from probes.attached import Attached
from probes.git import GitState
from probes.submission import Submission
from probes.workflow import SystemsUsed, Use
from probes.workflows import Definition, State
from probes.workflows.record import WorkflowRuns, WorkflowSeen
from reports.judging.again import program, script
from reports.judging.amounts import line, several, some, words
from reports.judging.engineruns import mine, none_of_mine, told
from reports.judging.verdicts import Maybe, Unclear, failed, not_applicable, passed, weak

# engines whose own record lets the next call go on where the last one ended (their manuals: --rerun-incomplete, rescue DAG, launchpad)
RESUMING = frozenset({"snakemake", "pegasus", "fireworks"})
RESUME = {
    "nextflow": "nextflow run main.nf -resume",
    "cwltool": "cwltool --cachedir .cwl-cache workflow.cwl job.yml",
    "parsl": "Config(retries=2, checkpoint_mode='task_exit', checkpoint_files=parsl.utils.get_last_checkpoint())   # and @python_app(cache=True)",
    "ray": "tune.Tuner.restore(path)   # and tune.RunConfig(failure_config=tune.FailureConfig(max_failures=2))",
    "dask": "client.compute(graph, retries=2)   # and write each stage's result to a file: Dask keeps nothing",
}
RETRY = {
    "snakemake": "snakemake --retries 2 --rerun-incomplete",
    "pegasus": "dagman.retry = 2   # in pegasus.properties",
    "fireworks": "lpad rerun_fws -s FIZZLED   # and a Firework's _launch/_max_retries in its spec",
    "nextflow": "process.errorStrategy = 'retry'; process.maxRetries = 2   // in nextflow.config; and call it with -resume",
}
# a submission whose number the script keeps or hands on; a wait for the queue to be empty
_SUBMITS = re.compile(r"^\s*(?:(?:if|while|then|do|\!)\s+)*(?:(\w+)=[\"']?\$\(\s*|(\w+)=`\s*)?sbatch\b(.*)$")
_POLLS = re.compile(r"^\s*(?:while|until)\b.*\bs(?:queue|acct)\b")


def shell_dag(submission: Fact[Submission]) -> Verdict:
    """Jobs tied to each other by a script: `--dependency` on a number that it kept, or a loop that asks the queue."""
    text = submission.value.script_text
    if not text:
        raise Unclear("the batch script's text is not known")
    lines = [(n, row.strip()) for n, row in enumerate(text.splitlines(), 1) if row.strip() and not row.lstrip().startswith("#")]
    submits = [(n, row) for n, row in lines if _SUBMITS.match(row)]
    tied = [(n, row) for n, row in submits if re.search(r"(?:--dependency|-d)[= ]?\S*\$", row)]
    polls = [(n, row) for n, row in lines if _POLLS.match(row)]
    name = script(submission.value)
    if not tied and not polls:
        said = f"{name} submits no job that waits for another one of it"
        return passed(f"{said} ({several(len(submits), 'sbatch line')})" if submits else said)
    found = some((f"{name}:{n} {row[:120]}" for n, row in (*tied, *polls)), 2)
    return failed(f"a workflow is kept in shell: {found}", _rules([row for _, row in submits]))


def _rules(lines: list[str]) -> str:
    """A Snakefile with one rule for each script that is submitted, in order."""
    called = [w for row in lines for w in row.replace(")", " ").split()[1:] if w.endswith((".sh", ".sbatch", ".slurm", ".py"))]
    names = list(dict.fromkeys(called))[:5] or ["step1.sh", "step2.sh"]
    rules, before = [], ""
    for script_name in names:
        name = re.sub(r"\W", "_", posixpath.basename(script_name).rsplit(".", 1)[0])
        asks = f"    input: {before!r}\n" if before else ""
        before = f"{name}.done"
        rules.append(f"rule {name}:\n{asks}    output: touch({before!r})\n    shell: {f'bash {words([script_name])}'!r}")
    return "# Snakefile; then: snakemake --executor slurm --jobs 10 " + before + "\n" + "\n".join(rules)


def _named(systems: SystemsUsed) -> list[Use]:
    return [u for u in systems.uses if u.family == "engine"]


def unseen_engine(
    systems: Fact[SystemsUsed], engines: Maybe[WorkflowRuns], submission: Fact[Submission], attached: Maybe[Attached]
) -> Verdict:
    named = _named(systems.value)
    listed = some(f"{u.system} ({u.place})" for u in named)
    if engines is None:
        raise Unclear(f"{listed or 'no engine'} named in the scripts; what engines recorded was not looked at")
    if isinstance(engines, Absent):
        if not named:
            return not_applicable(f"no engine is named in the scripts, and {engines.reason}", systems)
        told_why = f"{listed}: named, and {engines.reason}{_untouched(named, attached)}"
        return weak(told_why, _start(named[0], submission.value), systems)
    if runs := mine(engines):
        return passed(f"seen at work: {some(told(r) for r in runs)}: {runs[0].proof}", engines)
    none = none_of_mine(engines)
    if none and not named:
        return none
    told_why = f"{listed}: named, and {none.message if none else ''}{_untouched(named, attached)}"
    return weak(told_why, _start(named[0], submission.value), systems, engines)


def _untouched(named: list[Use], attached: Maybe[Attached]) -> str:
    """Why a variable that would have made this engine leave a record was not set."""
    if not isinstance(attached, Fact):
        return ""
    mine = tuple(u.system.upper() for u in named)
    return "".join(f"; {s.name} was not set: {s.why}" for s in attached.value.left if s.name.upper().startswith(mine))


def _start(use: Use, submission: Submission) -> str:
    calls = {
        "snakemake": "snakemake --cores all",
        "nextflow": "nextflow run main.nf -with-trace -resume",
        "cwltool": "cwltool --provenance prov workflow.cwl job.yml",
        "parsl": "parsl.load(Config(monitoring=MonitoringHub(hub_port=55055)))   # keeps a record of every task",
    }
    return f"{calls.get(use.system, use.system)}   # in {script(submission)}, instead of: {program(submission)}"


def unfinished_workflow(engines: Fact[WorkflowRuns]) -> Verdict:
    if none := none_of_mine(engines):
        return none
    runs = mine(engines)
    bad = [r for r in runs if r.state in (State.FAILED, State.KILLED)]
    if bad:
        r = bad[0]
        why = next((reason for g in r.groups for reason in g.reasons), "")
        states = ", ".join(f"{n} {state}" for state, n in r.states.items())
        fix = f"# goes on where it ended:\n{RESUME.get(r.system) or RETRY.get(r.system) or line(r.command, 1000)}"
        return failed(f"{told(r)} {r.state}: {r.proof}; tasks: {states}{f'; {why}' if why else ''}", fix, engines)
    open_ = [r for r in runs if r.state is not State.SUCCEEDED]
    if open_:
        raise Unclear(f"{told(open_[0])} {open_[0].state}: {open_[0].proof}")
    return passed(f"{told(runs[0])}: {several(runs[0].tasks, 'task')}, {runs[0].proof}", engines)


def unresumable_workflow(engines: Fact[WorkflowRuns]) -> Verdict:
    if none := none_of_mine(engines):
        return none
    run = mine(engines)[0]
    told_by = {c.what: c for c in run.constructs}
    again = run.system in RESUMING or "resume" in told_by or "cache" in told_by or "resumed" in run.event_counts
    retries = "retries" in told_by or run.retried > 0
    how = [f"{c.text} ({c.place.path})" if c.place else c.text for w, c in told_by.items() if w in ("resume", "cache", "retries")]
    how += [f"{run.system} keeps what is done"] if run.system in RESUMING else []
    how += [f"{several(run.retried, 'task')} tried again"] if run.retried else []
    if again and retries:
        return passed(f"{told(run)}: can go on and tries again: {some(how)}", engines)
    if again:
        return weak(
            f"{told(run)}: can go on ({some(how)}), and no retries are set",
            RETRY.get(run.system, RESUME.get(run.system, "")),
            engines,
        )
    fix = RESUME.get(run.system, "") or RETRY.get(run.system, "")
    if retries:
        return weak(f"{told(run)}: tries again ({some(how)}), and starts from nothing when it is called again", fix, engines)
    return failed(f"{told(run)}: neither retries nor a way to go on is set: one lost node costs all of it", fix, engines)


def unkept_definition(engines: Fact[WorkflowRuns], git: Maybe[GitState]) -> Verdict:
    if none := none_of_mine(engines):
        return none
    run = mine(engines)[0]
    files = [d for d in run.definitions if d.kind == "workflow"]
    if not files:
        raise Unclear(f"{told(run)} does not say which file described it")
    loose = [d for d in files if not _kept(d, run, git)]
    if not loose:
        return passed(f"{told(run)}: {some(_by(d, run, git) for d in files)}")
    if git is None:
        raise Unclear(f"whether {some(d.path for d in loose)} is in a commit is not known: no git repository was read")
    paths = words(d.path for d in loose[:5])
    return weak(
        f"{told(run)}: {some(d.path for d in loose)}: neither its content nor a commit of it is known",
        f"git add {paths} && git commit -m 'Workflow as it was run'   # and submit from there",
        engines,
    )


def _kept(d: Definition, run: WorkflowSeen, git: Maybe[GitState]) -> bool:
    return bool(d.revision) or any(g.scope == "content" for g in d.digests) or _committed(d, run, git)


def _committed(d: Definition, run: WorkflowSeen, git: Maybe[GitState]) -> bool:
    """Does the file lie in the repository, unchanged and tracked, as far as the submission saw?"""
    if not isinstance(git, Fact) or not git.value.commit:
        return False
    g = git.value
    where = posixpath.relpath(posixpath.normpath(posixpath.join(run.folder, d.path)), g.root)
    whole = g.untracked_count <= len(g.untracked)
    return whole and not where.startswith("..") and where not in g.changed and all(u.path != where for u in g.untracked)


def _by(d: Definition, run: WorkflowSeen, git: Maybe[GitState]) -> str:
    if d.revision:
        return f"{d.path} at revision {d.revision[:12]}"
    digest = next((g for g in d.digests if g.scope == "content"), None)
    if digest:
        return f"{d.path} ({digest.algorithm} {digest.value[:12]})"
    return f"{d.path} in commit {git.value.commit[:12]}" if isinstance(git, Fact) else d.path
