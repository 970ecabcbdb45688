"""Which export events did Ray write on this node during the run? Copied into the home before the node is wiped: bounded, plain files only.

    python -I -S attach_ray.py FOLDER      in a job, at its end; the files of sessions since FOLDER/ray-wanted was made

Standard library only, and silent: the job is not to notice. https://docs.ray.io/en/latest/ray-observability/user-guides/configure-logging.html
"""

from __future__ import annotations

import os
import signal
import stat
import sys

SECONDS = 20
MAX_BYTES = 256 << 20
MAX_FILES = 2000
MAX_SESSIONS = 50
HEAD = 1 << 16
WANTED = "ray-wanted"


def copy(folder: str, since: float, environ: dict[str, str] | os._Environ[str] = os.environ) -> int:
    """Bytes copied to FOLDER/ray/SESSION/logs, from sessions of this user that began after `since` (seconds since 1970)."""
    left = MAX_BYTES
    for session in _sessions(environ, since):
        into = os.path.join(folder, "ray", os.path.basename(session), "logs")
        logs = os.path.join(session, "logs")
        left -= _file(os.path.join(logs, "gcs_server.out"), into, HEAD)
        left -= _file(os.path.join(logs, "runtime_env_agent.log"), into, min(left, 16 * HEAD))
        events = os.path.join(logs, "export_events")
        for name in _names(events)[:MAX_FILES]:
            if left <= 0:
                break
            left -= _file(os.path.join(events, name), os.path.join(into, "export_events"), left)
    return MAX_BYTES - left


def _sessions(environ: dict[str, str] | os._Environ[str], since: float) -> list[str]:
    """Folders `session_...` below Ray's own, which nobody but this user made."""
    found = []
    root = os.path.join(environ.get("RAY_TMPDIR") or "/tmp", "ray")
    for name in _names(root):
        path = os.path.join(root, name)
        try:
            seen = os.lstat(path)
        except OSError:
            continue
        mine = stat.S_ISDIR(seen.st_mode) and seen.st_uid == os.geteuid()
        if name.startswith("session_") and mine and _began(path) >= since:
            found.append(path)
    return found[-MAX_SESSIONS:]


def _began(session: str) -> float:
    """When its first log was made: a folder's own time moves on."""
    try:
        return min(
            os.lstat(e.path).st_mtime
            for e in os.scandir(os.path.join(session, "logs"))
            if e.name.endswith((".out", ".log", ".err"))
        )
    except (OSError, ValueError):
        return 0.0


def _names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _file(path: str, into: str, limit: int) -> int:
    """Copy a plain file of this user's; bytes that were copied. An empty one, a link or a strange one is passed over."""
    try:
        source = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return 0
    done = 0
    try:
        seen = os.fstat(source)
        if not stat.S_ISREG(seen.st_mode) or not seen.st_size or seen.st_uid != os.geteuid():
            return 0
        os.makedirs(into, mode=0o700, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        target = os.open(os.path.join(into, os.path.basename(path)), flags, 0o600)
        try:
            while done < limit and (piece := os.read(source, min(1 << 20, limit - done))):
                done += os.write(target, piece)
        finally:
            os.close(target)
    except OSError:
        pass
    finally:
        os.close(source)
    return done


def wanted(folder: str) -> float:
    """When the variable was set for this run; -1 where it was not."""
    try:
        return os.stat(os.path.join(folder, WANTED)).st_mtime
    except OSError:
        return -1.0


def main(argv: list[str]) -> None:
    signal.alarm(SECONDS)
    os.umask(0o077)
    folder = argv[1]
    since = wanted(folder)
    started = os.environ.get("SLURM_JOB_START_TIME", "")
    if since >= 0:
        copy(folder, max(since, float(started) if started.isdecimal() else 0.0) - 1.0)


if __name__ == "__main__":
    main(sys.argv)
