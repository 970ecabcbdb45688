"""What did a replay prove? The type that the replay writes, the report shows and the rung rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How far a replay goes; each holds the ones before it, except that a smoke run is no part of a full one."""

    VERIFY = "verify"
    INPUTS = "inputs"
    ENVIRONMENT = "environment"
    SMOKE = "smoke"
    FULL = "full"
    REPEAT = "repeat"


class Sameness(StrEnum):
    """identical, equivalent within tolerance, different, or not run, because; not-compared: a smoke run, whose outputs say nothing."""

    IDENTICAL = "identical"
    EQUIVALENT = "equivalent"
    DIFFERENT = "different"
    NOT_RUN = "not-run"
    NOT_COMPARED = "not-compared"


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
class RoundVerdict:
    """One of several runs of the same bundle. sameness: with the first round; of the first: with the original."""

    number: int
    exit_code: int
    sameness: Sameness
    reason: str


@dataclass(frozen=True)
class FedInput:
    """An input that another replay made, and not the bundle. place: as in the recipe; maker: the run id that made it.

    sha256: as it was laid out; same: is it the recorded content?
    """

    place: str
    maker: str
    sha256: str
    same: bool


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
    level: Level = Level.FULL
    """What was asked for."""
    reached: bool | None = None
    """Did it prove what its level promises? None: written before levels were."""
    proved: tuple[str, ...] = ()
    """What this replay showed, in sentences."""
    not_proved: tuple[str, ...] = ()
    """What it did not show, in sentences."""
    smoke: tuple[str, ...] = ()
    """How the run was made smaller."""
    rounds: tuple[RoundVerdict, ...] = ()
    """Where the bundle ran more than once."""
    rules: tuple[str, ...] = ()
    """Tolerances and ignore rules beyond the default, with who says so."""
    unread: tuple[str, ...] = ()
    """Outputs that differ and were not compared more closely than by bytes, with the reason."""
    fed: tuple[FedInput, ...] = ()
    machine: str = ""
    """Fingerprint of the machine that replayed (probes.hardware); under Slurm of the one that submitted."""
    partition: str = ""
    account: str = ""
    """Under Slurm, where they were named."""


@dataclass(frozen=True)
class Link:
    """A run that had to be replayed after another. why: the file that passes between them, or the recorded dependency."""

    before: str
    after: str
    why: str


@dataclass(frozen=True)
class ChainVerdict:
    """Several bundles replayed as a graph: one verdict for each, in the order in which they ran, and the worst of them for all."""

    sameness: Sameness
    reason: str
    verdicts: tuple[ReplayVerdict, ...]
    links: tuple[Link, ...]
    left_out: tuple[str, ...] = ()
    """Bundles that were named and not run, with the reason."""
    schema: int = 1
