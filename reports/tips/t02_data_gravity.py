"""Tip 2: is the work where the data is, or is the data dragged to the work?"""

from __future__ import annotations

from auditor.campaign import Campaign
from auditor.model import Absent, Check, Fact, Need, Outcome, Phase, Tip, Verdict
from auditor.verdict import ReplayVerdict
from probes.data import DataManifest
from probes.filesystem import FileSystems, Mount
from probes.kernel import KernelAccounting
from probes.pointers import DataPointers
from probes.schedulers import JobAccounting
from probes.submission import Submission
from probes.tracing import FileTrace
from probes.workflow import SystemsUsed
from probes.workflows.record import WorkflowRuns
from reports.judging.again import again, line_at, script
from reports.judging.amounts import MIB, several, size, some, words
from reports.judging.campaigncost import carried_data
from reports.judging.campaignwork import RECORD
from reports.judging.campaignwork import SETTLES as CAMPAIGN_SETTLES
from reports.judging.engineinputs import taken
from reports.judging.engineruns import ENGINES, MAYBE_ENGINES, SWEEP
from reports.judging.fetchrules import fetched_again, fetching_tasks, staging_heavy
from reports.judging.gravityrules import SMALL_MOVE, by_place, fetched, told, uncovered, unstaged_inputs
from reports.judging.pointerrules import dangling_pointers
from reports.judging.proofs import REPLAY, SETTLES, step
from reports.judging.sightings import held, unmoved
from reports.judging.tracerules import traced_inputs
from reports.judging.verdicts import Maybe, Unclear, failed, passed, weak

# about what one core hashes, parses or unpacks in a second: who moves more than that mostly copies
MAX_BYTES_PER_CORE_SECOND = 100 * MIB

SUBMISSION = Need(Submission, (Phase.SUBMIT,))
TRACE = Need(FileTrace, (Phase.LATER,), optional=True)
SYSTEMS = Need(SystemsUsed, (Phase.SUBMIT,))
INPUTS = Need(DataManifest, (Phase.START,), absent=None)
BEFORE = Need(DataManifest, (Phase.SUBMIT,), optional=True)
POINTERS_BEFORE = Need(DataPointers, (Phase.SUBMIT,), optional=True)
POINTERS = Need(DataPointers, (Phase.LATER,), absent=Outcome.NOT_APPLICABLE)
KERNEL = Need(KernelAccounting, (Phase.END,))
KERNEL_MAYBE = Need(KernelAccounting, (Phase.END,), optional=True)
FILES = Need(DataManifest, (Phase.LATER,))
FILES_MAYBE = Need(DataManifest, (Phase.LATER,), optional=True)
PLACES = Need(FileSystems, (Phase.START,))
PLACES_MAYBE = Need(FileSystems, (Phase.START,), optional=True)


def undeclared_inputs(submission: Fact[Submission], traced: Maybe[FileTrace], engines: Maybe[WorkflowRuns]) -> Verdict:
    named = submission.value.declared_inputs
    if isinstance(traced, Fact) and traced.value.inputs:
        return traced_inputs(submission, traced)
    if not named and (found := taken(engines)) and isinstance(engines, Fact):
        if not found.inputs:
            raise Unclear(
                f"no input is declared, and {found.said}; only a trace tells whether a task reads one that no rule names"
            )
        return weak(f"no input is declared; {found.said}", found.asked(submission.value), submission, engines)
    if named:
        return passed(f"{several(len(named), 'pattern')} declared: {some(named)}", submission)
    fix = again(submission.value, "--auditor-input=data/*")
    return failed("no input is declared, so nobody can fetch or check the data", fix, submission)


