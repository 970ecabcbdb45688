"""Tip 11: does the job spare the file system: few, large, packed files in a good place?"""

from __future__ import annotations

from collections import Counter
from posixpath import dirname

from auditor.model import Check, Fact, Need, Outcome, Phase, Tip, Verdict
from auditor.verdict import ReplayVerdict
from probes.data import DataFile, DataManifest, Reference
from probes.filesystem import FileSystems
from probes.formats import FormatFiles
from probes.schedulers import JobAccounting
from probes.submission import Submission
from probes.workflow import SystemsUsed
from reports.judging.again import script
from reports.judging.amounts import MIB, duration, percent, several, size, some, words
from reports.judging.campaigncost import crumbs
from reports.judging.campaignwork import RECORD
from reports.judging.campaignwork import SETTLES as CAMPAIGN_SETTLES
from reports.judging.piecerules import CHECKPOINTS, file_storm, piled_checkpoints, tiny_pieces, unfinished_output
from reports.judging.proofs import REPLAY, SETTLES, summary
from reports.judging.verdicts import Unclear, failed, not_applicable, passed, weak

# one Lustre stripe: a smaller file costs a metadata request and uses one server (lfs-setstripe(1), default 1 MiB)
SMALL = MIB
MANY = 1000
SMALL_SHARE = 0.5
# a folder with more entries is slow to list and to write on every shared file system
CROWDED = 10_000
# more than this is worth saving on the way
LONG_RUN = 3600.0

SYSTEMS = Need(SystemsUsed, (Phase.SUBMIT,))
FILES = Need(DataManifest, (Phase.LATER,))
PLACES = Need(FileSystems, (Phase.START,))
FORMATS = Need(FormatFiles, (Phase.LATER,), absent=Outcome.NOT_APPLICABLE)
ACCOUNTING = Need(JobAccounting, (Phase.LATER,))
SUBMISSION = Need(Submission, (Phase.SUBMIT,))


def _fullest(files: list[DataFile]) -> tuple[str, int]:
    folders = Counter(dirname(f.path) or "." for f in files)
    return max(sorted(folders.items()), key=lambda pair: pair[1], default=(".", 0))


def _pack(folder: str) -> str:
    name = folder.strip("./").replace("/", "-") or "files"
    return (
        f"tar -cf {words([f'{name}.tar'])} -C {words([folder])} . && rm -r {words([folder])}   # or write HDF5, Zarr or Parquet"
    )


def loose_format(files: Fact[DataManifest], systems: Fact[SystemsUsed]) -> Verdict:
    everything = files.value.files
    crumbs = _crumbs(files.value)
    if crumbs and not any(u.family == "format" for u in systems.value.uses):
        return failed(
            f"{several(crumbs.files, 'file')} in the data set {crumbs.dataset}, and no packed format in the scripts",
            _packed(crumbs),
            files,
        )
    if len(everything) < MANY:
        return passed(f"{several(len(everything), 'file')} read or written: few enough to need no packing", files)
    formats = [u for u in systems.value.uses if u.family == "format"]
    if formats:
        return passed(
            f"{several(len(everything), 'file')}, and a packed format is in use: {some(f'{u.system} ({u.place})' for u in formats)}"
        )
    folder, _ = _fullest(list(everything))
    return failed(f"{several(len(everything), 'file')}, and no packed format in the scripts", _pack(folder), files)


def _crumbs(files: DataManifest) -> Reference | None:
    """The registered data set with the most files, where those are many and small on average; one by one they are not in the manifest."""
    sets = [d for d in files.datasets if d.files >= MANY and d.bytes < d.files * SMALL]
    return max(sets, key=lambda d: (d.files, d.path), default=None)


def _packed(known: Reference) -> str:
    """Beside the data set, which others read too: nothing of it is removed."""
    return f"mksquashfs {words([known.path])} {words([f'{known.dataset}.sqsh'])}   # once; then mount it, or read it as one tar or HDF5 file"


def small_files(files: Fact[DataManifest]) -> Verdict:
    if crumbs := _crumbs(files.value):
        mean = size(crumbs.bytes / crumbs.files)
        return failed(
            f"{several(crumbs.files, 'file')} in the data set {crumbs.dataset}, {mean} each on average", _packed(crumbs)
        )
    known = list(files.value.files)
    small = [f for f in known if f.size < SMALL]
    share = len(small) / len(known) if known else 0.0
    said = f"{several(len(small), 'file')} of {len(known):,} below {size(SMALL)} ({percent(share)})"
    if share < SMALL_SHARE:
        return passed(said)
    if len(small) < MANY:
        return passed(f"{said}: fewer than {MANY:,} do no harm")
    folder, count = _fullest(small)
    return failed(f"{said}, {count:,} of them in {folder}", _pack(folder))


def crowded_folder(files: Fact[DataManifest]) -> Verdict:
    folder, count = _fullest(list(files.value.files))
    said = f"at most {several(count, 'file')} in one folder ({folder})"
    if count <= CROWDED:
        return passed(said)
    return failed(
        said, f"mkdir -p {words([folder])}/$((i / 1000))   # spread over sub-folders of a thousand, or\n{_pack(folder)}"
    )


