"""What does a Singularity image file hold? Pure parsing of its header and descriptors; no runtime needed.

Layout: https://github.com/apptainer/sif (pkg/sif, version 01), little-endian and packed: a header of 128 bytes, then a table of
descriptors of 585 bytes, then the objects.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

_HEADER = struct.Struct("<32s10s3s3s16s8q")
_DESCRIPTOR = struct.Struct("<i?3I7q128s384s")
HEAD = 128
MAX_DESCRIPTORS = 4096
MAGIC = b"SIF_MAGIC\0"
MAX_TEXT = 1 << 20
GROUP_MASK = 0xF0000000

_ARCHITECTURES = (
    "",
    "386",
    "amd64",
    "arm",
    "arm64",
    "ppc64",
    "ppc64le",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "s390x",
    "riscv64",
)
TYPES = {
    0x4001: "deffile",
    0x4002: "envvar",
    0x4003: "labels",
    0x4004: "partition",
    0x4005: "signature",
    0x4006: "json",
    0x4007: "generic",
    0x4008: "cryptomsg",
    0x4009: "sbom",
    0x400A: "oci-index",
    0x400B: "oci-blob",
}
_FILE_SYSTEMS = {1: "squashfs", 2: "ext3", 3: "archive", 4: "raw", 5: "encrypted-squashfs", 6: "gocryptfs"}
_PARTITIONS = {1: "system", 2: "primary", 3: "data", 4: "overlay"}
_HASHES = {1: "sha256", 2: "sha384", 3: "sha512", 4: "blake2s", 5: "blake2b"}
_PARTS_LISTS = {
    1: "cyclonedx-json",
    2: "cyclonedx-xml",
    3: "github-json",
    4: "spdx-json",
    5: "spdx-rdf",
    6: "spdx-tag-value",
    7: "spdx-yaml",
    8: "syft-json",
}


class NotSif(ValueError):
    """The bytes are not a Singularity image of a known version, or a damaged one."""


@dataclass(frozen=True)
class Header:
    """The global header. Times in seconds since the epoch, offsets and sizes in bytes. `signed`: the bytes a signature covers."""

    architecture: str
    uuid: str
    created: int
    modified: int
    table_count: int
    table_offset: int
    table_size: int
    signed: bytes


@dataclass(frozen=True)
class Object:
    """One descriptor. `group` and `link` without the mask; `extra` is the type's own 384 bytes."""

    type: str
    code: int
    id: int
    group: int
    link: int
    links_group: bool
    offset: int
    size: int
    created: int
    modified: int
    uid: int
    gid: int
    name: str
    extra: bytes
    raw_name: bytes
    raw_link: int

    @property
    def file_system(self) -> str:
        return _FILE_SYSTEMS.get(struct.unpack_from("<i", self.extra)[0], "") if self.type == "partition" else ""

    @property
    def partition(self) -> str:
        return _PARTITIONS.get(struct.unpack_from("<i", self.extra, 4)[0], "") if self.type == "partition" else ""

    @property
    def encrypted(self) -> bool:
        return self.file_system in {"encrypted-squashfs", "gocryptfs"}

    @property
    def signature_hash(self) -> str:
        return _HASHES.get(struct.unpack_from("<i", self.extra)[0], "") if self.type == "signature" else ""

    @property
    def sbom_format(self) -> str:
        return _PARTS_LISTS.get(struct.unpack_from("<i", self.extra)[0], "") if self.type == "sbom" else ""

    @property
    def blob_digest(self) -> str:
        """The name under which an OCI-SIF keeps this object: `sha256:...`."""
        text = self.extra.rstrip(b"\0").decode("ascii", "replace") if self.type in {"oci-index", "oci-blob"} else ""
        return text if re.fullmatch(r"sha256:[0-9a-f]{64}", text) else ""

    @property
    def fingerprint(self) -> str:
        """Of the signer's PGP key, 40 hex digits; empty for a key without one (PEM, X.509)."""
        raw = self.extra[4:24]
        return raw.hex() if self.type == "signature" and any(raw) else ""


def header(raw: bytes) -> Header:
    """The first 128 bytes. Raises NotSif."""
    if len(raw) < HEAD:
        raise NotSif("cut short: too little for a Singularity image")
    launch, magic, version, arch, uid, created, modified, _free, total, offset, size, *_ = _HEADER.unpack(raw[:HEAD])
    if magic != MAGIC:
        raise NotSif("no SIF magic: not a Singularity image file")
    if version != b"01\0":
        raise NotSif(f"SIF version {version!r} is not known")
    if not (
        0 < total <= MAX_DESCRIPTORS and offset >= HEAD and total * _DESCRIPTOR.size <= size <= MAX_DESCRIPTORS * _DESCRIPTOR.size
    ):
        raise NotSif("the descriptor table's size makes no sense")
    import uuid as _uuid  # six files: opened in a job only for an image

    number = int(arch.rstrip(b"\0") or b"0") if arch.rstrip(b"\0").isdigit() else 0
    return Header(
        architecture=_ARCHITECTURES[number] if number < len(_ARCHITECTURES) else "",
        uuid=str(_uuid.UUID(bytes=uid)),
        created=created,
        modified=modified,
        table_count=total,
        table_offset=offset,
        table_size=size,
        signed=launch + magic + version + uid,
    )


def objects(table: bytes, count: int, file_size: int) -> tuple[Object, ...]:
    """The used descriptors, by id. Raises NotSif when one points outside the file, or two claim one id or the same bytes."""
    found = []
    for at in range(count):
        if (at + 1) * _DESCRIPTOR.size > len(table):
            raise NotSif("the descriptor table is cut short")
        code, used, id_, group, link, offset, size, _pad, created, modified, uid, gid, name, extra = _DESCRIPTOR.unpack_from(
            table, at * _DESCRIPTOR.size
        )
        if not used:
            continue
        if offset < 0 or size < 0 or offset + size > file_size:
            raise NotSif(f"object {id_} lies outside the file: cut short?")
        found.append(
            Object(
                type=TYPES.get(code, f"0x{code & 0xFFFFFFFF:x}"),
                code=code,
                id=id_,
                group=group & ~GROUP_MASK,
                link=link & ~GROUP_MASK,
                links_group=link & GROUP_MASK == GROUP_MASK,
                offset=offset,
                size=size,
                created=created,
                modified=modified,
                uid=uid,
                gid=gid,
                name=name.rstrip(b"\0").decode("utf-8", "surrogateescape"),
                extra=extra,
                raw_name=name,
                raw_link=link,
            )
        )
    _check_apart(found)
    return tuple(sorted(found, key=lambda o: o.id))


def _check_apart(found: list[Object]) -> None:
    """Objects lie one after the other; if all claimed the whole file, hashing them would take for ever."""
    if len({o.id for o in found}) != len(found):
        raise NotSif("two objects have one id")
    end = 0
    for one in sorted((o for o in found if o.size), key=lambda o: o.offset):
        if one.offset < end:
            raise NotSif(f"object {one.id} lies over another")
        end = one.offset + one.size