def download_in_job(
    systems: Fact[SystemsUsed], submission: Fact[Submission], files: Maybe[DataManifest], trace: Maybe[FileTrace]
) -> Verdict:
    found = [u for u in systems.value.uses if u.family == "download"]
    kept, facts = fetched(files, trace)
    if kept and not found:
        folder = kept[0].rpartition("/")[0]
        return failed(
            f"the job filled a cache of downloads while it held its nodes: {several(len(kept), 'file')}, {some(kept)}",
            f"# once, on the login node, so that {folder} is filled before the job; then in {script(submission.value)}:\n"
            "export HF_HUB_OFFLINE=1 TRANSFORMERS_OFFLINE=1 PIP_NO_INDEX=1   # a missing file is then an error, not a download",
            *facts,
        )
    if not found:
        return passed("no download command among what the scripts call", systems)
    line = line_at(submission.value, found[0].place) or f"{found[0].system} ..."
    return failed(
        f"the job downloads while it holds its nodes: {some(f'{u.system} ({u.place})' for u in found)}",
        "# once, on the login node, with the checksums kept beside the data; and out of the script:\n"
        f"mkdir -p data && cd data && {line} && sha256sum * > ../data.sha256 && cd ..\n{again(submission.value, '--auditor-input=data/*')}",
        systems,
    )


def far_inputs(places: Fact[FileSystems], submission: Fact[Submission]) -> Verdict:
    mounts = [m for m in places.value.mounts if m.role in ("input", "workdir")]
    far = [m for m in mounts if m.family == "network"]
    if far:
        return failed(
            f"{_place(far[0])} is read over the network by every task",
            f'cp -r {words([far[0].path])} "$TMPDIR/"   # in {script(submission.value)}, before the work; then read it there',
            places,
        )
    near = [m for m in mounts if m.family in ("parallel", "local", "memory")]
    if not near:
        raise Unclear(f"the file system of {some(m.path for m in mounts) or 'the inputs'} is of a kind that we do not know")
    return passed(f"inputs lie on {some(sorted({_place(m) for m in near}))}", places)


def _place(mount: Mount) -> str:
    return f"{mount.path} ({mount.fs_type}, {mount.family})"


def unhashed_inputs(
    inputs: Fact[DataManifest] | Absent,
    before: Maybe[DataManifest],
    submission: Fact[Submission],
    files: Maybe[DataManifest],
    engines: Maybe[WorkflowRuns],
) -> Verdict:
    if isinstance(inputs, Absent):
        return _undeclared(inputs, submission, files, engines)
    earlier = unmoved(before.value, inputs.value) if isinstance(before, Fact) else set()
    known = [f for f in inputs.value.files if f.role == "input" and f.sha256]
    known += [f for f in before.value.files if f.path in earlier - {k.path for k in known}] if isinstance(before, Fact) else []
    left = [s for s in inputs.value.skipped if s.role == "input" and s.path not in earlier]
    sets = [d for d in inputs.value.datasets if d.path in held(inputs.value) | earlier]
    loose = [d for d in inputs.value.datasets if d.state == "partly" and d not in sets]
    fix = again(submission.value, "--auditor-input=data/*")
    if left:
        said = some(f"{s.path} ({s.reason})" for s in left)
        return weak(f"{several(len(left), 'input')} of {len(left) + len(known)} not known by content: {said}", fix, inputs)
    if loose:
        said = some(f"{d.path} ({d.dataset})" for d in loose)
        return weak(f"{several(len(loose), 'known data set')} not looked at as a whole as the job started: {said}", fix, inputs)
    if not known and not sets:
        return failed("no input file was seen as the job started", fix, inputs)
    total = sum(f.size for f in known)
    hashed = [f"{several(len(known), 'input')}, {size(total)}, each known by sha256 as the job started"] if known else []
    named = [
        f"{d.dataset}{f' {d.version}' if d.version else ''}{f' (doi:{d.doi})' if d.doi else ''}, {several(d.files, 'file')}, {size(d.bytes)}"
        for d in sets
    ]
    return passed(
        "; ".join(
            [
                *hashed,
                *([f"known data set: {some(named)}, none of its files touched since {sets[0].verified[:10]}"] if sets else []),
            ]
        ),
        inputs,
        *([before] if earlier and isinstance(before, Fact) else []),
    )


