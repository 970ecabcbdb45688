"""What can only be told inside the job? Content that may be gone later, hashed by the guest probes, added to the start record.

    python -I -S injob.py RECORD FINAL-NAME SCRIPT EXTRA MODULE...

Run by snapshot.sh with the submitting interpreter and nothing but its standard library. It may fail in any way: the record is kept.
EXTRA: lines `input=GLOB`, in bash's `printf %b` form.
"""

from __future__ import annotations

import os
import signal
import sys

SECONDS = 5.0
"""What one guest may take, of the clock."""
SCRIPT_BYTES = 4 << 20


def main(argv: list[str]) -> None:
    signal.signal(signal.SIGALRM, _too_long)
    signal.setitimer(signal.ITIMER_REAL, SECONDS, SECONDS)
    record, final, script, extra, *modules = argv
    sys.path.append(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
    _lean_dataclasses()
    from auditor.codec import dumps

    evidence = b"evidence\0" + dumps(look(record, script, extra, modules)) + b"\0end\0\0"
    signal.setitimer(signal.ITIMER_REAL, 0)
    with open(record, "ab", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if file.write(evidence) != len(evidence):  # a full disk: the record is better off without half of it
            file.truncate(size)
    os.rename(record, final)


def _lean_dataclasses() -> None:
    """Load `dataclasses` without `inspect`, a third of our start: it writes signatures into docstrings that nobody reads here."""
    import types

    if sys.version_info < (3, 14) and "inspect" not in sys.modules:
        stand_in = types.ModuleType("inspect")
        stand_in.signature = lambda *_: ""  # type: ignore[attr-defined]
        stand_in.get_annotations = lambda cls: vars(cls).get("__annotations__", {})  # type: ignore[attr-defined]
        sys.modules["inspect"] = stand_in
        try:
            import dataclasses  # noqa: F401  # it keeps the stand-in; whoever else asks gets the real one
        finally:
            del sys.modules["inspect"]


def look(record: str, script: str, extra: str, modules: list[str]) -> object:
    """The guests' evidence, over the real world, as the job of this record."""
    from dataclasses import replace

    from auditor import rawfile
    from auditor.capture import capture
    from auditor.model import Phase
    from auditor.world import RealWorld
    from probes.script.sbatch import marks

    world = RealWorld()
    with open(record, "rb") as file:
        job = rawfile.parse(file.read(rawfile.LIMIT)).job
    text = world.text(script, SCRIPT_BYTES)
    given = tuple(i.removeprefix("input=") for i in unescape(extra).split("\n") if i.startswith("input="))
    said = marks(text)
    job = replace(job, script=text, workdir=world.cwd, inputs=given or said.inputs, outputs=said.outputs)
    for module in modules:
        __import__(module)
    probes = [sys.modules[m].PROBE for m in modules]
    return capture(world, job, Phase.START, probes).evidence


def _too_long(_number: int, _frame: object) -> None:
    """The guest that is at work becomes evidence `failed`; the next one has its own time."""
    raise TimeoutError(f"it took longer than {SECONDS:g} s in the job")


def unescape(text: str) -> str:
    r"""What auditor.submit.bashenv wrote as `\xHH`."""
    head, *rest = text.split("\\x")
    raw = os.fsencode(head) + b"".join(bytes([int(part[:2], 16)]) + os.fsencode(part[2:]) for part in rest)
    return raw.decode("utf-8", "surrogateescape")


if __name__ == "__main__":
    main(sys.argv[1:])
