"""What did a replay prove? The type that the replay writes, the report shows and the rung rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Sameness(StrEnum):
    """identical, equivalent within tolerance, different, or not run, because."""

    IDENTICAL = "identical"
    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    NOT_RUN = "not-run"


@dataclass(frozen=True)
class OutputVerdict:
    """One output compared. `detail`: for equivalent, the largest difference and tolerance; for different, a readable diff."""

    path: str
    sameness: Sameness
    comparator: str
    detail: str = ""
    expected_sha256: str = ""
    actual_sha256: str = ""


@dataclass(frozen=True)
class Step:
    """One stage of the replay: verify, inputs, environment, run, compare. state: done, skipped, failed."""

    name: str
    state: str
    detail: str


@dataclass(frozen=True)
class ImageVerdict:
    """A container image of the replay beside the one that ran. reference: as the script names it.

    way: `carried`, `here`, `pulled`, `rebuilt`, or `none`: it could not be had. level: how far it is the same image, one of
    `probes.containers.Level`. why: the evidence for both, in words.
    """

    reference: str
    way: str
    level: str
    why: str


@dataclass(frozen=True)
class ReplayVerdict:
    """A replay of one run's bundle. `bundle` is the sha256 of its tagmanifest-sha256.txt."""

    bundle: str
    run_id: str
    sameness: Sameness
    reason: str
    outputs: tuple[OutputVerdict, ...]
    steps: tuple[Step, ...]
    where: str
    """`local` or `slurm:CLUSTER`."""
    same_machine: bool
    """Does the machine's fingerprint equal the original's? Only another machine or cluster raises the last rung."""
    sandbox: str
    """`bubblewrap`, `apptainer`, `docker`, or `none`."""
    environment: str
    """How the environment was had: `rebuilt-from-lock`, `bare-python` (nothing but the standard library is imported), `image-by-digest`,
    `image-rebuilt` (from its recipe; how far it is the same stands in `images`), `host`."""
    started_at: str
    ended_at: str
    auditor: str
    images: tuple[ImageVerdict, ...] = ()
    """One for each image the run named."""
    environment_equal: bool | None = None
    """Is every package of the rebuilt environment the run's, file by file? None: not compared, or not all could be."""
