"""Which image of Apptainer's cache did a run use? A cache written here as Apptainer writes it; the real one is asked in tests/real."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from auditor.model import Absent, Found, Job
from auditor.world import RealWorld
from probes.containers import RanImage, Reference
from probes.containers.cache import Entry, behind, choose, entries, folders, key_of
from probes.containers.ran import collect
from probes.containers.scripts import named

A, B = (f"sha256:{digit * 64}" for digit in "ab")
NAME = "docker://lab.example/app:1"


def reference(text: str = NAME) -> Reference:
    [found] = named(RealWorld(env={}), Job("slurm", "1", script=f"apptainer exec {text} true\n"))
    return found


def entry(digest: str, made: float, origin: str = "lab.example/app:1") -> Entry:
    return Entry(f"/c/oci-tmp/{digest[7:]}", "docker", digest, made, origin)


def test_a_key_is_the_sha256_of_digest_architecture_and_variant() -> None:
    # printf %s "$DIGEST"amd64 | sha256sum, by hand
    assert key_of("b" * 64, "amd64") == "1070310efa1b4a0b5654404007d1039e5a8a7d8d5d4a13b6004805738d728b9f"
    assert key_of("b" * 64, "arm64", "v8") == hashlib.sha256(b"b" * 64 + b"arm64v8").hexdigest()


@pytest.mark.parametrize(
    ("found", "text", "digest", "why"),
    [
        ([], NAME, "", "no image of this name in the cache"),
        ([entry(A, 150)], NAME, A, "made for this name during the run"),
        ([entry(A, 50), entry(B, 150)], NAME, B, "made for this name during the run"),
        ([entry(A, 50), entry(B, 250)], NAME, A, "the only image of this name in the cache; made before"),
        ([entry(A, 50), entry(B, 60)], NAME, "", f"2 images in the cache fit, so it is not known which ran: {A}, {B}"),
        ([entry(A, 120), entry(B, 150)], NAME, "", f"2 images in the cache fit, so it is not known which ran: {A}, {B}"),
        ([entry(A, 50), entry(B, 60)], f"docker://lab.example/app@{B}", B, "its key is that of the digest in the name"),
        ([entry(A, 50, "lab.example/app:2")], NAME, A, "the only image of this name in the cache; made before"),
        ([entry(A, 150, "other.example/app:1")], NAME, "", "no image of this name in the cache"),
        ([entry(A, 150, "docker.io/library/python:3")], "docker://python:3", A, "made for this name during the run"),
        ([entry("", 150)], NAME, "", "made for this name during the run"),
    ],
)
def test_the_image_is_the_one_that_fits_the_run_s_time_or_none(found: list[Entry], text: str, digest: str, why: str) -> None:
    chosen, said = choose(found, reference(text), 100.0, 200.0)
    assert (chosen.digest if chosen else "", said) == (digest, why)


def test_a_packed_image_has_no_name_inside_so_only_one_may_be_there() -> None:
    one, two = (Entry(f"/c/oras/{d}", "oras", d, 150, "") for d in (A, B))
    asked = reference("oras://lab.example/sif:1")
    assert choose([one], asked, 100, 200)[0] == one
    assert choose([one, two], asked, 100, 200)[0] is None


def write(cache: Path, *documents: object) -> list[str]:
    """Blobs of a cache; their digests."""
    folder = cache / "blob/blobs/sha256"
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for document in documents:
        raw = json.dumps(document).encode()
        found.append(f"sha256:{hashlib.sha256(raw).hexdigest()}")
        (folder / found[-1][7:]).write_bytes(raw)
    return found


def test_a_foreign_architecture_s_key_is_found_too(tmp_path: Path) -> None:
    [digest] = write(tmp_path, {})
    keys = {key_of(digest[7:], "arm64", "v8"), "f" * 64}
    assert behind(RealWorld(env={}), str(tmp_path), keys) == {key_of(digest[7:], "arm64", "v8"): digest}


def test_what_is_no_image_in_the_cache_is_an_image_of_which_nothing_is_known(tmp_path: Path) -> None:
    for name in ("oci-tmp/" + "c" * 64, "oci-tmp/other", "oras/" + A, "library/sha256." + "b" * 64):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"no image")
    found = entries(RealWorld(env={}), str(tmp_path))
    assert [(e.transport, e.digest, e.origin) for e in found] == [("docker", "", ""), ("oras", A, ""), ("library", B, "")]


ENDED = {"started_at": "1970-01-01T00:01:40+00:00", "ended_at": "1970-01-01T00:03:20+00:00"}


def ran(home: Path, text: str) -> tuple[RanImage, ...]:
    job = Job("slurm", "1", script=f"apptainer exec {text} true\n", **ENDED)
    found = collect(RealWorld(env={"HOME": str(home)}, cwd=str(home)), job)
    assert isinstance(found, Found), found
    return found.value.images


def test_a_file_s_own_bytes_decide_over_its_name(tmp_path: Path) -> None:
    path = tmp_path / ".apptainer/cache/oras" / A
    path.parent.mkdir(parents=True)
    path.write_bytes(b"other bytes")
    os.utime(path, (150, 150))
    [seen] = ran(tmp_path, "oras://lab.example/sif:1")
    assert seen.image.file == f"sha256:{hashlib.sha256(b'other bytes').hexdigest()}"
    assert f"; named {A}, which its bytes are not; " in seen.image.source


def test_a_manifest_with_other_bytes_is_said_and_not_believed(tmp_path: Path) -> None:
    cache = tmp_path / ".apptainer/cache"
    [digest] = write(cache, {"config": {"digest": A}})
    (cache / "blob/blobs/sha256" / digest[7:]).write_bytes(b"{}")
    (cache / "oci-tmp").mkdir()
    path = cache / "oci-tmp" / key_of(digest[7:], "amd64")
    path.write_bytes(b"no image")
    os.utime(path, (150, 150))
    [seen] = ran(tmp_path, f"docker://lab.example/app@{digest}")
    assert (seen.image.manifest, seen.image.config) == ("", "")
    assert f"the cache's manifest {digest} has other bytes" in seen.image.source


def test_the_cache_is_looked_for_where_the_script_puts_it(tmp_path: Path) -> None:
    script = 'export APPTAINER_CACHEDIR="/scratch/c"\nSINGULARITY_CACHEDIR=$HOME/c\n'
    found = list(folders(RealWorld(env={"HOME": "/h", "SINGULARITY_CACHEDIR": "/s"}), Job("slurm", "1", script=script)))
    assert found == ["/scratch/c/cache", "/h/.apptainer/cache", "/s/cache", "/h/.singularity/cache"]


def test_after_the_end_only_what_is_named_is_looked_for(tmp_path: Path) -> None:
    world = RealWorld(env={"HOME": str(tmp_path)}, cwd=str(tmp_path))
    assert collect(world, Job("slurm", "1", script="true\n", **ENDED)) == Absent("no container image is named")
    absent = collect(world, Job("slurm", "1", script=f"apptainer exec {NAME} true\n", **ENDED))
    assert absent == Absent(f"{NAME}: no image of this name in the cache")
    pulled = collect(world, Job("slurm", "1", script=f"apptainer pull x.sif {NAME}\n", **ENDED))
    assert pulled == Absent("no container image is named")
