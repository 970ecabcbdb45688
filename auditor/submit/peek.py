"""Which interpreter will run the script that is being submitted? A guess from the outside; sbatch's options are not parsed.

Lean: `os` only; nothing is consumed, whatever stdin is.
"""

from __future__ import annotations

import os
import stat

HEAD = 65536
STDIN_WAIT = (0.0, 0.01, 0.03)
# options of bash under which BASH_ENV is read and the hook cannot be seen; -v would print it
HARMLESS = frozenset("aefhklmuxBCEHT")


def why_not(argv: list[str], prior: str | None, seen: bytes | None = None) -> str:
    """Why the hook cannot go along, or empty: it can. seen: what `head` told, where it was asked already."""
    if any(a == "--wrap" or a.startswith("--wrap=") for a in argv):
        return "--wrap runs under /bin/sh"
    seen = head(argv) if seen is None else seen
    if not seen:
        return "the script could not be seen before it was submitted"
    words = _first(seen)[2:].decode("utf-8", "surrogateescape").split()
    if words and os.path.basename(words[0]) == "env":
        words = [w for w in words[1:] if w not in ("-S", "--split-string") and "=" not in w]
    if not words or os.path.basename(words[0]) != "bash":
        return f"interpreter {words[0] if words else 'unknown'}"
    for option in words[1:]:
        if option[:1] != "-" or not HARMLESS.issuperset(option[1:]):
            return f"bash is started with {option}"
        if "x" in option and prior:
            return "bash is started with -x, and BASH_ENV is set already"
    return ""


def first_line(argv: list[str]) -> bytes:
    """The `#!` line of the script; empty when there is none."""
    return _first(head(argv))


def head(argv: list[str]) -> bytes:
    """How the first argument that is a script begins, else what waits on stdin; empty when neither begins with `#!`."""
    for word in argv:
        if not word.startswith("-") and (text := _of_file(word)):
            return text
    return _of_stdin()


def trace_mark(seen: bytes) -> str:
    """The way of tracing that the script asks for near its beginning, `#AUDITOR trace=WAY`; empty: none."""
    if b"trace=" not in seen:
        return ""
    from auditor.submit.jobtrace import marked  # paid by those who trace

    return marked(seen)


ENGINES = {
    "dask": (b"dask",),
    "ray": (b"import ray", b"from ray", b"ray.init", b"ray start", b"ray job"),  # `ray` alone is in every `--array`
    "cwltool": (b"cwltool", b"cwl-runner"),
    "snakemake": (b"snakemake",),
    "mlflow": (b"mlflow",),
}
"""What names a system that can be told by a variable to leave a record (auditor.submit.attach)."""
MAX_CALLED = 6


def engines(argv: list[str], seen: bytes) -> tuple[tuple[str, ...], bytes]:
    """Systems that are named in these words, in the script or in the Python and shell files that it names; and all that text."""
    text = b" ".join((*(os.fsencode(a) for a in argv), seen))
    called: list[bytes] = []
    for raw in text.split():
        word = raw.strip(b"\"'();&|").removeprefix(b"$SLURM_SUBMIT_DIR/").removeprefix(b"${SLURM_SUBMIT_DIR}/")
        if word.endswith((b".py", b".sh")) and word not in called and len(called) < MAX_CALLED:
            called.append(word)
    text = b"\n".join((text, *(_begin(os.fsdecode(path)) for path in called)))
    return tuple(name for name, words in ENGINES.items() if any(w in text for w in words)), text


def _of_file(path: str) -> bytes:
    return _script(_begin(path))


def _begin(path: str) -> bytes:
    """Of a plain file; empty for any other."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return b""
    try:
        return os.read(fd, HEAD) if stat.S_ISREG(os.fstat(fd).st_mode) else b""
    except OSError:
        return b""
    finally:
        os.close(fd)


def _of_stdin() -> bytes:
    """Looked at without moving the offset of a file or taking a byte out of a pipe."""
    try:
        mode = os.fstat(0).st_mode
        if stat.S_ISREG(mode):
            return _script(os.pread(0, HEAD, os.lseek(0, 0, os.SEEK_CUR)))
        if stat.S_ISFIFO(mode):
            return _script(_of_pipe())
    except (OSError, ImportError, AttributeError):
        pass
    return b""


def _of_pipe() -> bytes:
    """tee(2) copies what waits in a pipe and leaves it there; the standard library has no other door to it."""
    import ctypes  # paid only by scripts that come through a pipe
    import time

    libc = ctypes.CDLL(None)
    read, write = os.pipe()
    try:
        for pause in STDIN_WAIT:  # `cat script | auditor sbatch`: the writer may need a moment
            time.sleep(pause)
            if libc.tee(0, write, HEAD, 2) > 0:  # 2: SPLICE_F_NONBLOCK
                return os.read(read, HEAD)
        return b""
    finally:
        os.close(read)
        os.close(write)


def _script(head: bytes) -> bytes:
    return head if head.startswith(b"#!") else b""


def _first(head: bytes) -> bytes:
    return head.split(b"\n", 1)[0]
