"""How does an OCI image layout become the tar that `docker load` and `podman load` take? The layout, and beside it the list they read."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from probes.containers.layout import facts_of_layout
from probes.containers.oci import DIGEST, BadImage
from reports.archive.engines import NotHad


@contextmanager
def docker_archive(layout: Path, folder: Path) -> Iterator[Path]:
    """A tar in `folder`, gone afterwards. Raises NotHad for a layout whose parts are not what their names say."""
    try:
        told = facts_of_layout(str(layout))
        manifest = json.loads(_blob(layout, told.manifest).read_bytes())
        layers = [_checked(layout, str(layer["digest"])) for layer in manifest["layers"]]
    except (BadImage, ValueError, KeyError, TypeError) as error:
        raise NotHad(f"the image in the bundle is not what it says: {error}") from None
    entry = [{"Config": _name(told.config), "RepoTags": None, "Layers": layers}]
    path = folder / ".load.tar"
    try:
        (folder / ".manifest.json").write_text(json.dumps(entry))
        with tarfile.open(path, "w") as tar:
            tar.add(folder / ".manifest.json", "manifest.json")
            for name in sorted({"oci-layout", "index.json", _name(told.manifest), _name(told.config), *layers}):
                tar.add(layout / name, name, recursive=False)
        yield path
    finally:
        path.unlink(missing_ok=True)
        (folder / ".manifest.json").unlink(missing_ok=True)


def _checked(layout: Path, digest: str) -> str:
    """The layer's path in the layout. Raises BadImage for other bytes than its name says."""
    with (layout / _name(digest)).open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != f"sha256:{found}":
        raise BadImage(f"the layer {digest} has another digest")
    return _name(digest)


def _name(digest: str) -> str:
    if not DIGEST.fullmatch(digest):  # it becomes a path
        raise BadImage(f"{digest[:80]!r} is not a sha256 digest")
    return f"blobs/sha256/{digest.removeprefix('sha256:')}"


def _blob(layout: Path, digest: str) -> Path:
    if not digest:
        raise BadImage("it has no manifest")
    return layout / _name(digest)
