#!/usr/bin/env python3
"""How does a real Slurm come up on one machine, for tests, and go away without a trace?

    ci/slurmlab.py up ROOT [full|light|cgroup|noauth]     prints `export SLURM_CONF=...`
    ci/slurmlab.py down ROOT

full    munge, MariaDB on a private socket, slurmdbd, slurmctld, four slurmd
light   the same without MariaDB and slurmdbd: no sacct, a job completion file instead
cgroup  light, with cgroup v1 limits: a real OUT_OF_MEMORY (root)
noauth  light without munge: works for a plain user too

Nothing under /etc is read or written; everything lies in ROOT, and `down` stops exactly what `up` started.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

NODES = {
    "cpu1": "CPUs=8 RealMemory=16000 Feature=cpu",
    "cpu2": "CPUs=8 RealMemory=16000 Feature=cpu",
    "gpu1": "CPUs=8 RealMemory=16000 Gres=gpu:a100:4 Feature=a100",
    "mem1": "CPUs=4 RealMemory=200000 Feature=bigmem",
}
SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
NEEDS = {
    "noauth": ("slurmctld", "slurmd", "sbatch"),
    "light": ("slurmctld", "slurmd", "sbatch", "munged"),
    "cgroup": ("slurmctld", "slurmd", "sbatch", "munged"),
    "full": ("slurmctld", "slurmd", "sbatch", "munged", "slurmdbd", "mariadbd"),
}


@dataclass(frozen=True)
class Lab:
    """A Slurm that runs. `conf` is what SLURM_CONF has to say."""

    root: Path
    variant: str
    port: int

    @property
    def conf(self) -> str:
        return str(self.root / "etc/slurm.conf")

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "SLURM_CONF": self.conf, "PATH": f"{os.environ.get('PATH', '')}:{SBIN}"}


def missing(variant: str) -> list[str]:
    """The programs that this variant needs and this machine lacks."""
    where = f"{os.environ.get('PATH', '')}:{SBIN}"
    lacking = [p for p in NEEDS[variant] if not shutil.which(p, path=where)]
    if variant == "cgroup" and (os.geteuid() != 0 or not Path("/sys/fs/cgroup/memory/memory.limit_in_bytes").exists()):
        lacking.append("cgroup v1 memory controller (as root)")
    return lacking


def users() -> tuple[str, str]:
    """Who runs slurmctld and who slurmd: the packaged users as root, else yourself."""
    me = pwd.getpwuid(os.geteuid()).pw_name
    return ("slurm", "root") if me == "root" else (me, me)


def configure(lab: Lab) -> None:
    """Write every configuration file."""
    owner, runner = users()
    r, host = lab.root, socket.gethostname().split(".")[0]
    for name in ("etc", "log", "run", "state", "db", "munge", "spool", "dev"):
        (r / name).mkdir(parents=True, exist_ok=True)
    r.chmod(0o755)
    for g in range(4):
        _fake_gpu(r / f"dev/gpu{g}")
    auth, cred = ("none", "none") if lab.variant == "noauth" else ("munge", "munge")
    tracking = (
        "ProctrackType=proctrack/cgroup\nTaskPlugin=task/cgroup\nJobAcctGatherType=jobacct_gather/cgroup"
        if lab.variant == "cgroup"
        else "ProctrackType=proctrack/linuxproc\nTaskPlugin=task/none\nJobAcctGatherType=jobacct_gather/linux"
    )
    lines = [
        "ClusterName=lab",
        f"SlurmctldHost={host}(127.0.0.1)",
        f"SlurmctldPort={lab.port}",
        f"SlurmUser={owner}",
        f"SlurmdUser={runner}",
        f"AuthType=auth/{auth}",
        f"CredType=cred/{cred}",
        f"SlurmctldPidFile={r}/run/slurmctld.pid",
        f"SlurmdPidFile={r}/run/slurmd.%n.pid",
        f"SlurmctldLogFile={r}/log/slurmctld.log",
        f"SlurmdLogFile={r}/log/slurmd.%n.log",
        f"StateSaveLocation={r}/state",
        f"SlurmdSpoolDir={r}/spool/%n",
        tracking,
        "ReturnToService=2\nSwitchType=switch/none\nMpiDefault=none\nGresTypes=gpu\nDefMemPerCPU=256",
        # nodes may claim more than the machine has; the defaults of the rest make a test wait for seconds
        "SlurmdParameters=config_overrides\nSelectType=select/cons_tres\nSelectTypeParameters=CR_Core_Memory",
        "SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1",
        "MinJobAge=3600\nMaxArraySize=10001\nMaxJobCount=20000\nKillWait=2\nInactiveLimit=0\nSlurmctldTimeout=30\nSlurmdTimeout=60",
        "MessageTimeout=20\nPropagateResourceLimits=NONE\nJobRequeue=1\nPrologFlags=Alloc,Contain\nJobAcctGatherFrequency=task=1",
        *_accounting(lab),
        *(
            f"NodeName={n} NodeHostname={host} NodeAddr=127.0.0.1 Port={lab.port + 10 + i} {x}"
            for i, (n, x) in enumerate(NODES.items())
        ),
        "PartitionName=cpu Nodes=cpu1,cpu2 Default=YES MaxTime=INFINITE State=UP",
        "PartitionName=gpu Nodes=gpu1 MaxTime=INFINITE State=UP",
        "PartitionName=highmem Nodes=mem1 MaxTime=INFINITE State=UP",
    ]
    if lab.variant != "noauth":
        lines.append(f"AuthInfo=socket={r}/run/munge.sock")
    (r / "etc/slurm.conf").write_text("\n".join(lines) + "\n")
    (r / "etc/gres.conf").write_text(f"NodeName=gpu1 Name=gpu Type=a100 File={r}/dev/gpu[0-3]\n")
    constrain = "yes" if lab.variant == "cgroup" else "no"
    # pretend CPUs and GPUs cannot be constrained, memory can
    (r / "etc/cgroup.conf").write_text(
        f"CgroupPlugin=cgroup/v1\nCgroupAutomount=no\nConstrainCores=no\nConstrainDevices=no\nConstrainRAMSpace={constrain}\n"
    )
    if os.geteuid() == 0:
        for name in ("log", "state"):
            shutil.chown(r / name, owner)
        (r / "run").chmod(0o1777)


def _fake_gpu(path: Path) -> None:
    if not path.exists():
        try:
            os.mknod(path, 0o20666, os.makedev(1, 3))
        except PermissionError:
            path.touch()


def _accounting(lab: Lab) -> list[str]:
    r = lab.root
    if lab.variant != "full":
        return ["AccountingStorageType=accounting_storage/none", "JobCompType=jobcomp/filetxt", f"JobCompLoc={r}/log/jobcomp.txt"]
    owner, _ = users()
    dbd = r / "etc/slurmdbd.conf"
    dbd.touch(0o600)
    dbd.write_text(
        f"DbdHost=localhost\nDbdAddr=127.0.0.1\nDbdPort={lab.port + 2}\nSlurmUser={owner}\nAuthType=auth/munge\n"
        f"AuthInfo=socket={r}/run/munge.sock\nPidFile={r}/run/slurmdbd.pid\nLogFile={r}/log/slurmdbd.log\n"
        f"StorageType=accounting_storage/mysql\nStorageHost=localhost\nStorageUser={owner}\nStorageLoc=slurm_acct_db\nCommitDelay=1\n"
    )
    if os.geteuid() == 0:
        shutil.chown(dbd, owner)
    return [
        "AccountingStorageType=accounting_storage/slurmdbd",
        "AccountingStorageHost=127.0.0.1",
        f"AccountingStoragePort={lab.port + 2}",
        f"AccountingStoragePass={r}/run/munge.sock",  # AuthInfo alone is ignored on this link
        "AccountingStorageTRES=gres/gpu,gres/gpu:a100",
        "AccountingStoreFlags=job_script,job_env,job_comment",
        "JobCompType=jobcomp/none",
    ]


def start(lab: Lab) -> None:
    """Bring the daemons up, in order, and wait until every node is idle. Raises RuntimeError with the daemon's log."""
    owner, _ = users()
    if lab.variant != "noauth":
        _munge(lab)
    if lab.variant == "full":
        _mariadb(lab, owner)
        _launch(lab, owner, "slurmdbd", extra={"MYSQL_UNIX_PORT": f"{lab.root}/run/mariadb.sock"})
        _wait(lab, 60, "slurmdbd", lambda: _quiet(lab, "sacctmgr", "-n", "show", "cluster"))
    _launch(lab, owner, "slurmctld", "-f", lab.conf)
    _wait(lab, 30, "slurmctld", lambda: _quiet(lab, "scontrol", "ping"))
    for node in NODES:
        (lab.root / "spool" / node).mkdir(exist_ok=True)
        _launch(lab, None, "slurmd", "-f", lab.conf, "-N", node)
    _wait(lab, 60, "slurmd", lambda: len(set(_say(lab, "sinfo", "-hN", "-t", "idle", "-o", "%N").split())) == len(NODES))
    if lab.variant == "full":
        _wait(lab, 30, "first batch job", lambda: _first_job(lab))


