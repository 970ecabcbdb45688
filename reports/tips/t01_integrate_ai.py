"""Tip 1: is the AI step a part of the workflow, or something bolted on?"""

from __future__ import annotations

import posixpath
from posixpath import splitext

from auditor.campaign import Campaign
from auditor.model import Check, Fact, Need, Phase, Tip, Verdict
from auditor.verdict import ReplayVerdict
from probes.data import DataFile, DataManifest
from probes.pointers import DataPointers
from probes.submission import Submission
from probes.tracking.record import Experiments
from probes.workflow import SystemsUsed, Use
from probes.workflows.record import WorkflowRuns
from reports.judging.again import again
from reports.judging.amounts import several, some
from reports.judging.campaignwork import RECORD, apart_ai
from reports.judging.campaignwork import SETTLES as CAMPAIGN_SETTLES
from reports.judging.engineruns import ENGINES, MAYBE_ENGINES, SWEEP, by_phase, mine, names, told
from reports.judging.linkrules import MODELS, bookkeeping, unlinked_ai, unpinned_model, unvalidated_model
from reports.judging.phases import TRAJECTORIES
from reports.judging.proofs import REPLAY, SETTLES, same, summary
from reports.judging.trackedruns import LOOK, MAYBE_TRACKED, ours, said
from reports.judging.verdicts import Maybe, Unclear, failed, not_applicable, passed

AI_PHASES = ("train", "infer")

# what trainers, predictors and simulations leave behind for a next step: weights, arrays, tables, fields, trajectories
ARTEFACTS = (
    *(".pt", ".pth", ".ckpt", ".safetensors", ".onnx", ".h5", ".hdf5", ".keras", ".pkl", ".joblib", ".npz", ".npy", ".bin"),
    *(".gguf", ".json", ".jsonl", ".csv", ".tsv", ".parquet", ".pb", ".msgpack", ".zarr"),
    *(
        ".nc",
        ".cdf",
        ".bp",
        ".fits",
        ".root",
        ".vtk",
        ".vtu",
        ".vti",
        ".tif",
        ".tiff",
        ".mat",
        ".arrow",
        ".feather",
        ".pdb",
        ".xyz",
    ),
    *sorted(TRAJECTORIES),
)

SYSTEMS = Need(SystemsUsed, (Phase.SUBMIT,))
FILES = Need(DataManifest, (Phase.LATER,))
SUBMISSION = Need(Submission, (Phase.SUBMIT,))
CAMPAIGN = Need(Campaign, (Phase.LATER,))


def ai_signs(seen: SystemsUsed) -> list[str]:
    """`train (train.py:3)`, `torch (train.py:1)`."""
    phases = [f"{phase} ({some(signs, 2)})" for phase, signs in sorted(seen.phases.items()) if phase in AI_PHASES and signs]
    return phases + [f"{u.system} ({u.place})" for u in seen.uses if u.family == "framework"]


def _other_work(seen: SystemsUsed) -> list[str]:
    return [f"{phase} ({some(signs, 2)})" for phase, signs in sorted(seen.phases.items()) if phase not in AI_PHASES and signs]


def hidden_ai(
    systems: Fact[SystemsUsed], files: Maybe[DataManifest], tracked: Maybe[Experiments], engines: Maybe[WorkflowRuns]
) -> Verdict:
    if signs := ai_signs(systems.value):
        return _borne_out(signs, systems, files, tracked)
    if engine := next((u for u in systems.value.uses if u.family == "engine"), None):
        return _in_an_engine(engine, systems, engines)
    if other := _other_work(systems.value):
        return not_applicable(f"this run holds no AI step; its scripts show {some(other)}")
    made = [r for r in ours(tracked) if r.models]
    if made and isinstance(tracked, Fact):
        return passed(
            f"{said(made[0])} recorded a model: {some(m.registered or m.name or m.path for m in made[0].models)}", tracked
        )
    if tracked is None and (tracker := next((u for u in systems.value.uses if u.family == "tracker"), None)):
        raise Unclear(
            f"no step is recognised by its name; {tracker.system} ({tracker.place}) is named, and its record was not looked at"
        )
    if systems.value.uses:
        return failed(
            f"no step is recognised as training or inference, though the scripts use {some(dict.fromkeys(u.system for u in systems.value.uses))}",
            "# name the step after what it does, one program for each:\npython train.py ...      # or infer.py, simulate.py",
        )
    raise Unclear("nothing in the scripts tells whether this run trains, infers or simulates")


