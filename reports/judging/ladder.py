"""How far are two images the same, and which facts say so? Pure.

The ladder of `Level`. A rung is claimed only from facts that both sides know. What differs under the digest of a manifest, a configuration
or a layer may still hold the same files (recompressed, converted, rebuilt), so such a difference alone proves nothing: `different` needs
other files or another platform; under one and the same name it is `same-name-only`, at least by what could be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from probes.containers import ImageFacts, Level
from probes.containers.image import FILES, parse

_HUB = frozenset({"", "docker.io", "index.docker.io", "registry-1.docker.io"})


@dataclass(frozen=True)
class Same:
    """The rung and the sentence that names the evidence; both the same whichever image is asked about first."""

    level: Level
    why: str


def same(a: ImageFacts, b: ImageFacts) -> Same:
    """The strongest rung that facts known of both images prove."""
    for rung in (_bytes, _image, _layers, _files):
        found = rung(a, b)
        if found:
            return found
    return _other(a, b)


def _bytes(a: ImageFacts, b: ImageFacts) -> Same | None:
    if _equal(a, b, "file"):
        return Same(Level.BYTE_SAME, f"the image file's digest is the same: {a.file}")
    manifest = {a.manifest, a.index} & {b.manifest, b.index} & {a.manifest, b.manifest} - {""}
    if manifest:  # what one side calls an index is a manifest if the other side read it as one
        return Same(Level.BYTE_SAME, f"the manifest's digest is the same: {max(manifest)}")
    if _equal(a, b, "index") and _platforms(a, b) is True:
        return Same(Level.BYTE_SAME, f"the index's digest and the platform are the same: {a.index}, {_platform(a)}")
    return None


def _image(a: ImageFacts, b: ImageFacts) -> Same | None:
    if _equal(a, b, "config"):
        return Same(Level.SAME_IMAGE, f"the configuration's digest is the same: {a.config}")
    if _equal(a, b, "partition"):
        recipe = ", and so is its recipe" if _equal(a, b, "definition") else ""
        recipe = ", though another recipe is kept beside it" if _differ(a, b, "definition") else recipe
        return Same(Level.SAME_IMAGE, f"the root file system is the same byte for byte: {a.partition}{recipe}")
    return None


def _layers(a: ImageFacts, b: ImageFacts) -> Same | None:
    if not (a.diff_ids and a.diff_ids == b.diff_ids):
        return None
    what = f"the same {len(a.diff_ids)} layer{'s'[: len(a.diff_ids) != 1]}"
    ours, theirs = _settings(a), _settings(b)
    if not (ours and theirs):
        return Same(Level.SAME_LAYERS, f"{what}; the settings they run with were not compared")
    other = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    if other:
        return Same(Level.SAME_LAYERS_OTHER_SETTINGS, f"{what}, but they run with another {', '.join(other)}")
    return Same(Level.SAME_LAYERS, f"{what}, run with the same settings, packed or described in another way")


def _settings(facts: ImageFacts) -> dict[str, str]:
    """Some builders write down the work directory that is meant when none is."""
    return {name: value for name, value in facts.settings.items() if (name, value) != ("WorkingDir", '"/"')}


def _files(a: ImageFacts, b: ImageFacts) -> Same | None:
    if _trees(a, b) is True:
        return Same(Level.SAME_FILES, f"the same files, by one tree hash: {a.tree}")
    return None


def _other(a: ImageFacts, b: ImageFacts) -> Same:
    """No rung of sameness is proved: which difference is, and does at least the name agree?"""
    proof = next(_proofs(a, b), "")
    signs = ", ".join(said for said, differs in _SIGNS if differs(a, b))
    if _named_alike(a, b) and (proof or signs):
        return Same(Level.SAME_NAME, f"one name, {proof or f'but {signs} differ: whether the files do was not looked at'}")
    if proof:
        return Same(Level.DIFFERENT, proof)
    if signs:
        return Same(
            Level.UNKNOWN, f"{signs} differ, which a rebuild or a conversion of the same files does too: no tree hash settles it"
        )
    if _equal(a, b, "index"):
        return Same(Level.UNKNOWN, f"one index, but not known on both sides which platform of it ran: {a.index}")
    return Same(Level.UNKNOWN, "nothing that identifies an image is known of both")


def _proofs(a: ImageFacts, b: ImageFacts) -> Iterator[str]:
    if _platforms(a, b) is False:
        yield f"for different platforms: {' and '.join(sorted((_platform(a), _platform(b))))}"
    if _trees(a, b) is False:
        yield f"different files: tree hashes {' and '.join(sorted((a.tree, b.tree)))}"


def _equal(a: ImageFacts, b: ImageFacts, fact: str) -> bool:
    return bool(getattr(a, fact)) and getattr(a, fact) == getattr(b, fact)


def _differ(a: ImageFacts, b: ImageFacts, fact: str) -> bool:
    return bool(getattr(a, fact) and getattr(b, fact)) and getattr(a, fact) != getattr(b, fact)


def _of(fact: str) -> Callable[[ImageFacts, ImageFacts], bool]:
    return lambda a, b: _differ(a, b, fact)


_SIGNS: tuple[tuple[str, Callable[[ImageFacts, ImageFacts], bool]], ...] = (
    ("layers", _of("diff_ids")),
    ("root file systems", _of("partition")),
    ("configurations", _of("config")),
    ("manifests", _of("manifest")),
    ("image files", _of("file")),
)


def _trees(a: ImageFacts, b: ImageFacts) -> bool | None:
    """None: not known of both, or by other rules."""
    return a.tree == b.tree if a.tree and b.tree and a.tree_rules == b.tree_rules else None


def _platforms(a: ImageFacts, b: ImageFacts) -> bool | None:
    """None: not known of both, or a variant is known of one only."""
    if not (a.platform and b.platform):
        return None
    x, y = _platform(a).split("/"), _platform(b).split("/")
    if x[:2] != y[:2]:
        return False
    return x == y if len(x) == len(y) else None


def _platform(facts: ImageFacts) -> str:
    """`linux/arm64/v8` is what every `linux/arm64` is."""
    return facts.platform.removesuffix("/v8") if facts.platform.endswith("arm64/v8") else facts.platform


def _named_alike(a: ImageFacts, b: ImageFacts) -> bool:
    name = _name(a.reference)
    return bool(name) and name == _name(b.reference)


def _name(reference: str) -> str:
    """Without transport, default registry and digest, with the default tag; a file is named by its path."""
    text = reference.strip()
    if not text:
        return ""
    is_uri = "://" in text
    if not is_uri and (text.startswith(("/", "./", "../", "~")) or text.lower().endswith(FILES)):
        return text
    parts = parse(text, "apptainer" if is_uri else "docker")
    name = parts.name.removeprefix("library/") if parts.registry in _HUB else f"{parts.registry}/{parts.name}"
    return f"{name}@{parts.digest}" if parts.digest and not parts.tag else f"{name}:{parts.tag or 'latest'}"
