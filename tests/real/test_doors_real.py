"""Is a container really as open as was read from the command line that started it? Looked at from inside, runtime by runtime."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import containers_lab
import pytest
from containers_lab import Engine

from probes.containers import State
from probes.containers.scripts import references
from tests.needs import need

NOBODY = 65534
HOME, FOLDER, TEMPORARY, PASSED = "/root", "/srv", "/tmp", "LEAKED"
# the same inode inside and outside is the same folder
LOOK = (
    f"for f in {HOME} {FOLDER} {TEMPORARY}; do /bin/busybox stat -c %d:%i $f 2>/dev/null || echo -; done; "
    f"/bin/busybox readlink /proc/self/ns/net; echo ${PASSED}"
)
Seen = dict[str, State]


def observed(*argv: str, home: str = HOME, folder: str = FOLDER, environ: dict[str, str], user: int | None = None) -> Seen:
    """Which doors stand open to the program inside."""
    look = LOOK.replace(f"{HOME} {FOLDER}", f"{home} {folder}")
    as_user = {} if user is None else {"user": user, "group": user, "extra_groups": []}
    environ = {**environ, PASSED: "yes"}
    done = subprocess.run(
        [*argv, "/bin/sh", "-c", look], env=environ, cwd=folder, capture_output=True, text=True, timeout=120, **as_user
    )
    assert done.returncode == 0, done.stderr
    *inside, network, passed = done.stdout.splitlines()
    outside = [f"{s.st_dev}:{s.st_ino}" for s in map(os.stat, (home, folder, TEMPORARY))]
    same = [*(a == b for a, b in zip(inside, outside, strict=True)), network == os.readlink("/proc/self/ns/net"), passed == "yes"]
    names = ("home", "folder", "temporary", "network", "environment")
    return {name: State.OPEN if is_open else State.SHUT for name, is_open in zip(names, same, strict=True)}


def told(line: str, names: Seen, home: str = HOME, folder: str = FOLDER, **environ: str) -> Seen:
    """What is read from the line, of the same doors."""
    [found] = references(f"cd {folder}\n{line}", {"HOME": home, **environ})
    return {name: getattr(found.doors, name).state for name in names}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="auditor-") as folder:
        root = Path(folder, "box")
        root.mkdir()
        Path(folder).chmod(0o755)
        subprocess.run(["tar", "-xC", root], input=containers_lab.rootfs({}), check=True)
        (root / "srv").mkdir()
        yield root


@pytest.mark.apptainer
@pytest.mark.parametrize(
    ("options", "environ"),
    [
        ("", {}),
        ("--contain", {}),
        ("--cleanenv", {}),
        ("--containall", {}),
        ("--no-home", {}),
        ("--no-mount tmp,cwd", {}),
        ("-c -B /tmp:/tmp", {}),
        ("-c -B /root", {}),
        ("-H /tmp", {}),
        ("", {"APPTAINER_CONTAIN": "1"}),
        ("", {"APPTAINER_CLEANENV": "1", "APPTAINER_NO_HOME": "true"}),
        ("--contain", {"APPTAINER_BIND": "/srv"}),
        ("--env LEAKED=yes -e", {}),
    ],
    ids=str,
)
def test_apptainer_lets_in_what_was_read(sandbox: Path, apptainer: str, options: str, environ: dict[str, str]) -> None:
    base = {"PATH": os.environ["PATH"], "HOME": HOME, "APPTAINER_DROP_CAPS": "CAP_SYS_RESOURCE", **environ}
    seen = observed("apptainer", "-s", "exec", *options.split(), str(sandbox), environ=base)
    if "--env" in options:  # it is shut, and one variable was handed in by name
        seen["environment"] = State.SHUT
    assert told(f"apptainer exec {options} {sandbox} a", seen, **environ) == seen


@pytest.mark.docker
@pytest.mark.parametrize(
    "options",
    [
        "",
        "-v /root:/root",
        "-v /srv:/srv -v /tmp:/tmp",
        "--network host",
        "--mount type=bind,source=/,target=/host -v /:/root:ro",
    ],
)
def test_docker_lets_in_what_was_read(docker_engine: Engine, options: str) -> None:
    docker_engine.make("lab/doors:1", {"srv/x": b""})
    network = () if "--network" in options else ("--network=none",)
    argv = ("docker", "run", "--rm", *network, *options.split(), "lab/doors:1")
    seen = observed(*argv, environ={"PATH": os.environ["PATH"], "HOME": HOME, "DOCKER_HOST": docker_engine.host})
    read = told(f"docker run {options} lab/doors:1 a", seen)
    if "/host" in options:  # the whole disk is there, under other names
        seen |= {"home": State.OPEN, "folder": State.OPEN, "temporary": State.OPEN}
    assert read == seen


@pytest.mark.parametrize("options", ["", "--private-tmp", "--unset-env=*", "-b /srv:/srv"])
def test_charliecloud_lets_in_what_was_read(sandbox: Path, options: str) -> None:
    need(*containers_lab.missing_charliecloud())
    (sandbox / "mnt").mkdir(exist_ok=True)
    base = {"PATH": os.environ["PATH"], "USER": "nobody", "HOME": FOLDER}
    argv = ("ch-run", "--no-home", *options.split(), str(sandbox), "--")
    seen = observed(*argv, environ=base, user=NOBODY)
    assert told(f"ch-run --no-home {options} {sandbox} -- a", seen) == seen
