"""How does what `docker save` or `skopeo copy dir:` wrote become an OCI image layout that is the same bytes every time?

OCI image-spec, image-layout.md. Blobs keep their bytes, so that their digests stay the ones that ran; only where an engine no
longer has the manifest it was given (`docker save` of the classic store) one is written anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
MAX_JSON = 4 << 20
MAX_LAYERS = 1000
_DOCUMENTS = (MANIFEST, "application/vnd.docker.distribution.manifest.v2+json")


class NotAnImage(Exception):
    """What was written is no image, or not one that can be carried; the message says why."""


@dataclass(frozen=True)
class Blob:
    """A file of the layout: its path in it, where it lies now (or its bytes), size, bare sha256."""

    path: str
    source: str
    data: bytes
    size: int
    sha256: str


def from_archive(archive: str, folder: str) -> tuple[Blob, ...]:
    """The layout of the one image in a `docker save` tar; blobs are written to `folder`. Raises NotAnImage, OSError."""
    try:
        with tarfile.open(archive) as tar:
            told = _json(_bytes(tar, "manifest.json"))
            entry = told[0]
            config, layers = str(entry["Config"]), [str(layer) for layer in entry["Layers"]]
            if len(layers) > MAX_LAYERS:
                raise NotAnImage(f"it has {len(layers)} layers, more than {MAX_LAYERS}")
            digest = hashlib.sha256(_bytes(tar, config)).hexdigest()
            raw = _manifest_in(tar, digest) or _manifest_anew(tar, config, layers, folder)
            wanted = _blobs_of(_json(raw))
            for d in wanted:
                if not os.path.exists(os.path.join(folder, d)):
                    _copy(tar, config if d == digest else f"blobs/sha256/{d}", folder)
    except (tarfile.TarError, KeyError, IndexError, TypeError, ValueError) as error:
        raise NotAnImage(f"what the engine saved is not an image: {error}") from error
    return _layout(raw, wanted, folder)


def from_folder(source: str) -> tuple[Blob, ...]:
    """The layout of an image that `skopeo copy … dir:SOURCE` fetched: its manifest's bytes are kept. Raises NotAnImage, OSError."""
    try:
        raw = _limited(Path(source, "manifest.json"))
        wanted = _blobs_of(_json(raw))
    except (KeyError, TypeError, ValueError) as error:
        raise NotAnImage(f"what was fetched is not an image of one platform: {error}") from error
    return _layout(raw, wanted, source)


def _limited(path: Path) -> bytes:
    if path.stat().st_size > MAX_JSON:
        raise ValueError(f"{path.name} is larger than {MAX_JSON} bytes")
    return path.read_bytes()


def _layout(manifest: bytes, blobs: Sequence[str], folder: str) -> tuple[Blob, ...]:
    digest = hashlib.sha256(manifest).hexdigest()
    kind = _json(manifest).get("mediaType") or MANIFEST
    index = {
        "schemaVersion": 2,
        "manifests": [{"mediaType": kind, "digest": f"sha256:{digest}", "size": len(manifest)}],
    }
    texts = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": canonical(index), f"blobs/sha256/{digest}": manifest}
    made = [Blob(path, "", data, len(data), hashlib.sha256(data).hexdigest()) for path, data in texts.items()]
    for name in dict.fromkeys(blobs):
        path = os.path.join(folder, name)
        made.append(Blob(f"blobs/sha256/{name}", path, b"", os.stat(path).st_size, name))
    return tuple(sorted(made, key=lambda b: b.path))


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


def _manifest_in(tar: tarfile.TarFile, config: str) -> bytes:
    """The manifest that the archive itself carries for this configuration (Docker 25 and later); empty: none that is whole."""
    names = set(tar.getnames())
    if "index.json" not in names:
        return b""
    for raw in _documents(tar, _json(_bytes(tar, "index.json")), names, 0):
        told = _json(raw)
        if told["config"]["digest"] == f"sha256:{config}" and all(f"blobs/sha256/{d}" in names for d in _blobs_of(told)):
            return raw
    return b""


def _documents(tar: tarfile.TarFile, index: Mapping[str, Any], names: set[str], depth: int) -> Iterator[bytes]:
    for entry in index["manifests"][:100]:
        name = f"blobs/sha256/{_hex(entry['digest'])}"
        if name not in names or depth > 3:
            continue
        raw = _bytes(tar, name)
        if f"sha256:{hashlib.sha256(raw).hexdigest()}" != entry["digest"]:
            raise ValueError(f"{name} does not hash to its name")
        told = _json(raw)
        if "manifests" in told:
            yield from _documents(tar, told, names, depth + 1)
        elif "config" in told:
            yield raw


def _manifest_anew(tar: tarfile.TarFile, config: str, layers: Sequence[str], folder: str) -> bytes:
    """Layers as the classic store keeps them, uncompressed: then digest and diff id are one."""
    copied = [_copy(tar, layer, folder) for layer in layers]
    whole = _copy(tar, config, folder)
    return canonical(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": f"sha256:{whole[0]}", "size": whole[1]},
            "layers": [{"mediaType": LAYER, "digest": f"sha256:{digest}", "size": size} for digest, size in copied],
        }
    )


def _copy(tar: tarfile.TarFile, name: str, folder: str) -> tuple[str, int]:
    """One member, links followed within the archive, into `folder` under its sha256."""
    temporary = os.path.join(folder, ".blob")
    digest = hashlib.sha256()
    with _open(tar, name) as source, open(temporary, "wb") as out:
        while piece := source.read(1 << 20):
            digest.update(piece)
            out.write(piece)
        size = out.tell()
    os.replace(temporary, os.path.join(folder, digest.hexdigest()))
    if name.startswith("blobs/sha256/") and name != f"blobs/sha256/{digest.hexdigest()}":
        raise ValueError(f"{name} does not hash to its name")
    return digest.hexdigest(), size


def _blobs_of(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    if manifest.get("mediaType", MANIFEST) not in _DOCUMENTS:
        raise ValueError(f"its manifest is of another kind: {str(manifest.get('mediaType'))[:80]}")
    return (_hex(manifest["config"]["digest"]), *(_hex(layer["digest"]) for layer in manifest["layers"]))


def _hex(digest: str) -> str:
    kind, _, value = digest.partition(":")
    if kind != "sha256" or len(value) != 64 or not set(value) <= set("0123456789abcdef"):
        raise ValueError(f"a digest of another kind: {digest[:80]}")
    return value


def _open(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    found = tar.extractfile(name)
    if found is None:
        raise KeyError(f"{name} is not a file")
    return found


def _bytes(tar: tarfile.TarFile, name: str) -> bytes:
    with _open(tar, name) as file:
        raw = file.read(MAX_JSON + 1)
    if len(raw) > MAX_JSON:
        raise ValueError(f"{name} is larger than {MAX_JSON} bytes")
    return raw


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except RecursionError as error:
        raise ValueError("nested without end") from error


def refused(error: NotAnImage | OSError) -> str:
    """In words, for the recipe."""
    return str(error) if isinstance(error, NotAnImage) else f"{error.strerror or error}"
