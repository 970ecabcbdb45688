"""Is the AI part of a workflow joined to the rest by data, are models known by where they come from, and was what was trained validated?"""

from __future__ import annotations

import re

from auditor.campaign import Campaign
from auditor.model import Fact, Verdict
from probes.data import DataFile, DataManifest
from probes.pointers import DataPointers
from probes.submission import Submission
from probes.tracking.record import Experiments
from probes.workflow import SystemsUsed
from probes.workflows.record import WorkflowRuns, WorkflowSeen
from reports.judging.again import again, program
from reports.judging.amounts import several, some, words
from reports.judging.engineruns import AI, by_phase, mine, names, none_of_mine, phases_seen, told, told_by, trainers
from reports.judging.sightings import held
from reports.judging.trackedruns import ours
from reports.judging.verdicts import Maybe, Unclear, failed, not_applicable, passed, weak

MODELS = (
    ".pt",
    ".pth",
    ".ckpt",
    ".safetensors",
    ".onnx",
    ".keras",
    ".gguf",
    ".joblib",
    ".pkl",
    ".pb",
    ".tflite",
    ".mlmodel",
    ".bst",
)
# where engines keep their records
OWN_FOLDERS = frozenset({"runinfo", ".snakemake", ".nextflow", ".parsl", "dask-worker-space"})
# huggingface_hub keeps a model under the commit it was fetched at: models--ORG--NAME/snapshots/COMMIT/
SNAPSHOT = re.compile(r"models--([^/]+)/snapshots/([0-9a-f]{40})/")
# names of numbers that say how well a model does on data it was not trained on
VALIDATED = re.compile(
    r"(^|[^a-z])(val|valid|validation|validated|test|eval|evaluation|holdout|heldout|cv|dev)([^a-z]|$)", re.IGNORECASE
)
SCORES = re.compile(
    r"(^|[^a-z])(acc|accuracy|auc|auroc|f1|precision|recall|r2|mae|rmse|iou|dice|bleu|rouge|perplexity|map)([^a-z]|$)",
    re.IGNORECASE,
)
NUMBERS = (".json", ".jsonl", ".csv", ".tsv", ".yaml", ".yml", ".parquet")


def bookkeeping(path: str) -> bool:
    """Is it what an engine wrote of a task, not what the task found? Its own folders, Snakemake's benchmark files, Nextflow's trace and report."""
    parts = path.split("/")
    own = any(p in OWN_FOLDERS or p.startswith(("benchmark", "launcher_")) for p in parts)
    return own or bool(re.match(r"(trace|report|timeline)-?[\d-]*\.", parts[-1])) or parts[-1] in ("FW.json", "mlflow.db")


def unlinked_ai(engines: Fact[WorkflowRuns]) -> Verdict:
    if none := none_of_mine(engines):
        return none
    judged = [(r, v) for r in mine(engines) if (v := _linked(r, engines))]
    if not judged:
        r = mine(engines)[0]
        return not_applicable(
            f"{told(r)} holds no task named like training or inference beside others: {names(r.groups)}", engines
        )
    return judged[0][1]


def _linked(run: WorkflowSeen, engines: Fact[WorkflowRuns]) -> Verdict | None:
    found = by_phase(run.groups)
    ai = {g.name for p in AI for g in found.get(p, ())}
    rest = {g.name for g in run.groups} - ai
    if not ai or not rest:
        return None
    across = [k for k in run.links if (k.source in ai) != (k.target in ai)]
    by_file = [k for k in across if k.by == "file"]
    if by_file:
        read = some(f"{k.target} reads what {k.source} made" for k in by_file)
        return passed(f"{told(run)}: {read}", engines)
    first, then = (re.sub(r"\W", "_", name) for name in (min(rest), min(ai)))
    fix = {
        "snakemake": f"# in rule {then}:\ninput: rules.{first}.output",
        "nextflow": f"// in the workflow block:\n{then}({first}.out)",
        "parsl": f"{then}(inputs=[{first}_future.outputs[0]], outputs=[File('model.pt')])",
    }.get(run.system, f"# let {then} read a file that {first} wrote, and name it as its input")
    if across:
        ordered = some(f"{k.target} waits for {k.source}" for k in across)
        return weak(f"{told(run)}: {ordered}, and no file is known to go from one to the other", fix, engines)
    return failed(
        f"{told(run)}: nothing goes between {some(sorted(ai))} and {some(sorted(rest))}: neither a file nor an order",
        fix,
        engines,
    )


