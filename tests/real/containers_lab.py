"""How do tests get a real Docker engine, a registry and images? Started here, on their own paths and ports, and stopped by pid.

Needs root, `dockerd`, `docker-registry` and a static busybox; no network beyond loopback. The engine keeps its data on a tmpfs,
because on a disk every mount waits for everybody's writes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 30.0
_FOLDERS = ("bin", "dev", "etc", "home", "proc", "root", "run", "sys", "tmp", "var/tmp")
_FILES = {
    "etc/passwd": b"root:x:0:0:root:/root:/bin/sh\n",
    "etc/group": b"root:x:0:\n",
    "etc/hosts": b"127.0.0.1 localhost\n",
    "etc/resolv.conf": b"",
}


def missing_docker() -> list[str]:
    """What an engine and a registry lack here, by name."""
    lacking = [name for name in ("dockerd", "docker-registry", "busybox") if not which(name)]
    return lacking if os.geteuid() == 0 else [*lacking, "root"]


def missing_podman() -> list[str]:
    """What Podman's socket lacks here, by name."""
    lacking = [name for name in ("podman", "runc", "conmon", "busybox") if not which(name)]
    return lacking if os.geteuid() == 0 else [*lacking, "root"]


def missing_charliecloud() -> list[str]:
    lacking = [name for name in ("ch-run", "mksquashfs", "busybox") if not which(name)]
    return lacking if os.access("/dev/fuse", os.R_OK | os.W_OK) else [*lacking, "/dev/fuse"]


def missing_apptainer() -> list[str]:
    return [name for name in ("apptainer", "singularity", "mksquashfs", "busybox") if not which(name)]


def missing_sif() -> list[str]:
    """What it takes to make Singularity images without Apptainer."""
    return [name for name in ("siftool", "mksquashfs", "busybox") if not which(name)]


def which(name: str) -> str:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or ""


@dataclass(frozen=True)
class Engine:
    """A running dockerd, or Podman's service: the path of its socket."""

    socket: str
    podman: bool = False

    @property
    def host(self) -> str:
        return f"unix://{self.socket}"

    def make(self, reference: str, files: Mapping[str, bytes], labels: Mapping[str, str] | None = None) -> str:
        """An image of one layer: busybox and these files. Its diff id, known beforehand: the sha256 of the layer's tar."""
        layer = rootfs(files)
        repository, _, tag = reference.rpartition(":")
        changes = [f'LABEL {name}="{value}"' for name, value in (labels or {}).items()]
        import docker

        client = docker.DockerClient(base_url=self.host)
        try:
            client.api.import_image_from_data(layer, repository=repository, tag=tag, changes=['CMD ["/bin/sh"]', *changes])
            if self.podman and tag != "latest":  # its import does not hear the tag
                client.images.get(f"{repository}:latest").tag(repository, tag)
                client.images.remove(f"{repository}:latest")
        finally:
            client.close()
        return f"sha256:{hashlib.sha256(layer).hexdigest()}"


