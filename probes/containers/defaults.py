"""Which doors does each container runtime leave open unless told otherwise? One function a runtime: what was asked in, doors out.

Sources: Apptainer User Guide, "Bind Paths and Mounts" and "Environment and Metadata"; docker-run(1); podman-run(1); ch-run(1); Enroot
doc/cmd/start.md and doc/standard-hooks.md; pyxis args.c; shifter(1) and udiRoot.conf; Sarus User Guide; Slurm "Containers Guide".
Where the site's configuration decides, the state is `unknown` and says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from probes.containers import Door, Doors, State
from probes.containers.asked import Asked

_OPEN, _SHUT, _UNKNOWN = State.OPEN, State.SHUT, State.UNKNOWN
_MOUNT = re.compile(r"(?:^|,)(source|src|destination|dst|target)=([^,]*)")


def _default(state: State, runtime: str, why: str = "") -> Door:
    return Door(state, f"default of {runtime}{f' ({why})' if why else ''}")


def _apptainer(a: Asked) -> Doors:
    shut = _default(_SHUT, "apptainer")
    opened = _default(_OPEN, "apptainer")
    all_of_it = a.door(_SHUT, "-C --containall --compat --oci", "CONTAINALL COMPAT")
    contain = all_of_it or a.door(_SHUT, "-c --contain", "CONTAIN")
    left_out = {name.strip() for value in a.values("--no-mount", "NO_MOUNT") for name in value.split(",")}

    def mount(name: str) -> Door:
        return Door(_SHUT, f"--no-mount={name}") if name in left_out else contain or opened

    home = a.door(_SHUT, "--no-home", "NO_HOME") or _given_home(a) or mount("home")
    network = a.door(_SHUT, "-n --net", "NET UNSHARE_NET")
    return Doors(
        home=home,
        environment=a.door(_SHUT, "-e --cleanenv", "CLEANENV") or all_of_it or opened,
        folder=mount("cwd"),
        temporary=mount("tmp"),
        overlay=a.door(_OPEN, "-o --overlay", "OVERLAY OVERLAYIMAGE") or shut,
        writable=a.door(_OPEN, "-w --writable", "WRITABLE") or shut,
        gpu=a.door(_SHUT, "--no-nv --no-rocm") or a.door(_OPEN, "--nv --nvccli --rocm", "NV NVCCLI ROCM") or shut,
        network=network if network and "host" not in a.values("--network") else opened,
        root=a.door(_OPEN, "-f --fakeroot --add-caps --allow-setuid --keep-privs", "FAKEROOT ADD_CAPS ALLOW_SETUID KEEP_PRIVS")
        or shut,
        binds=tuple(_listed(a, "-B --bind", "BIND BINDPATH")) + tuple(map(_mount, a.values("--mount", "MOUNT"))),
    )


def _given_home(a: Asked) -> Door | None:
    """`--home DIR[:INSIDE]`: that folder takes the place of the home directory."""
    source = next(iter([*a.values("-H --home", "HOME")][-1:]), "").partition(":")[0]
    if not source:
        return None
    same = source in ("~", "$HOME", a.inputs.get("HOME", "~"))
    return Door(_OPEN if same else _SHUT, f"--home={source}")


def _docker(a: Asked) -> Doors:
    shut = _default(_SHUT, a.runtime)
    user = next(iter([*a.values("-u --user")][-1:]), "")
    own = a.door(_OPEN if user.partition(":")[0] in ("0", "root") else _SHUT, "-u --user") if user else None
    devices = [value for value in a.values("--device") if re.search(r"nvidia|/dev/(dri|kfd)|amd\.com", value)]
    network = [*a.values("--network --net")][-1:]
    return Doors(
        home=shut,
        environment=a.door(_OPEN, "--env-host") or shut,
        folder=shut,
        temporary=shut,
        overlay=shut,
        writable=a.door(_OPEN, "--rootfs") or _default(_SHUT, a.runtime, "a new layer each time"),
        gpu=a.door(_OPEN, "--gpus --gpu --nccl --cuda-mpi") or (Door(_OPEN, f"--device={devices[-1]}") if devices else shut),
        network=Door(_OPEN if network == ["host"] else _SHUT, f"--network={network[0]}") if network else shut,
        root=a.door(_OPEN, "--privileged --cap-add")
        or own
        or a.door(_SHUT, "--userns")
        or _default(_UNKNOWN, a.runtime, "root inside, unless the image or a rootless engine says otherwise"),
        binds=(
            *a.values("-v --volume"),
            *map(_mount, a.values("--mount")),
            *(f"container {v}" for v in a.values("--volumes-from")),
        ),
    )


def _charliecloud(a: Asked) -> Doors:
    shut, opened = _default(_SHUT, "ch-run"), _default(_OPEN, "ch-run")
    unset = Door(_SHUT, "--unset-env=*") if "*" in a.values("--unset-env") else None
    return Doors(
        home=a.door(_SHUT, "--no-home") or a.door(_OPEN, "--home") or shut,
        environment=unset or opened,
        folder=shut,
        temporary=a.door(_SHUT, "-t --private-tmp") or opened,
        overlay=shut,
        writable=a.door(_OPEN, "-w --write") or shut,
        gpu=_default(_UNKNOWN, "ch-run", "ch-fromhost puts driver libraries into the image"),
        network=opened,
        root=shut,
        binds=tuple(_listed(a, "-b --bind")),
    )


def _enroot(a: Asked) -> Doors:
    """Enroot, and pyxis, which starts it: what neither an option nor a variable says is the site's `enroot.conf`."""
    pyxis = a.runtime == "pyxis"
    site = _default(_UNKNOWN, a.runtime, "the site's enroot.conf decides")
    shut, opened = _default(_SHUT, a.runtime), _default(_OPEN, a.runtime)
    home = a.door(_OPEN, "--container-mount-home") or a.door(_SHUT, "--no-container-mount-home") or a.switch("MOUNT_HOME")
    root = (
        a.door(_OPEN, "-r --root --container-remap-root") or a.door(_SHUT, "--no-container-remap-root") or a.switch("REMAP_ROOT")
    )
    rw = a.door(_OPEN, "-w --rw --container-writable") or a.switch("WRITABLE") or a.switch("ROOTFS_WRITABLE")
    rw = a.door(_SHUT, "--container-readonly") or rw
    named = a.door(_OPEN, "--container-name", "NAME")
    if pyxis and (rw is None or rw.state is _OPEN):  # a container without a name goes with its task
        rw = (named if rw else None) or (site if named else _default(_SHUT, "pyxis", "removed with its task"))
    devices = a.inputs.get("NVIDIA_VISIBLE_DEVICES", "")
    return Doors(
        home=home or site,
        environment=opened if pyxis else shut,
        folder=shut,
        temporary=site,
        overlay=shut,
        writable=rw or shut,
        gpu=Door(_SHUT if devices in ("void", "none") else _OPEN, "$NVIDIA_VISIBLE_DEVICES") if devices else site,
        network=opened,
        root=root or site,
        binds=tuple(_listed(a, "--container-mounts", "MOUNTS")) + tuple(a.values("-m --mount")),
    )


