"""Are data files cut into pieces that a file system serves well, and were they finished? Rules over what the formats tell of themselves."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from auditor.model import Fact, Verdict
from probes.data import DataManifest
from probes.formats import FormatFile, FormatFiles, Part
from probes.schedulers import JobAccounting
from reports.judging.amounts import MIB, duration, several, size, some, words
from reports.judging.verdicts import Unclear, failed, not_applicable, passed, weak

# The HDF Group's advice on chunking and Zarr's on chunk shapes both ask for about 1 MiB and warn of far smaller ones
TINY = 64 << 10
MANY = 1000
# a metadata server makes some ten thousand files a second for all jobs together; one job's steady share is far less
STEADY = 50.0
CHECKPOINTS = ("ckpt", "checkpoint", "restart", ".rst", "snapshot")
PILED = 20


@dataclass(frozen=True)
class Pieces:
    """How one part of a file is cut: count pieces of `each` bytes on average, as they are packed before compression."""

    file: FormatFile
    part: Part | None
    noun: str
    count: int
    each: float


def tiny_pieces(found: Fact[FormatFiles]) -> Verdict:
    """Many pieces far below a mebibyte each: every one costs a look-up, and compression gains nothing."""
    seen = found.value
    bad = sorted((p for f in seen.files for p in _pieces(f) if p.count >= MANY and p.each < TINY), key=lambda p: -p.count)
    if bad:
        return failed(some(f"{_name(p)} is cut into {several(p.count, p.noun)} of {size(p.each)}" for p in bad), _advice(bad[0]))
    unknown = [f"{f.path} ({f.reason or f.format})" for f in seen.files if f.reason or not (f.parts or f.calls is not None)]
    unknown += [f"{seen.seen - len(seen.files):,} more"] if seen.seen > len(seen.files) else []
    unknown += [] if seen.walked_all else ["what was not walked"]
    if unknown:
        raise Unclear(f"how they are cut was not told: {some(unknown)}")
    told = f"{several(len(seen.files), 'data file')}, none cut into {MANY:,} pieces below {size(TINY)}"
    return passed(f"{told}: {some(f.path for f in seen.files)}")


def _name(piece: Pieces) -> str:
    part = f":{piece.part.name}" if piece.part else ""
    return f"{piece.file.path}{part} ({piece.file.format})"


def _pieces(file: FormatFile) -> Iterator[Pieces]:
    if file.calls and file.written is not None:
        yield Pieces(file, None, "write call", file.calls, file.written / file.calls)
    noun = {"parquet": "row group", "webdataset": "member", "tar": "member"}.get(file.format, "chunk")
    for part in file.parts:
        if part.chunks and (whole := part.logical if part.logical is not None else part.stored) is not None:
            yield Pieces(file, part, noun, part.chunks, whole / part.chunks)


def _advice(worst: Pieces) -> str:
    """Something to paste, with the file's own shape."""
    file, part = worst.file, worst.part
    if part is None:
        return f'io.set_parameters({{"BufferChunkSize": "{16 * MIB}"}})   # ADIOS2: fewer, larger writes of {file.path}'
    makers: dict[str, Callable[[], str]] = {
        "hdf5": lambda: _repack(file, part),
        "netcdf4": lambda: _repack(file, part),
        "zarr": lambda: (
            f"zarr.create_array(..., shape={part.shape}, chunks={part.chunk}, shards={_shards(part)})   # one file a shard"
        ),
        "parquet": lambda: (
            f"pq.write_table(table, ..., row_group_size={max(part.shape[0], 1)})   # {file.path}: few large row groups"
        ),
    }
    return makers.get(file.format, lambda: f"# write {file.path} in pieces of {size(MIB)} or more")()


def _repack(file: FormatFile, part: Part) -> str:
    shape = "x".join(str(n) for n in grown(part))
    return f"h5repack -l {words([f'{part.name}:CHUNK={shape}'])} {words([file.path])} repacked.h5"


def grown(part: Part, target: int = MIB) -> tuple[int, ...]:
    """The chunk's shape, its shortest sides doubled until a chunk holds `target` bytes; never beyond the array."""
    if not part.chunk or not part.chunks or not part.logical:
        return part.chunk
    item = part.logical / max(1, math.prod(part.shape))
    chunk = [max(1, n) for n in part.chunk]
    while item * math.prod(chunk) < target:
        free = [n for n, side in enumerate(chunk) if side < part.shape[n]]
        if not free:
            break
        shortest = min(free, key=lambda n: (chunk[n], n))
        chunk[shortest] = min(chunk[shortest] * 2, part.shape[shortest])
    return tuple(chunk)


def _shards(part: Part) -> tuple[int, ...]:
    """Whole chunks only; a shard may reach beyond the array."""
    return tuple(-(-side // chunk) * chunk for side, chunk in zip(grown(part), part.chunk, strict=True))


def unfinished_output(found: Fact[FormatFiles]) -> Verdict:
    outputs = [f for f in found.value.files if f.role == "output"]
    told = [f for f in outputs if f.closed is not None or f.reason.startswith("not read")]
    broken = [f for f in told if not f.closed]
    unread = [f"{f.path} ({f.reason})" for f in outputs if f not in told and f.reason]
    if not broken and unread:
        raise Unclear(f"whether it was finished was not told: {some(unread)}")
    if not told:
        return not_applicable(f"no output tells whether it was finished ({several(len(outputs), 'data file')} written)", found)
    if not broken:
        return passed(f"{several(len(told), 'output')} closed properly: {some(f.path for f in told)}")
    said = some(f"{f.path} ({f.reason.removeprefix('not read: ') or 'its writer did not close it'})" for f in broken)
    return failed(
        f"not finished, or not what its name says: {said}",
        "# close the file before the job ends, or trap the time limit: #SBATCH --signal=B:USR1@120",
    )


def file_storm(files: Fact[DataManifest], accounting: Fact[JobAccounting]) -> Verdict:
    outputs = [f for f in files.value.files if f.role == "output"]
    if len(outputs) < MANY:
        return passed(f"{several(len(outputs), 'file')} made: no burden", files)
    used = accounting.value.used_seconds
    if not used:
        raise Unclear(f"{several(len(outputs), 'file')} made, and the run time is not known")
    rate = len(outputs) / used
    said = f"{several(len(outputs), 'file')} made in {duration(used)}: {rate:.0f} a second"
    if rate < STEADY:
        return passed(said)
    return weak(
        said, 'cd "$TMPDIR" && ... && tar -cf "$SLURM_SUBMIT_DIR/results.tar" results   # make them on the node, keep one file'
    )


def piled_checkpoints(files: Fact[DataManifest]) -> Verdict:
    found = [f for f in files.value.files if f.role == "output" and any(c in f.path.lower() for c in CHECKPOINTS)]
    if not found:
        return not_applicable("no output is named like a checkpoint", files)
    total = sum(f.size for f in found)
    said = f"{several(len(found), 'checkpoint')}, {size(total)}"
    if len(found) < PILED:
        return passed(f"{said}: {some(f.path for f in found)}")
    oldest = min(found, key=lambda f: (f.mtime_ns, f.path))
    folder = oldest.path.rpartition("/")[0] or "."
    return weak(
        f"{said} are kept, first {oldest.path}",
        f"ls -t {words([folder])}/* | tail -n +4 | xargs -r rm --   # keep the last three",
    )