def _first_job(lab: Lab) -> bool:
    """The cluster registers itself with slurmdbd a moment after slurmctld is up; a job that sacct knows proves it."""
    job = _say(lab, "sbatch", "--parsable", "-o", "/dev/null", "-D", "/", "--wrap", "true").strip()
    for _ in range(40):
        if "COMPLETED" in _say(lab, "sacct", "-nXP", "-j", job, "-o", "State"):
            return True
        time.sleep(0.1)
    return False


def _munge(lab: Lab) -> None:
    r = lab.root
    who = "munge" if os.geteuid() == 0 else None
    if who:
        shutil.chown(r / "munge", who)
    (r / "munge").chmod(0o711)
    key = r / "munge/key"
    key.touch(0o600)
    key.write_bytes(os.urandom(128))
    if who:
        shutil.chown(key, who)
    options = {
        "key-file": key,
        "socket": r / "run/munge.sock",
        "pid-file": r / "run/munged.pid",
        "log-file": r / "munge/log",
        "seed-file": r / "munge/seed",
    }
    _launch(lab, who, "munged", *(f"--{k}={v}" for k, v in options.items()), "--num-threads=4")
    _wait(lab, 10, "munged", lambda: _quiet(lab, "munge", "-S", str(r / "run/munge.sock"), "-n"))