def _in_an_engine(engine: Use, systems: Fact[SystemsUsed], engines: Maybe[WorkflowRuns]) -> Verdict:
    """A script that starts an engine holds no step itself: its record tells them."""
    if engines is None:
        raise Unclear(f"the scripts name {engine.system} ({engine.place}), whose record was not looked at")
    runs = mine(engines) if isinstance(engines, Fact) else []
    if not runs or not isinstance(engines, Fact):
        raise Unclear(f"the scripts name {engine.system} ({engine.place}), and no record of its run tells which steps there are")
    ai = [(r, g) for r in runs for p in AI_PHASES for g in by_phase(r.groups).get(p, [])]
    if ai:
        return passed(f"{told(ai[0][0])} tells it: {names(g for _, g in ai)}", engines)
    unnamed = by_phase(g for r in runs for g in r.groups).get("", [])
    if len(unnamed) < sum(len(r.groups) for r in runs):
        return not_applicable(f"{told(runs[0])} holds no AI step: {names(g for r in runs for g in r.groups)}", engines, systems)
    raise Unclear(f"the names and commands in {told(runs[0])} do not tell whether a step trains or infers: {names(unnamed)}")


def _borne_out(signs: list[str], systems: Fact[SystemsUsed], files: Maybe[DataManifest], tracked: Maybe[Experiments]) -> Verdict:
    """A file called train.py may make a train timetable: a name counts where code, a model or a tracker's record says the same."""
    seen = systems.value
    shown = any(u.family == "framework" for u in seen.uses)
    called = any(s.endswith("()") for phase in AI_PHASES for s in seen.phases.get(phase, ()))
    if shown or called:
        return passed(f"the scripts show it: {some(signs)}", systems)
    made = (
        [f.path for f in files.value.files if f.role == "output" and f.path.lower().endswith(MODELS)]
        if isinstance(files, Fact)
        else []
    )
    if made and isinstance(files, Fact):
        return passed(f"the scripts name it, and it left {some(made)}: {some(signs)}", systems, files)
    kept = [r for r in ours(tracked) if r.metrics or r.models]
    if kept and isinstance(tracked, Fact):
        return passed(f"the scripts name it, and {said(kept[0])} recorded it: {some(signs)}", systems, tracked)
    raise Unclear(
        f"only a name says so ({some(signs)}): no framework, no call, no model among the outputs and no tracked run bears it out"
    )


def isolated_run(
    campaign: Fact[Campaign], submission: Fact[Submission], systems: Fact[SystemsUsed], engines: Maybe[WorkflowRuns]
) -> Verdict:
    if not ai_signs(systems.value) and (other := _other_work(systems.value)):
        return not_applicable(f"this run holds no AI step that could be apart; its scripts show {some(other)}", systems)
    c = campaign.value
    fed = [k for k in c.links if k.target == c.run_id]
    used = [k for k in c.links if k.source == c.run_id]
    if fed or used:
        return passed(
            f"{several(len(fed), 'input')} came from other runs and {several(len(used), 'output')} went into others", campaign
        )
    inside = [(r, k) for r in mine(engines) for k in r.links if k.by == "file"] if isinstance(engines, Fact) else []
    if inside and isinstance(engines, Fact):
        r, k = inside[0]
        return passed(f"it holds a workflow of its own: {told(r)}, where {k.target} reads what {k.source} made", engines)
    others = (
        f"none of {several(len(c.siblings), 'other run')} of its campaign"
        if c.siblings
        else "it stands alone: no other run that is known"
    )
    return failed(
        f"{others} made an input of this one or read an output",
        again(submission.value, "--auditor-label=CAMPAIGN", "--auditor-input=FILES_FROM_THE_STEP_BEFORE"),
        campaign,
    )


def artefacts(manifest: DataManifest) -> list[DataFile]:
    return [
        f
        for f in manifest.files
        if f.role == "output" and f.sha256 and f.path.lower().endswith(ARTEFACTS) and not bookkeeping(f.path)
    ]


