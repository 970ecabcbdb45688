"""What does somebody need to run this again? The machine-readable `replay.json` of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from probes.containers import ImageFacts

RTOL = 1e-6
"""Relative: about ten float32 ulps (2**-23), what reordering a short sum moves; a change of method moves more."""
ATOL = 1e-12
"""Absolute: rounding noise of doubles around zero."""

MANY = 500
"""Files of one role that are named one by one though they are not carried; a checksum list holds them all."""

LISTS = {"input": "manifests/inputs.sha256", "expected": "manifests/outputs.sha256"}


@dataclass(frozen=True)
class RecipeFile:
    """A file of the run. role: `code`, `input`, `expected` (an output), `log` (what the job printed).

    place: where the job finds it, relative to its work directory, or absolute when it lay elsewhere. sha256: of the original.
    carried: its path in the crate; empty: not carried, because of `reason`. redacted: secrets were taken out of the copy.
    mapped: paths in it have public names (`Recipe.paths`), which a replay puts back.
    """

    role: str
    place: str
    sha256: str
    size: int
    carried: str = ""
    redacted: bool = False
    reason: str = ""
    mapped: bool = False


@dataclass(frozen=True)
class RecipeDataset:
    """A registered data set, or its folder `part`, that the run read at `place` (as in RecipeFile). It is never carried.

    digest: `sha256:<hex>` of its tree (`auditor manifest`); size in bytes; version, DOI, licence and URL as registered, or empty.
    """

    place: str
    name: str
    part: str
    digest: str
    files: int
    size: int
    version: str = ""
    doi: str = ""
    license: str = ""
    url: str = ""


@dataclass(frozen=True)
class RecipeImage:
    """A container image as the script names it, and by content: `sha256` of a file, or an engine's `image_id`.

    pull: what fetches exactly this one (`NAME@sha256:...`), empty when it has no digest of its own anywhere. facts: all that is
    known of what ran, to judge another copy by. carried: crate path of a file (`form` `file`) or of an OCI image layout
    (`form` `oci-layout`); empty: not carried, because of `reason`. size: its bytes. definition: crate path of what it was built
    from (`builder`: `apptainer` or `dockerfile`).
    """

    runtime: str
    reference: str
    transport: str
    sha256: str = ""
    image_id: str = ""
    pull: str = ""
    facts: ImageFacts | None = None
    carried: str = ""
    form: str = ""
    size: int = 0
    reason: str = ""
    definition: str = ""
    builder: str = ""
    typed: str = ""
    """The name with its variables, where it has some: in a replay they may hold something else."""
    made: str = ""
    """The image file that the job itself made of it (`apptainer pull`), and ran; `sha256` is then that file's."""
    whole: bool = False
    """The batch script itself ran in it (Pyxis, or started inside), not only what the script starts."""


@dataclass(frozen=True)
class Asked:
    """Resources: memory in bytes, time in seconds; None: not known."""

    cpus: int | None = None
    memory: int | None = None
    seconds: int | None = None
    gpus: int | None = None
    nodes: int | None = None


@dataclass(frozen=True)
class Original:
    """How it went the first time. fingerprint: of the machine (probes.hardware)."""

    state: str = ""
    exit_code: int | None = None
    signal: int | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    memory: int | None = None
    fingerprint: str = ""
    cpu_model: str = ""


@dataclass(frozen=True)
class Recipe:
    """Everything a replay needs, and what it must come out as. Unknown texts are empty.

    script: place of the batch script. array_task: the task's number, empty when it was no array.
    python: version of the interpreter that the packages belong to; prefix: where it lay; requirements: crate path of the lock.
    """

    run_id: str
    name: str
    scheduler: str
    cluster: str
    job_id: str
    attempt: int
    workdir: str
    script: str
    interpreter: str
    arguments: tuple[str, ...]
    command: tuple[str, ...]
    """What was typed."""
    array_task: str
    environment: Mapping[str, str]
    files: tuple[RecipeFile, ...]
    python: str
    prefix: str
    interpreter_path: str
    requirements: str
    packages: int
    images: tuple[RecipeImage, ...]
    modules: tuple[str, ...]
    asked: Asked
    original: Original
    rtol: float = RTOL
    atol: float = ATOL
    gaps: tuple[str, ...] = ()
    """What the bundle cannot give, in words."""
    auditor: str = ""
    schema: int = 1
    tolerances: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """Output place -> (rtol, atol) where the author set another tolerance."""
    listed: Mapping[str, str] = field(default_factory=dict)
    """Role -> checksum list of the crate, where `files` names only the first MANY of those that are not carried."""
    datasets: tuple[RecipeDataset, ...] = ()
    paths: Mapping[str, str] = field(default_factory=dict)
    """Of a shared bundle: public name of a folder (`/$HOME`) -> where a replay may put it; of the work directory's, an empty text."""