def rootfs(files: Mapping[str, bytes]) -> bytes:
    """A root file system with busybox as a tar, the same bytes every time."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for folder in _FOLDERS:
            tar.addfile(_member(folder, tarfile.DIRTYPE, 0o755))
        for name, content in {**_FILES, "bin/busybox": Path(which("busybox")).read_bytes(), **files}.items():
            member = _member(name, tarfile.REGTYPE, 0o755 if name.startswith(("bin/", "lib64/ld-")) else 0o644)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name in ("sh", "cat", "echo", "sleep"):
            member = _member(f"bin/{name}", tarfile.SYMTYPE, 0o777)
            member.linkname = "busybox"
            tar.addfile(member)
    return raw.getvalue()


def _member(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = kind, mode, 0
    return member


@contextlib.contextmanager
def docker_engine(folder: Path) -> Iterator[Engine]:
    """A dockerd of our own, without bridge or firewall rules: nothing of it outlives the block."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2g", "tmpfs", str(folder)], check=True)
    path = folder / "d.sock"
    argv = [which("dockerd"), "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "-H", f"unix://{path}"]
    argv += ["--pidfile", f"{folder}/d.pid", "--iptables=false", "--ip6tables=false", "--bridge=none"]
    try:
        with _daemon(argv, folder / "log", lambda: _ping(path)):
            yield Engine(str(path))
    finally:
        _unmount_below(folder)


@contextlib.contextmanager
def containerd_engine(folder: Path) -> Iterator[Engine]:
    """The next Debian's dockerd with the containerd image store; `folder` grows by 400 MB. What it mounts nobody else sees."""
    script = Path(__file__).parents[2] / "ci/newer-docker"
    sockets = folder / "s"
    argv = [str(script), str(folder / "debian"), str(sockets)]
    with _daemon(argv, folder / "log", lambda: _ping(sockets / "d.sock"), seconds=600):
        yield Engine(str(sockets / "d.sock"))


PODMAN_CONF = """[containers]
default_ulimits = ["nofile=1024:4096", "nproc=4096:8192"]
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""
"""Limits below this machine's own, and runc: crun knows no hybrid control groups."""


@contextlib.contextmanager
def podman_engine(folder: Path) -> Iterator[Engine]:
    """Podman's service of our own, as root; images and containers lie on a tmpfs and go with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", str(folder)], check=True)
    path = folder / "p.sock"
    conf, storage = folder / "containers.conf", folder / "storage.conf"
    conf.write_text(PODMAN_CONF + f'tmp_dir = "{folder}/tmp"\n')
    storage.write_text(f'[storage]\ndriver = "overlay"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/data"\n')
    (folder / "registries.conf").write_text('[[registry]]\nlocation = "127.0.0.1"\ninsecure = true\n')
    env = {"CONTAINERS_CONF": str(conf), "CONTAINERS_STORAGE_CONF": str(storage)}
    env["CONTAINERS_REGISTRIES_CONF"] = str(folder / "registries.conf")
    argv = [which("podman"), "system", "service", "--time", "0", f"unix://{path}"]
    try:
        with _daemon(argv, folder / "log", lambda: _ping(path), env):
            yield Engine(str(path), podman=True)
    finally:
        _unmount_below(folder)


@contextlib.contextmanager
def registry(folder: Path) -> Iterator[str]:
    """A registry on a free loopback port, its `host:port`; engines accept it without TLS."""
    folder.mkdir(parents=True, exist_ok=True)
    address = f"127.0.0.1:{_free_port()}"
    conf = folder / "registry.yml"
    conf.write_text(
        f"version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}/blobs}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    with _daemon([which("docker-registry"), "serve", str(conf)], folder / "registry.log", lambda: _answers(address)):
        yield address


ACCEPT = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json"
LIST = "application/vnd.docker.distribution.manifest.list.v2+json"


def push_index(registry: str, repository: str, tag: str, manifest: str) -> str:
    """Give the tag to an index over platforms, of which this manifest is amd64's; the index's digest."""
    where = f"http://{registry}/v2/{repository}/manifests"
    with urllib.request.urlopen(urllib.request.Request(f"{where}/{manifest}", headers={"Accept": ACCEPT}), timeout=10) as answer:
        size, kind = len(answer.read()), answer.headers["Content-Type"]
    entry = {"mediaType": kind, "size": size, "digest": manifest, "platform": {"os": "linux", "architecture": "amd64"}}
    index = json.dumps({"schemaVersion": 2, "mediaType": LIST, "manifests": [entry]}).encode()
    put = urllib.request.Request(f"{where}/{tag}", index, headers={"Content-Type": LIST}, method="PUT")
    with urllib.request.urlopen(put, timeout=10) as answer:
        assert answer.status == 201
    return f"sha256:{hashlib.sha256(index).hexdigest()}"


def sif(path: Path, files: Mapping[str, bytes], recipe: str, group: bool = True) -> Path:
    """A Singularity image made without Apptainer: recipe and a squashfs of busybox with these files."""
    work = path.parent / f"{path.name}.d"
    work.mkdir(parents=True)
    (work / "root").mkdir()
    subprocess.run(["tar", "-xC", work / "root"], input=rootfs(files), check=True)
    (work / "recipe").write_text(recipe)
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    subprocess.run(["mksquashfs", str(work / "root"), str(work / "root.sqfs"), "-quiet", "-no-progress", "-no-xattrs"], **quiet)
    subprocess.run(["siftool", "new", str(path)], **quiet)
    grouped = ["--groupid", "1"] if group else []
    subprocess.run(["siftool", "add", *grouped, "--datatype", "1", str(path), str(work / "recipe")], **quiet)
    part = ["--datatype", "4", "--partfs", "1", "--parttype", "2", "--partarch", "2"]
    subprocess.run(["siftool", "add", *grouped, *part, str(path), str(work / "root.sqfs")], **quiet)
    shutil.rmtree(work)
    return path


@contextlib.contextmanager
def _daemon(
    argv: list[str], log: Path, ready: object, env: Mapping[str, str] | None = None, seconds: float = START_SECONDS
) -> Iterator[None]:
    with log.open("wb") as out:
        child = subprocess.Popen(argv, stdout=out, stderr=out, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})})
    try:
        deadline = time.monotonic() + seconds
        while not ready():  # type: ignore[operator]
            if child.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{argv[0]} did not start: {log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.05)
        yield
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _ping(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(2)
            s.connect(str(path))
            s.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
            return b" 200 " in s.recv(100)
    except OSError:
        return False


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/v2/", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _unmount_below(folder: Path) -> None:
    """Everything mounted at or below this folder, innermost first (the engine leaves a network namespace behind)."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for point in sorted((m for m in mounts if m == str(folder) or m.startswith(f"{folder}/")), key=len, reverse=True):
        subprocess.run(["umount", "-l", point], check=False)