def lost_results(files: Fact[DataManifest], submission: Fact[Submission]) -> Verdict:
    outputs = [f for f in files.value.files if f.role == "output"]
    if found := artefacts(files.value):
        return passed(f"{several(len(found), 'result')} recorded with digest: {some(f.path for f in found)}", files)
    return failed(
        f"{several(len(outputs), 'output')} seen, none of them a model, a table or an array that a next step could read"
        if outputs
        else "no output was seen",
        f"# let the step write what the next one reads as a table, an array or a model (.csv, .npz, .h5, .safetensors), not as {some(_kinds(outputs))}"
        if outputs
        else again(submission.value, "--auditor-output=results/*"),
        files,
    )


def _kinds(files: list[DataFile]) -> list[str]:
    return sorted({f"*{splitext(f.path)[1]}" if splitext(f.path)[1] else posixpath.basename(f.path) for f in files})


def unproved_results(replay: Fact[ReplayVerdict]) -> Verdict:
    if same(replay.value):
        return passed(summary(replay.value))
    return failed(
        summary(replay.value), f"auditor show {replay.value.run_id}   # seeds, threads, image: what differs is listed under drift"
    )


TIP = Tip(
    number=1,
    slug="integrate-ai",
    title="Treat AI as part of the workflow, not a bolt-on",
    why=(
        "A model that is trained or asked outside the recorded workflow cannot be traced: nobody can say which data "
        "made it and which results came from it."
    ),
    advice=(
        "Run training and inference as steps like any other, whose inputs are files that earlier steps made and whose "
        "outputs later steps read."
    ),
    checks=(
        Check(
            "hidden-ai",
            1,
            "Can one see in the scripts which step trains or infers?",
            (SYSTEMS, Need(DataManifest, (Phase.LATER,), optional=True), MAYBE_TRACKED, MAYBE_ENGINES),
            hidden_ai,
            "call the training or inference program by its own name in the batch script, and declare the model that it makes as output",
        ),
        Check(
            "isolated-run",
            2,
            "Does another run of the campaign feed this one, or use what it made?",
            (CAMPAIGN, SUBMISSION, SYSTEMS, MAYBE_ENGINES),
            isolated_run,
            "submit the steps before and after through auditor, with inputs and outputs declared",
        ),
        Check(
            "unlinked-ai",
            2,
            "Do the engine's records show data going between AI tasks and the others?",
            (ENGINES,),
            unlinked_ai,
            SWEEP,
            "arXiv 2606.07491, tip 1: AI tasks connected to the rest by data; the engine's own record of inputs and outputs",
        ),
        Check(
            "unpinned-model",
            2,
            "Is each model that was read known by the run that made it, or by a pinned source?",
            (
                FILES,
                CAMPAIGN,
                SUBMISSION,
                Need(DataPointers, (Phase.LATER,), optional=True),
                MAYBE_TRACKED,
            ),
            unpinned_model,
            "submit the run that makes the model through auditor, with the model as declared output",
            "arXiv 2606.07491, tip 1; huggingface_hub, cache: snapshots/COMMIT",
        ),
        Check(
            "unvalidated-model",
            2,
            "Is the model's performance on data it was not trained on recorded?",
            (SYSTEMS, FILES, SUBMISSION, MAYBE_TRACKED, MAYBE_ENGINES),
            unvalidated_model,
            LOOK,
            "Kapoor et al., REFORMS, Science Advances 10 (2024), module on performance metrics; names of metrics are ours",
        ),
        Check(
            "lost-results",
            2,
            "Was a result that a next step could read recorded by content?",
            (FILES, SUBMISSION),
            lost_results,
            "auditor sweep, once the run is finished",
        ),
        Check(
            "unproved-results",
            3,
            "Did the results come out again when the step was run from its record?",
            (REPLAY,),
            unproved_results,
            SETTLES,
        ),
    ),
    campaign=(
        Check(
            "apart-ai",
            2,
            "Does data go between the runs that train or infer and the others?",
            (RECORD,),
            apart_ai,
            CAMPAIGN_SETTLES,
            "arXiv 2606.07491, tip 1",
        ),
    ),
)
