"""What was a job to run in, and what shows that it did? The record of a job names its image and its conda file also where both were ignored."""

from __future__ import annotations

import glob
import hashlib
import os
import re
from collections.abc import Mapping

from auditor.world import World
from probes.records.inside import inside
from probes.records.within import relative
from probes.workflows import Digest, Environment, Place
from probes.workflows.snakemake_files.log import Log
from probes.workflows.snakemake_files.metadata import Record, conda_text

MAX_FILES = 200
_NAME = re.compile(r"^name:\s*[\"']?([\w.-]{1,100})", re.MULTILINE)
_DIGEST = re.compile(r"@(sha256|sha512):([0-9a-f]{64,128})$")


class Environments:
    """Of one run: what its log refused and activated. One lookup a record; equal declarations give the same value."""

    def __init__(self, world: World, folder: str, log: Log, before: str) -> None:
        self._log = log
        self._refused = {w: Place(log.path, f"line {s.line}") for w in ("no-conda", "no-container") for s in log.said(w)}
        self._activated = activated(folder, log, before)
        self._modules = [s for s in log.said("activated") if s.fields["kind"].startswith("environment")]
        self._files = _conda_files(world, folder)

    def of(self, record: Record | None, inside_job: Mapping[str, Place] | None = None) -> tuple[Environment, ...]:
        """inside_job: what the job's own log saw activated, where it was submitted."""
        if record is None:
            return ()
        seen = inside_job or self._activated
        return tuple(e for e in (self._container(record, seen), self._conda(record, seen)) if e)

    def modules(self) -> tuple[Environment, ...]:
        """Environment modules that the log saw loaded; of which job, it does not say."""
        return tuple(
            Environment("module", name, enacted=Place(self._log.path, f"line {said.line}"))
            for said in self._modules
            for name in re.findall(r"[^\s,'\"\[\]]+", said.fields["name"])
        )

    def _container(self, record: Record, seen: Mapping[str, Place]) -> Environment | None:
        """deployment/singularity.py: an image that was pulled is `.snakemake/singularity/<md5 of its URL>.simg`; a local one is used in its place."""
        url = record.container
        if not url:
            return None
        image = f"{hashlib.md5(url.encode('utf-8', 'surrogateescape'), usedforsecurity=False).hexdigest()}.simg"
        enacted = next((p for name, p in seen.items() if name == url or os.path.basename(name) == image), None)
        pinned = _DIGEST.search(url)
        return Environment(
            "container",
            url,
            declared=_at(record, "container_img_url"),
            enacted=enacted,
            refused=self._refused.get("no-container"),
            digests=(Digest(pinned[1], pinned[2], "content"),) if pinned else (),
        )

    def _conda(self, record: Record, seen: Mapping[str, Place]) -> Environment | None:
        text = conda_text(record)
        if not text:
            return None
        digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        called = _NAME.search(text)
        name = self._files.get(digest) or (called[1] if called else f"conda file {digest[:12]}")
        used = [place for path, place in seen.items() if "/conda/" in f"/{path}"]
        # which of several was activated, the log tells by a hash of the place where it lies: only a single one is certain
        enacted = used[0] if len(used) == 1 else None
        return Environment(
            "conda",
            name,
            declared=_at(record, "conda_env"),
            enacted=enacted,
            refused=self._refused.get("no-conda"),
            digests=(Digest("sha256", digest),),
        )


def activated(folder: str, log: Log, before: str) -> Mapping[str, Place]:
    """Image or environment, as seen from the folder → where a log says that it was activated."""
    return {relative(folder, s.fields["name"].strip(), before): Place(log.path, f"line {s.line}") for s in log.said("activated")}


def _at(record: Record, key: str) -> Place:
    return Place(record.place.path, f"{record.place.locator}, {key}" if record.place.locator else f"key {key}")


def _conda_files(world: World, folder: str) -> dict[str, str]:
    """sha256 → path of the environment files at the usual places, as they are today."""
    found: dict[str, str] = {}
    paths = [p for sub in ("envs", "workflow/envs") for p in world.glob(f"{glob.escape(folder)}/{sub}/*.y*ml")]
    for path in paths[:MAX_FILES]:
        name = os.path.relpath(path, folder)
        try:
            content = world.read(inside(world, folder, name), 1 << 20)
        except OSError:
            continue
        found[hashlib.sha256(content).hexdigest()] = name
    return found