def far_writes(files: Fact[DataManifest], places: Fact[FileSystems], submission: Fact[Submission]) -> Verdict:
    outputs = [f for f in files.value.files if f.role == "output"]
    mounts = [m for m in places.value.mounts if m.role in ("output", "workdir")]
    far = [m for m in mounts if m.family == "network"]
    written = f"{several(len(outputs), 'file')}, {size(sum(f.size for f in outputs))} written"
    if not mounts:
        raise Unclear("on which file system the outputs lie is not known")
    if not far:
        return passed(f"{written} to {some(f'{m.path} ({m.fs_type})' for m in mounts)}", files, places)
    if len(outputs) < MANY // 10:
        return passed(f"{written} to {far[0].path} ({far[0].fs_type}): few enough for a network file system", files, places)
    return weak(
        f"{written} straight to {far[0].path} ({far[0].fs_type})",
        f'cd "$TMPDIR" && ... && cp -r results {words([far[0].path])}/   # in {script(submission.value)}: write locally, copy once',
        files,
        places,
    )


def no_checkpoint(files: Fact[DataManifest], accounting: Fact[JobAccounting]) -> Verdict:
    used = accounting.value.used_seconds
    if used is None:
        raise Unclear("the run time is not known")
    if used < LONG_RUN:
        return not_applicable(
            f"ran {duration(used)} ({accounting.source}): cheaper to repeat than to save on the way", accounting
        )
    found = [f.path for f in files.value.files if f.role == "output" and any(c in f.path.lower() for c in CHECKPOINTS)]
    if found:
        return passed(f"ran {duration(used)}; {several(len(found), 'checkpoint')}: {some(found)}")
    return failed(
        f"ran {duration(used)} and left no checkpoint",
        "#SBATCH --signal=B:USR1@300\ntrap 'touch save-now' USR1   # and save every half hour to checkpoints/",
    )


def lost_outputs(replay: Fact[ReplayVerdict]) -> Verdict:
    outputs = replay.value.outputs
    missing = [o.path for o in outputs if not o.actual_sha256]
    if outputs and not missing:
        return passed(f"a replay wrote {several(len(outputs), 'output')} again, and none is missing")
    said = f"a replay did not write {some(missing)}" if missing else f"no output was compared: {summary(replay.value)}"
    return failed(said, f"auditor sbatch --auditor-output='results/*' ...   # declare what run {replay.value.run_id} must leave")


TIP = Tip(
    number=11,
    slug="small-files",
    title="Manage I/O and small files carefully",
    why=(
        "A shared file system serves metadata from few servers: a hundred thousand small files slow down everybody, "
        "cost quota, and make archives and checks slow for ever."
    ),
    advice=(
        "Pack samples and results into few large files, write near the job and copy once, and save checkpoints in long runs."
    ),
    checks=(
        Check(
            "loose-format",
            1,
            "Are many files packed in a format made for it?",
            (FILES, SYSTEMS),
            loose_format,
            "auditor sweep, once the run is finished",
        ),
        Check(
            "small-files",
            2,
            "Are most files larger than a stripe?",
            (FILES,),
            small_files,
            "auditor sweep, once the run is finished",
            "lfs-setstripe(1): 1 MiB stripes; the count of 1,000 is ours",
        ),
        Check(
            "crowded-folder",
            2,
            "Does no folder hold more than 10,000 of them?",
            (FILES,),
            crowded_folder,
            "auditor sweep, once the run is finished",
            "site guides of Lustre systems; the count is ours",
        ),
        Check(
            "far-writes",
            2,
            "Are many outputs kept off a network file system?",
            (FILES, PLACES, SUBMISSION),
            far_writes,
            "let the in-job hook run: it reads the mount table",
        ),
        Check(
            "no-checkpoint",
            2,
            "Does a long run save its state on the way?",
            (FILES, ACCOUNTING),
            no_checkpoint,
            "auditor sweep, once the run is finished",
        ),
        Check(
            "piled-checkpoints",
            2,
            "Are old checkpoints cleared away?",
            (FILES,),
            piled_checkpoints,
            "auditor sweep, once the run is finished",
            "site guides on scratch quotas; the count of 20 is ours",
        ),
        Check(
            "file-storm",
            2,
            "Are files made at a pace that leaves the metadata server to others?",
            (FILES, ACCOUNTING),
            file_storm,
            "auditor sweep, once the run is finished",
            "site guides of Lustre systems; the pace is ours",
        ),
        Check(
            "tiny-pieces",
            2,
            "Are data files cut into pieces of a useful size?",
            (FORMATS,),
            tiny_pieces,
            "pip install 'run-auditor[hdf5]', then auditor sweep",
            "The HDF Group, 'Chunking in HDF5'; Zarr, 'Chunk optimizations'; the limit of 64 KiB is ours",
        ),
        Check(
            "unfinished-output",
            2,
            "Was every data file closed by its writer?",
            (FORMATS,),
            unfinished_output,
            "auditor sweep, once the run is finished",
            "each format's own specification: footer, active flag, signature",
        ),
        Check("lost-outputs", 3, "Does a repeat leave the same set of outputs?", (REPLAY,), lost_outputs, SETTLES),
    ),
    campaign=(
        Check(
            "campaign-crumbs",
            2,
            "Are the outputs of all runs together few or large?",
            (RECORD,),
            crumbs,
            CAMPAIGN_SETTLES,
            "lfs-setstripe(1): 1 MiB stripes; the count of 10,000 is ours",
        ),
    ),
)