def unpinned_model(
    files: Fact[DataManifest],
    campaign: Fact[Campaign],
    submission: Fact[Submission],
    pointers: Maybe[DataPointers],
    tracked: Maybe[Experiments],
) -> Verdict:
    models = [f for f in files.value.files if f.role == "input" and f.path.lower().endswith(MODELS)]
    if not models:
        many = several(sum(f.role == "input" for f in files.value.files), "input")
        if files.value.complete:
            return not_applicable(f"no model is among the {many} of this run", files)
        raise Unclear(f"no model is among the {many} that were read, and not all were")
    sources = {f.path: _source(f, files.value, campaign.value, pointers, tracked) for f in models}
    loose = [p for p, source in sources.items() if not source]
    if not loose:
        return passed("; ".join(f"{p}: {s}" for p, s in list(sources.items())[:3]))
    known = [f for f in models if f.path in loose and f.sha256]
    said = f"{some(loose)}: {'known by content only' if len(known) == len(loose) else 'not known'}; no run is known that made it, and no source is pinned"
    return weak(
        said,
        f"{again(submission.value)}   # with the run that trains it submitted through auditor too; a foreign one by its commit:\n"
        f"hf download ORG/NAME --revision COMMIT --local-dir models && sha256sum {words(loose[:3])} > models.sha256",
        files,
        campaign,
    )


def _source(
    model: DataFile, files: DataManifest, campaign: Campaign, pointers: Maybe[DataPointers], tracked: Maybe[Experiments]
) -> str:
    """Where this model comes from, in words; empty where nothing says so."""
    made = [k.source for k in campaign.links if k.sha256 == model.sha256 and model.sha256 and k.target == campaign.run_id]
    if made:
        return f"made by run {made[0]} (sha256 {model.sha256[:12]})"
    if snapshot := SNAPSHOT.search(model.path):
        return f"{snapshot[1].replace('--', '/')} at commit {snapshot[2][:12]} of the hub"
    if model.dataset or any(model.path.startswith(f"{d.rstrip('/')}/") for d in held(files)):
        return f"of the registered data set {model.dataset or 'it lies in'}"
    if isinstance(pointers, Fact) and (p := next((p for p in pointers.value.pointers if p.path == model.path), None)):
        return f"{p.system} {p.algorithm}:{p.digest[:12]}, declared in {p.by}"
    for run in ours(tracked):
        for used in run.models:
            if used.role == "used" and (used.registered or any(d.value == model.sha256 for d in used.digests)):
                return f"{used.registered or used.name} in {run.system} run {run.id}"
    return ""


def unvalidated_model(
    systems: Fact[SystemsUsed],
    files: Fact[DataManifest],
    submission: Fact[Submission],
    tracked: Maybe[Experiments],
    engines: Maybe[WorkflowRuns],
) -> Verdict:
    seen = systems.value
    phases = phases_seen(systems, engines)
    called = any(sign.endswith("()") for sign in seen.phases.get("train", ()))
    framework = [u for u in seen.uses if u.family in ("framework", "distributed")]
    if "train" not in phases:
        return not_applicable(
            f"no step trains a model; there are {some(f'{p} ({why})' for p, why in phases.items())}", *told_by(systems, engines)
        )
    if seen.phases and not called and not framework:
        raise Unclear(f"only a name says that a model is trained: {some(seen.phases['train'], 1)}")
    metrics = [(m.name, m.last, r) for r in ours(tracked) for m in r.metrics]
    good = [m for m in metrics if VALIDATED.search(m[0]) or SCORES.search(m[0])]
    if good:
        facts = [tracked] if isinstance(tracked, Fact) else []
        return passed(
            f"recorded by {good[0][2].system} run {good[0][2].id}: {some(n if v is None else f'{n}={v:.4g}' for n, v, _ in good)}",
            *facts,
        )
    outputs = [f.path for f in files.value.files if f.role == "output"]
    tables = [p for p in outputs if p.lower().endswith(NUMBERS) and not bookkeeping(p)]
    named = [p for p in tables if VALIDATED.search(_stem(p)) or re.search(r"metric|score|eval|valid", _stem(p), re.IGNORECASE)]
    if named:
        return passed(f"written to {some(named)}", files)
    where = next((f"what {g.name} of {r.system} runs" for r, g in trainers(engines)), program(submission.value))
    fix = (
        f"# at the end of {where}, on data that was held out (Python):\n"
        "json.dump({'val_loss': val_loss, 'seed': seed}, open('validation.json', 'w'))"
    )
    if metrics:
        return weak(
            f"a model is trained, and only {some(n for n, _, _ in metrics)} is recorded: nothing of data it was not trained on",
            fix,
        )
    if tracked is None:
        raise Unclear("no file of validation numbers among the outputs; what trackers recorded was not looked at")
    return failed(f"a model is trained, and no number of its validation is among {several(len(outputs), 'output')}", fix)


def _stem(path: str) -> str:
    return path.rsplit("/", 1)[-1]