def _undeclared(why: Absent, submission: Fact[Submission], files: Maybe[DataManifest], engines: Maybe[WorkflowRuns]) -> Verdict:
    """Nothing was looked at as the job started; what an engine named was, once it was over."""
    found = taken(engines)
    if found is None or not isinstance(engines, Fact):
        return failed(why.reason, again(submission.value, "--auditor-input=data/*"), submission)
    if not found.inputs:
        raise Unclear(f"{why.reason}; {found.said}")
    late = [f for f in files.value.files if f.role == "input" and f.sha256] if isinstance(files, Fact) else []
    said = f"{found.said}; {several(len(late), 'input')} known by sha256, and only since the run is over"
    return weak(said, found.asked(submission.value), engines, *([files] if isinstance(files, Fact) else []))


def _by_kind(files: Maybe[DataManifest], places: Maybe[FileSystems], read: int, written: int) -> str:
    """What the known files say of where it came from and went to, and how much of what was counted is of none of them."""
    if not (isinstance(files, Fact) and isinstance(places, Fact)):
        return "; over which file systems is not known" if read + written > MIB else ""
    inputs, outputs = (by_place(files.value, places.value, role) for role in ("input", "output"))
    parts = [told("read", inputs), told("wrote", outputs)]
    left = [("read", uncovered(read, inputs)), ("written", uncovered(written, outputs))]
    rest = " and ".join(f"{size(count)} {verb}" for verb, count in left if count)
    if rest:
        parts.append(f"not covered: {rest}")
    said = "; ".join(p for p in parts if p)
    return f" (known files: {said})" if said else ""


def data_dragging(
    kernel: Fact[KernelAccounting], submission: Fact[Submission], files: Maybe[DataManifest], places: Maybe[FileSystems]
) -> Verdict:
    k = kernel.value
    counted = k.bytes_read is not None and k.bytes_written is not None
    read, written = (k.bytes_read, k.bytes_written) if counted else (k.chars_read, k.chars_written)
    if read is None or written is None or k.cpu_seconds is None:
        raise Unclear(f"the kernel's counters of bytes or CPU time were not readable (scope {k.scope})")
    moved = read + written
    known = _by_kind(files, places, read, written)
    said = f"{'' if counted else 'at most '}{size(moved)} moved for {k.cpu_seconds:.0f} core-seconds of work{known}"
    if moved <= SMALL_MOVE or moved <= MAX_BYTES_PER_CORE_SECOND * k.cpu_seconds:
        return passed(said, kernel)
    if not counted:
        raise Unclear(f"{said}: through system calls, and what of it the storage delivered was not counted")
    return failed(
        f"{said}: the job mostly copies",
        f'# in {script(submission.value)}: read once, keep the working copy near\ncp -r data "$TMPDIR/" && cd "$TMPDIR"',
        kernel,
    )


def unfetchable_inputs(replay: Fact[ReplayVerdict]) -> Verdict:
    state, detail = step(replay.value, "inputs")
    if state == "done":
        return passed(f"the replay found its inputs by digest: {detail or replay.value.where}")
    why = f"inputs {state}: {detail}" if state == "failed" else replay.value.reason or detail
    return failed(
        f"the replay stopped before its inputs were there: {why}", f"auditor bundle --payload all {replay.value.run_id}"
    )


