"""Which images did a job name, and which ran? The family's types; one probe per way of knowing beside this file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class State(StrEnum):
    """Does a door between host and container stand open?"""

    OPEN = "open"
    SHUT = "shut"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Door:
    """by: what decided it: an option as typed, a variable (`$APPTAINER_NV`), or the runtime's default with its source."""

    state: State
    by: str


@dataclass(frozen=True)
class Doors:
    """What the host lets into one container, by what was typed and by the runtime's documented defaults (`probes.containers.doors`).

    home: the user's home directory is seen; environment: the host's variables pass; folder: so does the folder it was started in;
    temporary: the host's /tmp; binds: `host:inside[:options]` as asked for; overlay: state lies on top of the image; writable: the image's own
    files can change; gpu: the host's driver libraries or devices; network: the host's own network; root: more than the user's own rights.
    variables: names of those set by option.
    """

    home: Door
    environment: Door
    folder: Door
    temporary: Door
    overlay: Door
    writable: Door
    gpu: Door
    network: Door
    root: Door
    binds: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reference:
    """An image as a script names it.

    runtime: `apptainer`, `docker`, `podman`, `sarus`, `charliecloud`, `enroot`, `pyxis`, `shifter`, `slurm-oci`; of an engine whose
    settings do not tell: empty.
    text: as written (where that stands for several images: each as resolved); resolved: with the run's variables filled in, empty when
    some stay unresolved; an image file's path is absolute where the command runs outside of the work directory.
    transport: `file`, `docker` (a registry), `oras`, `library`, `shub`, `docker-daemon`, `docker-archive`, `oci`, `instance`, `directory`,
    `recipe` (a definition file or Dockerfile that the job builds).
    """

    runtime: str
    text: str
    resolved: str
    transport: str
    registry: str
    name: str
    tag: str
    digest: str
    line: int
    unresolved: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    """Options that let the host in: `--nv`, `--bind=x`, `--cleanenv`, `--writable` ... in order; variables they set by name only."""
    file: str = ""
    """The called script that names it; empty: the batch script itself (line 0: the options of `sbatch` and its variables)."""
    action: str = "run"
    """`run`; `fetch`: the command only gets, converts or builds the image."""
    sure: bool = True
    """False: one of several that a branch of the script chooses from."""
    origin: str = ""
    """What the job itself made this image or named container from, as written (`pull`, `build`, `import`, `instance start`)."""
    engine: str = ""
    """`snakemake`, `nextflow`, `cwl`: the workflow engine that reads this line; empty: the shell."""
    step: str = ""
    """The engine's rule or process, or the selector that the setting is for; empty: all of them."""
    enabled: str = "yes"
    """`yes`, `no`, `unknown`: is the engine's container switch on, as far as the text tells?"""
    copy: str = ""
    """The file that the engine makes of the image and runs: named after the address, and never made anew while it is there."""
    doors: Doors | None = None


@dataclass(frozen=True)
class ContainerReferences:
    """Kind of the probe `container-references` (submit): what the batch script and the scripts it calls name."""

    references: tuple[Reference, ...]
    unread: tuple[str, ...] = ()
    """Workflow files that were named and could not be read, and what of the scripts was left out, each with the reason."""


@dataclass(frozen=True)
class ImageIdentity:
    """The same image seen at one moment: cheap facts whose change is drift. Empty: not known.

    state: `ok`, `absent`, `unknown`. For a file: size, mtime_ns and, within the budget, sha256; image_id is `uuid:...` where it is a SIF.
    For an engine's tag: image id as the engine tells it. For a name pinned by digest: that digest. Two sightings differ when
    a field that both know differs.
    """

    reference: str
    state: str
    reason: str
    sha256: str = ""
    size: int = 0
    image_id: str = ""
    engine: str = ""
    mtime_ns: int = 0


@dataclass(frozen=True)
class ContainerIdentities:
    """Kind of the guest probe `container-identity` (submit and start)."""

    images: tuple[ImageIdentity, ...]


@dataclass(frozen=True)
class ContainerMarkers:
    """Kind of the probe `container-markers` (start): is the job script itself inside a container, and which?"""

    inside: str
    """`apptainer`, `docker`, `podman`, `charliecloud`, `shifter`, ... or empty: on the host."""
    evidence: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EngineImage:
    """An image as a Docker or Podman engine knows it. Digests `sha256:...`, empty when not known.

    store: `classic` (image id = config digest) or `containerd` (image id = manifest or index digest).
    manifest_digest: what the name led to; that may be an index's, unless manifest_sure. pullable: `yes`, `no`, `unknown` (the registry was
    not asked). settings: the runtime configuration, as in `ImageFacts`.
    """

    reference: str
    engine: str
    engine_version: str
    store: str
    image_id: str
    config_digest: str
    manifest_digest: str
    repo_digests: tuple[str, ...]
    diff_ids: tuple[str, ...]
    chain_id: str
    os: str
    architecture: str
    created: str
    labels: Mapping[str, str]
    pullable: str = "unknown"
    index_digest: str = ""
    manifest_sure: bool = False
    variant: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class EngineImages:
    """Kind of the probe `docker` (submit, later): docker-py against the local engine."""

    images: tuple[EngineImage, ...]


