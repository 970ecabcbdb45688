"""What can be held still in a run that does not agree with itself? Each a setting of the experiment, none a change of the code.

Python's own sources of chance are held still by a `sitecustomize` that Python imports at its start (docs, module site). What is no Python
program obeys the variables alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from auditor.replay.bisect.factor import Factor, Layer

THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "JULIA_NUM_THREADS",
)
TOLD = "AUDITOR_HELD_STILL"
"""Names the parts of SITE that are on, with commas."""
FOLDER = "still"


@dataclass(frozen=True)
class Stabiliser:
    """variables: what it sets. part: of SITE. before: words in front of the command, whose first must be here. why: why it is not to be had."""

    id: str
    name: str
    prior: float
    variables: Mapping[str, str] = field(default_factory=dict)
    part: str = ""
    before: tuple[str, ...] = ()


EVERY = (
    Stabiliser("seed", "random numbers start from a fixed seed", 0.35, part="seed"),
    Stabiliser("hash-seed", "PYTHONHASHSEED=0", 0.2, {"PYTHONHASHSEED": "0"}),
    Stabiliser("time", "the clock stands still", 0.15, {"SOURCE_DATE_EPOCH": "1700000000"}, part="time"),
    Stabiliser("threads", "one thread", 0.12, dict.fromkeys(THREADS, "1")),
    Stabiliser("files", "folders are listed in order", 0.1, part="files"),
    Stabiliser("process", "process number and host name are fixed", 0.05, part="process"),
    Stabiliser("addresses", "no randomised addresses (setarch -R)", 0.03, before=("setarch", "-R")),
)
NOT_TO_BE_HAD = ("other programs than Python: their random numbers, clock and order of files", "atomic additions of a GPU")
"""What no stabiliser here reaches; said where none of them helped."""

SITE = '''"""Holds still what AUDITOR_HELD_STILL names. Written by `auditor bisect` for its experiments."""
import os as _os

_on = _os.environ.get("AUDITOR_HELD_STILL", "").split(",")
if "seed" in _on:
    import random as _random
    import sys as _sys
    from importlib.abc import MetaPathFinder as _Finder

    _random.seed(0)
    _plain = _random.Random.__init__
    _random.Random.__init__ = lambda self, x=None: _plain(self, 0 if x is None else x)
    _stream = _random.Random(0)
    _os.urandom = lambda n: _stream.randbytes(n)

    class _NumPy(_Finder):
        """Once numpy.random is there, seeds it, and its generators that get no seed."""

        def find_spec(self, name, path, target=None):
            if name != "numpy.random":
                return None
            _sys.meta_path.remove(self)
            import importlib.util

            spec = importlib.util.find_spec(name)
            run = spec.loader.exec_module

            def seeded(module):
                run(module)
                module.seed(0)
                make = module.default_rng
                module.default_rng = lambda seed=None: make(0 if seed is None else seed)

            spec.loader.exec_module = seeded
            return spec

    _sys.meta_path.insert(0, _NumPy())
if "files" in _on:
    import glob as _glob

    _list, _scan = _os.listdir, _os.scandir

    class _Sorted(list):
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def __next__(self):
            if not self:
                raise StopIteration
            return self.pop(0)

        def close(self):
            self.clear()

    _os.listdir = lambda *a, **k: sorted(_list(*a, **k))
    _os.scandir = lambda *a, **k: _Sorted(sorted(_scan(*a, **k), key=lambda e: e.name))
    _ordered, _lazily = _glob.glob, _glob.iglob
    _glob.glob = lambda *a, **k: sorted(_ordered(*a, **k))
    _glob.iglob = lambda *a, **k: iter(sorted(_lazily(*a, **k)))
if "time" in _on:
    import datetime as _dates
    import time as _time

    _AT = 1700000000
    _time.time, _time.time_ns = (lambda: float(_AT)), (lambda: _AT * 10**9)
    _local, _utc, _write, _asc, _c = _time.localtime, _time.gmtime, _time.strftime, _time.asctime, _time.ctime
    _time.localtime = lambda s=None: _local(_AT if s is None else s)
    _time.gmtime = lambda s=None: _utc(_AT if s is None else s)
    _time.strftime = lambda form, t=None: _write(form, _local(_AT) if t is None else t)
    _time.asctime = lambda t=None: _asc(_local(_AT) if t is None else t)
    _time.ctime = lambda s=None: _c(_AT if s is None else s)

    class _Moment(_dates.datetime):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(_AT, tz)

        @classmethod
        def today(cls):
            return cls.fromtimestamp(_AT)

        @classmethod
        def utcnow(cls):
            return cls.fromtimestamp(_AT, _dates.timezone.utc).replace(tzinfo=None)

    class _Day(_dates.date):
        @classmethod
        def today(cls):
            return cls.fromtimestamp(_AT)

    _dates.datetime, _dates.date = _Moment, _Day
if "process" in _on:
    import platform as _platform
    import socket as _socket
    import uuid as _uuid

    _os.getpid = lambda: 4711
    _socket.gethostname = lambda: "node"
    _platform.node = lambda: "node"
    _uuid.getnode = lambda: 1
'''


def factors(available: frozenset[str]) -> tuple[Factor, ...]:
    """As differences for the same search. available: programs that are here."""
    return tuple(
        Factor(s.id, Layer.ENVIRONMENT, s.name, "as it was", s.name, (("still", s.id),), s.prior, s.name)
        for s in EVERY
        if not s.before or s.before[0] in available
    )


def chosen(ids: frozenset[str]) -> tuple[Stabiliser, ...]:
    return tuple(s for s in EVERY if s.id in ids)


def variables(ids: frozenset[str], folder: str, before: str) -> dict[str, str]:
    """folder: where SITE stands as sitecustomize.py; before: PYTHONPATH as it was."""
    found = {k: v for s in chosen(ids) for k, v in s.variables.items()}
    if parts := [s.part for s in chosen(ids) if s.part]:
        found |= {TOLD: ",".join(parts), "PYTHONPATH": ":".join(filter(None, (folder, before)))}
    return found