def _mariadb(lab: Lab, owner: str) -> None:
    r, root = lab.root, os.geteuid() == 0
    who = "mysql" if root else owner
    pristine = Path("/var/lib/mysql")
    shutil.rmtree(r / "db")
    if root and (pristine / "mysql").is_dir():  # the package's empty data directory: ten seconds saved
        subprocess.run(["cp", "-a", "--reflink=auto", str(pristine), str(r / "db")], check=True)
    else:
        (r / "db").mkdir()
        install = [
            "mariadb-install-db",
            "--no-defaults",
            f"--user={who}",
            f"--datadir={r}/db",
            "--auth-root-authentication-method=socket",
        ]
        subprocess.run([*install, f"--auth-root-socket-user={owner}", "--skip-test-db"], check=True, stdout=subprocess.DEVNULL)
    argv = ["mariadbd", "--no-defaults", f"--user={who}", f"--datadir={r}/db", f"--socket={r}/run/mariadb.sock"]
    argv += [
        f"--pid-file={r}/run/mariadb.pid",
        "--skip-networking",
        "--innodb-buffer-pool-size=128M",
        "--innodb-log-file-size=64M",
    ]
    argv += [
        "--innodb-lock-wait-timeout=900",
        "--innodb-flush-log-at-trx-commit=2",
        "--skip-log-bin",
        f"--log-error={r}/db/error.log",
    ]
    subprocess.run(
        ["setsid", "-f", *argv], env=lab.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    client = ("mariadb", "--no-defaults", "-S", f"{r}/run/mariadb.sock")
    _wait(lab, 60, "mariadbd", lambda: _quiet(lab, *client, "-e", "select 1"))
    sql = f"""create database if not exists slurm_acct_db; create user if not exists '{owner}'@'localhost' identified via unix_socket;
              grant all on slurm_acct_db.* to '{owner}'@'localhost';"""
    subprocess.run([*client, "-e", sql], check=True, env=lab.env)


def _launch(lab: Lab, user: str | None, program: str, *args: str, extra: dict[str, str] | None = None) -> None:
    as_user = user if user and os.geteuid() == 0 and user != "root" else None
    group = pwd.getpwnam(as_user).pw_gid if as_user else None
    done = subprocess.run(
        [shutil.which(program, path=lab.env["PATH"]) or program, *args],
        env={**lab.env, **(extra or {})},
        user=as_user,
        group=group,
        extra_groups=[] if as_user else None,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode:
        raise RuntimeError(f"{program} did not start: {done.stderr or done.stdout}{_log(lab, program)}")


def _quiet(lab: Lab, *argv: str) -> bool:
    return subprocess.run(argv, env=lab.env, stdin=subprocess.DEVNULL, capture_output=True, timeout=30).returncode == 0


def _say(lab: Lab, *argv: str) -> str:
    return subprocess.run(argv, env=lab.env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30).stdout


def _wait(lab: Lab, seconds: float, what: str, done: Callable[[], bool]) -> None:
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise RuntimeError(f"{what} is not up after {seconds:g} s{_log(lab, what)}")
        time.sleep(0.1)


def _log(lab: Lab, program: str) -> str:
    tails = [
        f"\n--- {p.name}\n" + "\n".join(p.read_text(errors="replace").splitlines()[-12:])
        for p in sorted((lab.root / "log").glob(f"{program}*"))
    ]
    return "".join(tails)


def stop(lab: Lab) -> None:
    """End the jobs, then every daemon by its pid file, then what they left behind."""
    if (lab.root / "run/slurmctld.pid").exists():
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(["scancel", "-f", "-u", users()[1]], env=lab.env, capture_output=True, timeout=10)
            for state in ("PENDING", "RUNNING"):
                subprocess.run(["scancel", "-t", state], env=lab.env, capture_output=True, timeout=10)
            end = time.monotonic() + 6
            while _say(lab, "squeue", "-h").strip() and time.monotonic() < end:
                time.sleep(0.1)
    run = lab.root / "run"
    for pidfile in (
        *sorted(run.glob("slurmd.*.pid")),
        *(run / f"{n}.pid" for n in ("slurmctld", "slurmdbd", "mariadb", "munged")),
    ):
        _stop_pid(pidfile)
    _placeholders(lab)
    for node in NODES:
        for folder in Path("/sys/fs/cgroup").glob(f"*/slurm_{node}"):
            for inner, _, _ in os.walk(folder, topdown=False):
                with suppress(OSError):
                    os.rmdir(inner)


def _stop_pid(pidfile: Path) -> None:
    try:
        pid = int(pidfile.read_text())
    except (FileNotFoundError, ValueError):
        return
    for number, patience in ((signal.SIGTERM, 20.0), (signal.SIGKILL, 5.0)):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        end = time.monotonic() + patience
        while _running(pid) and time.monotonic() < end:
            time.sleep(0.03)
    pidfile.unlink(missing_ok=True)


def _running(pid: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def _placeholders(lab: Lab) -> None:
    """A killed stepd leaves `sleep 100000000` and itself behind; they carry our SLURM_CONF."""
    mark = lab.conf.encode()
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (folder / "cmdline").read_bytes()
            if (b"slurmstepd" in words or b"100000000" in words) and mark in (folder / "environ").read_bytes():
                os.kill(int(folder.name), signal.SIGKILL)


@contextmanager
def ports() -> Iterator[int]:
    """A base port whose neighbours that we use are free on loopback, and stay ours while a lab starts: two labs may start at once."""
    for base in range(20000 + os.getpid() % 100 * 64, 32000, 64):
        with ExitStack() as ours, ExitStack() as tried:
            try:
                ours.enter_context(socket.socket(socket.AF_UNIX)).bind(f"\0auditor-lab-{base}")  # a lock that leaves no file
                for port in (base, base + 2, *range(base + 10, base + 10 + len(NODES))):
                    tried.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            tried.close()
            yield base
            return
    raise RuntimeError("no free ports")


@contextmanager
def running(variant: str) -> Iterator[Lab]:
    """A lab for the time of a `with`; whoever uses it sets SLURM_CONF to `lab.conf`."""
    root = Path(tempfile.mkdtemp(prefix="lab-", dir="/tmp"))  # short: unix sockets
    with ports() as port:
        lab = Lab(root, variant, port)
        try:
            configure(lab)
            start(lab)
            yield lab
        finally:
            stop(lab)
            shutil.rmtree(root, ignore_errors=True)


def main(argv: list[str]) -> int:
    match argv:
        case ["up", root, *rest]:
            variant = rest[0] if rest else "full"
            if lacking := missing(variant):
                print(f"missing: {', '.join(lacking)}", file=sys.stderr)
                return 2
            with ports() as port:
                lab = Lab(Path(root).resolve(), variant, port)
                configure(lab)
                (lab.root / "etc/port").write_text(f"{lab.port} {lab.variant}")
                start(lab)
            print(f"export SLURM_CONF={lab.conf}")
        case ["down", root]:
            where = Path(root).resolve()
            port, variant = (where / "etc/port").read_text().split()
            stop(Lab(where, variant, int(port)))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
