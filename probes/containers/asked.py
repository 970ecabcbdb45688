"""What was a container runtime asked for, by its options and by the variables it reads? One way to put either question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from probes.containers import Door, Reference, State

_NO = frozenset({"", "0", "f", "false", "n", "no", "off"})
_PREFIXES = {
    "apptainer": ("APPTAINER_", "SINGULARITY_"),
    "pyxis": ("PYXIS_CONTAINER_",),
    "enroot": ("ENROOT_",),
    "shifter": ("SHIFTER_",),
}
INPUTS = re.compile(
    r"(?:APPTAINER|SINGULARITY)_(?:BIND|BINDPATH|MOUNT|NV|NVCCLI|ROCM|CLEANENV|CONTAIN|CONTAINALL|COMPAT|WRITABLE|NO_HOME|NO_MOUNT|OVERLAY"
    r"|OVERLAYIMAGE|HOME|ENV_FILE|FAKEROOT|NET|UNSHARE_NET|ADD_CAPS|ALLOW_SETUID|KEEP_PRIVS)$"
    r"|(?:APPTAINER|SINGULARITY)ENV_\w+$|PYXIS_CONTAINER_(?:IMAGE|MOUNTS|WORKDIR|NAME|MOUNT_HOME|REMAP_ROOT|WRITABLE|READONLY|ENV)$"
    r"|ENROOT_(?:MOUNT_HOME|ROOTFS_WRITABLE|REMAP_ROOT)$|NVIDIA_VISIBLE_DEVICES$|SHIFTER(?:_IMAGE|_VOLUME|_MODULE)?$"
    r"|(?:SLURM|SBATCH)_CONTAINER$|HOME$|PWD$"
)
"""Variables that decide which image runs or what the host lets in (Apptainer: `EnvKeys` of its options; pyxis: args.c; Enroot: configuration)."""


@dataclass(frozen=True)
class Asked:
    """options in the order typed, with their values; inputs: the runtime's variables."""

    options: Sequence[tuple[str, str]]
    inputs: Mapping[str, str]
    runtime: str

    def door(self, state: State, names: str = "", variables: str = "") -> Door | None:
        """The door as the last of these options, or else one of these variables, sets it; None where neither is there."""
        found = [f"{n}={v}" if v and n.startswith("--") else f"{n} {v}".strip() for n, v in self.options if n in names.split()]
        if found:
            return Door(state, found[-1])
        name = next((n for n in self._variables(variables) if self.inputs.get(n, "").lower() not in _NO), "")
        return Door(state, f"${name}") if name else None

    def switch(self, variable: str) -> Door | None:
        """A variable that opens when true and shuts when false."""
        name = next((n for n in self._variables(variable) if n in self.inputs), "")
        return Door(State.SHUT if self.inputs[name].lower() in _NO else State.OPEN, f"${name}") if name else None

    def values(self, names: str, variables: str = "") -> Iterator[str]:
        """Every value given to these options, then to these variables."""
        yield from (value for name, value in self.options if name in names.split() and value)
        yield from (self.inputs[n] for n in self._variables(variables) if self.inputs.get(n))

    def _variables(self, names: str) -> list[str]:
        return [f"{prefix}{name}" for prefix in _PREFIXES.get(self.runtime, ("",)) for name in names.split()]


def asked(reference: Reference, inputs: Mapping[str, str]) -> Asked:
    return Asked([_split(text) for text in reference.options], inputs, reference.runtime)


def _split(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=" if text.startswith("--") else " ")
    return name, value
