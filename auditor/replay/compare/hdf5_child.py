"""Run by hdf5.py in a process of its own: which data sets and attributes of two HDF5 files are not the same? Status 3: no h5py.

hdf5_child.py EXPECTED ACTUAL MEMORY SECONDS. What it prints is described in hdf5.py; equal values are only counted.
"""

from __future__ import annotations

import resource
import sys
from itertools import product
from typing import Any

SLICE = 4 << 20
"""Bytes of one slice of one data set, about."""
MAX_OBJECTS = 200_000


def main(first: str, second: str, memory: int, seconds: int) -> int:
    try:
        import h5py
    except ImportError:
        return 3
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    with h5py.File(first, "r") as a, h5py.File(second, "r") as b:
        _group(h5py, "", a, b, [MAX_OBJECTS])
    return 0


def _group(h5py: Any, path: str, a: Any, b: Any, left: list[int]) -> None:
    _attributes(path or "/", a, b)
    for name in sorted({*a, *b}):
        left[0] -= 1
        if left[0] < 0:
            raise SystemExit("too many objects")
        here = f"{path}/{name}"
        if name not in a or name not in b:
            _say("shape", here, *(("present", "absent") if name in a else ("absent", "present")))
            continue
        one, other = a.get(name, getlink=True), b.get(name, getlink=True)
        if not isinstance(one, h5py.HardLink) or not isinstance(other, h5py.HardLink):
            targets = [f"{type(k).__name__} {getattr(k, 'filename', '')} {getattr(k, 'path', '')}" for k in (one, other)]
            _say("differs", here, *targets) if targets[0] != targets[1] else _say("same", 1)
            continue
        x, y = a[name], b[name]
        if isinstance(x, h5py.Group) and isinstance(y, h5py.Group):
            _group(h5py, here, x, y, left)
        elif isinstance(x, h5py.Dataset) and isinstance(y, h5py.Dataset):
            _dataset(here, x, y)
        elif type(x) is not type(y):
            _say("shape", here, type(x).__name__, type(y).__name__)


def _dataset(path: str, a: Any, b: Any) -> None:
    _attributes(path, a, b)
    if a.shape != b.shape:
        _say("shape", f"{path} shape", a.shape, b.shape)
    elif a.dtype != b.dtype:
        _say("shape", f"{path} type", a.dtype, b.dtype)
    elif a.is_virtual or b.is_virtual or a.external or b.external:
        raise SystemExit(f"{path}: its values lie in other files")
    elif a.shape is None:
        _say("same", 1)
    else:
        first = 0
        for where in _slices(a.shape, a.dtype.itemsize):
            x, y = a[where], b[where]
            _values(path, x, y, first)
            first += int(getattr(x, "size", 1))


def _slices(shape: tuple[int, ...], width: int) -> Any:
    """Blocks of at most about SLICE bytes that cover the array in C order."""
    if not shape:
        return [()]
    if 0 in shape:
        return []
    room = max(1, SLICE // max(1, width))
    steps: list[int] = []
    for length in reversed(shape):
        steps.insert(0, max(1, min(length, room)))
        room = max(1, room // length)
    return product(
        *([slice(s, min(s + step, length)) for s in range(0, length, step)] for length, step in zip(shape, steps, strict=True))
    )


def _values(path: str, x: Any, y: Any, first: int) -> None:
    import numpy

    x, y = numpy.ascontiguousarray(x), numpy.ascontiguousarray(y)
    if x.dtype.kind in "fc" and x.dtype.itemsize in (2, 4, 8, 16) and x.dtype.str[1:] in ("f2", "f4", "f8", "c8", "c16"):
        if numpy.array_equal(x, y) and not numpy.isnan(x).any():
            _say("same", x.size)
        else:
            _numbers(path, x, y, first)
    elif x.dtype.kind in "iub" and x.dtype.names is None:
        _say("same", x.size) if numpy.array_equal(x, y) else _numbers(path, x, y, first)
    else:  # texts, records, references: as they print
        odd = [
            n
            for n, (p, q) in enumerate(zip(x.ravel().tolist(), y.ravel().tolist(), strict=True))
            if repr(p) != repr(q) or "nan" in repr(p)
        ]
        _say("same", x.size - len(odd))
        for n in odd[:100]:
            _say("differs", f"{path}[{first + n}]", repr(x.ravel()[n])[:200], repr(y.ravel()[n])[:200])


def _numbers(path: str, x: Any, y: Any, first: int) -> None:
    raw, other = x.tobytes(), y.tobytes()
    _say("numbers", path, x.dtype.str if x.dtype.str[0] != "|" else f"|{x.dtype.str[1:]}", len(raw), first)
    sys.stdout.buffer.write(raw)
    sys.stdout.buffer.write(other)


def _attributes(path: str, a: Any, b: Any) -> None:
    for name in sorted({*a.attrs, *b.attrs}):
        place = f"{path}@{name}"
        if name not in a.attrs or name not in b.attrs:
            _say("shape", place, *(("present", "absent") if name in a.attrs else ("absent", "present")))
        else:
            x, y = repr(a.attrs[name]), repr(b.attrs[name])
            _say("same", 1) if x == y else _say("differs", place, x[:200], y[:200])


def _say(*words: Any) -> None:
    line = "\t".join(str(w).replace("\t", " ").replace("\n", " ") for w in words)
    sys.stdout.buffer.write(line.encode("utf-8", "surrogateescape") + b"\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