TIP = Tip(
    number=2,
    slug="data-gravity",
    title="Design for data gravity, not just compute locality",
    why=(
        "Large data decides where work can run. A job that fetches or re-reads it over a slow path holds nodes idle, "
        "and one whose inputs nobody named cannot be moved at all."
    ),
    advice=(
        "Name every input, know it by digest, stage it once to where the job reads it, and never download while nodes are held."
    ),
    checks=(
        Check(
            "undeclared-inputs",
            1,
            "Are the inputs named?",
            (SUBMISSION, TRACE, MAYBE_ENGINES),
            undeclared_inputs,
            "submit through auditor sbatch or auditor run",
        ),
        Check(
            "download-in-job",
            1,
            "Does the job do without downloading while it holds its nodes?",
            (SYSTEMS, SUBMISSION, FILES_MAYBE, TRACE),
            download_in_job,
            "submit through auditor, so that the scripts are read",
        ),
        Check(
            "far-inputs",
            2,
            "Do the inputs lie on a local, in-memory or parallel file system?",
            (PLACES, SUBMISSION),
            far_inputs,
            "let the in-job hook run (no --auditor-no-hook): it reads the mount table",
            "NFS serves one server's bandwidth to all clients (nfs(5)); Lustre and GPFS stripe",
        ),
        Check(
            "unhashed-inputs",
            2,
            "Is the content of every input known?",
            (INPUTS, BEFORE, SUBMISSION, FILES_MAYBE, MAYBE_ENGINES),
            unhashed_inputs,
            "declare the inputs; raise hash_bytes or hash_seconds in .auditor.toml if they were skipped for the budget",
        ),
        Check(
            "dangling-pointers",
            2,
            "Is the content there that pointers of DVC, git-annex and git-LFS declare?",
            (POINTERS_BEFORE, POINTERS),
            dangling_pointers,
            "let auditor look once the job is over, on the machine that has its files",
            "git-lfs docs/spec.md; git-annex key format; doc.dvc.org, DVC files",
        ),
        Check(
            "unstaged-inputs",
            2,
            "Are inputs that are small and many, or read again and again, brought to node-local scratch first?",
            (FILES, PLACES, SUBMISSION, KERNEL_MAYBE, TRACE),
            unstaged_inputs,
            "declare the inputs and let the in-job hook run: it reads the mount table and the kernel's counters",
            "lfs-setstripe(1), default stripe of 1 MiB; proc_pid_io(5) read_bytes; staging costs one reading, so it pays from the second on",
        ),
        Check(
            "data-dragging",
            2,
            "Is what the job moves in proportion to what it computes?",
            (KERNEL, SUBMISSION, FILES_MAYBE, PLACES_MAYBE),
            data_dragging,
            "let the in-job hook take its end snapshot, which reads the kernel's counters",
            "proc_pid_io(5) read_bytes and write_bytes; the ratio is ours",
        ),
        Check(
            "fetched-again",
            2,
            "Is nothing downloaded by each of many runs?",
            (SYSTEMS, Need(Campaign, (Phase.LATER,)), Need(JobAccounting, (Phase.LATER,)), FILES, SUBMISSION),
            fetched_again,
            "submit through auditor, so that the scripts are read; auditor sweep, so that array and look-alikes are known",
            "arXiv 2606.07491, tip 2; wget(1) --no-clobber, curl(1) --continue-at",
        ),
        Check(
            "fetching-tasks",
            2,
            "Do the engine's tasks do without downloading, but for those that do nothing else?",
            (ENGINES,),
            fetching_tasks,
            SWEEP,
            "arXiv 2606.07491, tip 2; nf-core guidelines and the Snakemake docs keep downloads in rules of their own",
        ),
        Check(
            "staging-heavy",
            2,
            "Is most of the engine's time spent on work, not on moving files?",
            (ENGINES,),
            staging_heavy,
            SWEEP,
            "Pegasus manual, data staging configuration; Nextflow, stageInMode; the fifth and the half are ours",
        ),
        Check("unfetchable-inputs", 3, "Could a replay find every input by its digest?", (REPLAY,), unfetchable_inputs, SETTLES),
    ),
    campaign=(
        Check(
            "carried-data",
            2,
            "Is what the campaign moves in proportion to what it computes?",
            (RECORD,),
            carried_data,
            CAMPAIGN_SETTLES,
            "manifests of the runs; the ratio is that of data-dragging, and ours",
        ),
    ),
)