@dataclass(frozen=True)
class SifSignature:
    """A signature object. kind: `pgp`, `pgp-legacy` (before SIF 1.0), `dsse` (PEM key), `unknown`. integrity_ok: the signed hashes were
    recomputed and match; None when it could not be read. covers: `group 1`, or where it is of some objects only: `object 3`, `objects 1, 3`;
    covers_root: the root file system is among them."""

    kind: str
    fingerprint: str
    integrity_ok: bool | None
    algorithm: str = ""
    covers: str = ""
    covers_root: bool = False


@dataclass(frozen=True)
class SifStage:
    """One stage of a definition file. local: its base lies on one machine only (`localimage`, an archive, a daemon): nobody else can build it.

    files: what `%files` copies in from the building machine; pinned: the base carries a digest.
    """

    name: str
    bootstrap: str
    base: str
    pinned: bool
    local: bool
    files: tuple[str, ...] = ()


@dataclass(frozen=True)
class SifSbom:
    """A list of parts kept in the image. format: `cyclonedx-json`, `spdx-json`, ...; empty: of no known one. Its bytes: `sifread.sboms`."""

    name: str
    format: str
    sha256: str
    size: int


@dataclass(frozen=True)
class SifImage:
    """A Singularity image file, or a bare squashfs file (no uuid), read natively. Digests bare hex, those of OCI `sha256:<hex>`.

    base: the `From:` of the definition's last stage; base_pinned: does it carry a digest? encrypted: nobody without the key sees the root
    file system. overlays: sha256 of each overlay partition, state on top of it. settings: what it runs with, from `oci-config.json`.
    An OCI-SIF holds an OCI image: then there is no partition, but the digests that a registry would know.
    """

    path: str
    size: int
    file_sha256: str
    uuid: str
    architecture: str
    created: str
    partition_sha256: str
    fs_type: str
    definition: str
    definition_sha256: str
    bootstrap: str
    base: str
    base_pinned: bool
    labels: Mapping[str, str]
    objects: tuple[str, ...]
    signatures: tuple[SifSignature, ...]
    stages: tuple[SifStage, ...] = ()
    sboms: tuple[SifSbom, ...] = ()
    encrypted: bool = False
    overlays: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    index_digest: str = ""
    manifest_digest: str = ""
    config_digest: str = ""
    diff_ids: tuple[str, ...] = ()
    tree: str = ""
    """`sha256:...` over the root file system's files by the rules `tree_rules`, where it was taken (`probes.containers.treehash`)."""
    tree_rules: str = ""


@dataclass(frozen=True)
class SifImages:
    """Kind of the probe `sif` (submit, later)."""

    images: tuple[SifImage, ...]


@dataclass(frozen=True)
class ApptainerRuntime:
    """Kind of the probe `apptainer` (submit, later), through spython: version, and `inspect` of each image it can open."""

    version: str
    inspected: Mapping[str, Mapping[str, str]]
    """Path -> labels."""
    errors: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ImageFacts:
    """All that identifies one image, from whatever source it came; what two of these have in common decides how far they are the same.

    Digests `sha256:<hex>`; empty: not known. index: of a multi-platform name; manifest: of this platform; config: of the OCI configuration
    (never an engine's image id as such). file, partition, definition: of a SIF or squashfs file. tree: over the root file system's files by
    the rules `tree_rules` (`probes.containers.treehash.RULES`). settings: the runtime configuration that changes what runs (Env, Cmd,
    Entrypoint, WorkingDir, User), as canonical text by name. source: where each came from, for the reader.
    """

    reference: str
    index: str = ""
    manifest: str = ""
    config: str = ""
    diff_ids: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    uuid: str = ""
    partition: str = ""
    definition: str = ""
    tree: str = ""
    tree_rules: str = ""
    platform: str = ""
    """`linux/amd64`, `linux/arm64/v8`."""
    source: str = ""


class Level(StrEnum):
    """The identity ladder: how far two images are the same, the strongest first. A missing fact is never a difference."""

    BYTE_SAME = "byte-same"
    SAME_IMAGE = "same-image"
    SAME_LAYERS = "same-layers"
    SAME_LAYERS_OTHER_SETTINGS = "same-layers-other-settings"
    SAME_FILES = "same-files"
    SAME_NAME = "same-name-only"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class RanImage:
    """One container that really ran, as far as traces tell. how: `inside` (the job's script was in it), `cache` (Apptainer's own cache),
    `instance`, `engine` (a container of Docker or Podman). typed: the name it was started by; image: without digests where several fit."""

    runtime: str
    how: str
    typed: str
    image: ImageFacts
    evidence: str
    """The trace itself, in words a reader can follow: path, variable, key."""


@dataclass(frozen=True)
class RanImages:
    """Kind of the probe `container-ran` (start, later): what ran, not what was typed."""

    images: tuple[RanImage, ...]


@dataclass(frozen=True)
class RegistryImage:
    """What a registry says of a name today. state: `there`, `gone`, `denied`, `unreachable`. Digests recomputed from the bytes."""

    reference: str
    state: str
    reason: str
    image: ImageFacts
    by_digest: str = ""
    """State of the digest that ran, asked by itself: the tag may have moved while the content is still there."""


@dataclass(frozen=True)
class RegistryImages:
    """Kind of the probe `registry` (submit, later; only where the user allows asking registries)."""

    images: tuple[RegistryImage, ...]
