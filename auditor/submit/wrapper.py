"""How does `auditor sbatch` stay sbatch to whoever calls it? Run the real one, copy its output, pick out the id, look later.

argv, stdin, stderr, environment and working directory go through untouched, the exit status or the deadly signal comes back. Looking
is a detached child's work (auditor.submit.child). This is the hot path: `os` and `sys`, no dataclasses, no re, no json.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # `signal` builds enums, which takes longer than all the rest
import os
import sys

from auditor.submit.along import OWN, home, hooked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

FORWARDED = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGALRM")
PLAIN = (
    f"{OWN}no-hook",
    f"{OWN}no-attach",
    f"{OWN}libraries",
    *(f"{OWN}trace{way}" for way in ("", "=auto", "=strace", "=preload")),
)
VALUED = (f"{OWN}label=", f"{OWN}input=", f"{OWN}output=")
NO_SBATCH = 2


def main(argv: list[str]) -> int:
    """Exit status of sbatch; 2 when there is no sbatch. Ends this process by sbatch's own signal if it died of one."""
    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # no traceback for a Ctrl-C before sbatch runs
    own, argv = split(argv)
    if wrong := [o for o in own if o not in PLAIN and not o.startswith(VALUED)]:
        hint = "ours are --auditor-no-hook, -no-attach, -libraries, -trace[=auto|strace|preload], -label=NAME, -input=GLOB, -output=GLOB"
        return _complain(f"there is no switch {wrong[0]}", hint)
    exe = real_sbatch(os.environ.get("PATH", os.defpath), sys.argv[0])
    if not exe:
        return _complain(
            "sbatch is not in PATH", "load your site's Slurm module, or use `auditor run` where there is no scheduler"
        )
    submission = os.urandom(8).hex()
    env, hook = hooked(own, argv, submission, exe)
    return _Submission(exe, own, argv, submission, hook, env).run()


def split(argv: list[str]) -> tuple[list[str], list[str]]:
    """Our switches, which come first, and what is sbatch's."""
    n = 0
    while n < len(argv) and argv[n].startswith(OWN):
        n += 1
    return argv[:n], argv[n:]


def real_sbatch(path: str, me: str) -> str:
    """The first sbatch in this PATH that is not one of ours; empty if there is none."""
    own = os.path.realpath(me)
    for folder in path.split(":"):
        exe = os.path.join(folder or ".", "sbatch")
        if os.access(exe, os.X_OK) and os.path.isfile(exe) and os.path.realpath(exe) != own and not _is_shim(exe):
            return exe
    return ""


def _is_shim(exe: str) -> bool:
    try:
        with open(exe, "rb", buffering=0) as file:
            return b"auditor.submit.wrapper" in file.read(2048)
    except OSError:
        return False


def job_of(line: bytes) -> tuple[str, str]:
    """Job id and cluster of a line of sbatch's stdout; empty if it names none.

    `Submitted batch job 7`, `Submitted batch job 7 on cluster c`, with --parsable `7` and `7;c`.
    """
    rest = line.strip().removeprefix(b"Submitted batch job ").replace(b" on cluster ", b";", 1)
    number, _, cluster = rest.partition(b";")
    if number.isdigit() and b" " not in cluster:
        return number.decode(), cluster.decode("utf-8", "surrogateescape")
    return "", ""


def is_quiet(argv: list[str]) -> bool:
    """May sbatch print no id at all (-Q, --quiet)? Saying yes too often does no harm."""
    return any(("--quiet".startswith(a) and len(a) > 3) or (a[:1] == "-" and a[1:2] != "-" and "Q" in a) for a in argv)


def _complain(message: str, hint: str) -> int:
    sys.stderr.write(f"auditor: {message}\n  hint: {hint}\n")
    return NO_SBATCH


class _Submission:
    """One call of the real sbatch: its process, what it printed, the signals that came meanwhile."""

    def __init__(self, exe: str, own: list[str], argv: list[str], submission: str, hook: str, env: Mapping[str, str]) -> None:
        self.exe, self.own, self.argv, self.env = exe, own, argv, env
        self.facts = (submission, hook)
        self.pid = 0
        self.early: list[int] = []
        self.looked = False
        self.deaf = False

    def run(self) -> int:
        for name in FORWARDED:
            number = getattr(_signal, name)
            if _signal.getsignal(number) is not _signal.SIG_IGN:  # nohup stays nohup
                _signal.signal(number, self._forward)
        try:
            source = self._start()
        except OSError as error:
            return _complain(f"{self.exe} does not start: {error.strerror}", "try it without auditor")
        for number in self.early:
            self._kill(number)
        if source >= 0:
            self._copy(source)
        status = os.waitpid(self.pid, 0)[1]
        if not self.looked and status == 0 and (source < 0 or is_quiet(self.argv)):
            self._look("", "")
        return self._end(status)

    def _start(self) -> int:
        """Start sbatch with its stdout in a pipe; the end to read from, or -1 when our own stdout is closed."""
        defaults = [_signal.SIGPIPE, _signal.SIGXFSZ]  # Python ignores these two, sbatch must not inherit that
        try:
            os.fstat(1)
        except OSError:
            self.pid = os.posix_spawn(self.exe, ["sbatch", *self.argv], self.env, setsigdef=defaults, setsid=True)
            return -1
        read, write = os.pipe()
        # without an id to read, the job is found by the session that submitted it; a script typed on a terminal needs the terminal
        own_session = is_quiet(self.argv) and not (os.isatty(0) and not any(os.path.isfile(a) for a in self.argv))
        files = [(os.POSIX_SPAWN_DUP2, write, 1)]
        self.pid = os.posix_spawn(
            self.exe, ["sbatch", *self.argv], self.env, file_actions=files, setsigdef=defaults, setsid=own_session
        )
        os.close(write)
        return read

    def _copy(self, source: int) -> None:
        """stdout as it comes; once the id is in it, looking starts, while sbatch --wait may go on for hours."""
        seen = b""
        while block := os.read(source, 65536):
            self._write(block)
            if not self.looked and len(seen) < 65536:
                seen += block
                for line in seen.split(b"\n")[:-1]:
                    job, cluster = job_of(line)
                    if job and not self.looked:
                        self._look(job, cluster)
        os.close(source)

    def _write(self, block: bytes) -> None:
        try:
            while block and not self.deaf:
                block = block[os.write(1, block) :]
        except BrokenPipeError:
            self.deaf = True
        except OSError:  # a full disk: sbatch does not notice either
            pass

    def _look(self, job: str, cluster: str) -> None:
        self.looked = True
        try:
            from auditor.submit.detach import look

            look(home(os.environ), (job, cluster, str(self.pid), self.exe, *self.facts), self.own, self.argv)
        except Exception:  # noqa: BLE001  # the job is submitted; nothing may be said about it here
            pass

    def _forward(self, number: int, _frame: object) -> None:
        if self.pid:
            self._kill(number)
        else:
            self.early.append(number)

    def _kill(self, number: int) -> None:
        try:  # noqa: SIM105  # contextlib is not loaded here
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass

    def _end(self, status: int) -> int:
        if os.WIFSIGNALED(status):
            _die(os.WTERMSIG(status))
        if self.deaf:
            _die(_signal.SIGPIPE)
        return os.WEXITSTATUS(status)


def _die(number: int) -> None:
    """By this signal, without a core of our own."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    _signal.signal(number, _signal.SIG_DFL)
    os.kill(os.getpid(), number)