def _shifter(a: Asked) -> Doors:
    site = _default(_UNKNOWN, a.runtime, "the site's configuration mounts folders")
    shut, opened = _default(_SHUT, a.runtime), _default(_OPEN, a.runtime)
    modules = {name for value in a.values("--module -m", "MODULE") for name in re.split(r"[,;]", value)}
    volumes = [part for value in a.values("--volume -V", "VOLUME") for part in value.split(";") if part]
    return Doors(
        home=site,
        environment=a.door(_SHUT, "--clearenv") or opened,
        folder=site,
        temporary=site,
        overlay=shut,
        writable=shut,
        gpu=Door(_OPEN, "--module=gpu") if "gpu" in modules else _default(_UNKNOWN, a.runtime, "the site's modules"),
        network=opened,
        root=shut,
        binds=(*volumes, *map(_mount, a.values("--mount"))),
    )


def nobody(a: Asked) -> Doors:
    closed = _default(_UNKNOWN, a.runtime or "the engine", "its configuration decides")
    return Doors(closed, closed, closed, closed, closed, closed, closed, closed, closed)


RUNTIMES: dict[str, Callable[[Asked], Doors]] = {
    "apptainer": _apptainer, "docker": _docker, "podman": _docker, "charliecloud": _charliecloud, "enroot": _enroot, "pyxis": _enroot,
    "shifter": _shifter, "sarus": _shifter,
}  # fmt: skip


def _listed(a: Asked, names: str, variables: str = "") -> Iterator[str]:
    for value in a.values(names, variables):
        yield from (part for part in value.split(",") if part and part not in ("ro", "rw"))


def _mount(text: str) -> str:
    """`type=bind,source=/a,target=/b` as `/a:/b`."""
    parts = {("source" if k in ("source", "src") else "target"): v for k, v in _MOUNT.findall(text)}
    return ":".join(v for v in (parts.get("source", ""), parts.get("target", "")) if v) or text
