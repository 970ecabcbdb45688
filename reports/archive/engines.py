"""How are container engines asked to hand out, take in, fetch or build exactly one image? Through their own command lines, each bounded in time.

Everything here names images by digest or id; nothing here decides whether it may be done.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from auditor.world import Ran, World
from probes.containers import EngineImage, Reference
from probes.containers.engineimage import image_of, store_of

ASK_SECONDS = 15.0
MOVE_SECONDS = 1800.0
"""A pull, save, load or conversion of one image."""
BUILD_SECONDS = 7200.0
_LOOPBACK = re.compile(r"(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?/")


class NotHad(Exception):
    """The image could not be had this way; the message is one sentence for a person."""


def do(world: World, *argv: str, seconds: float, cwd: str | None = None, env: Mapping[str, str] | None = None) -> Ran:
    """Run to a good end. Raises NotHad: no such program, no answer in time, or what it complained about, in one line."""
    name = os.path.basename(argv[0])
    try:
        ran = world.run(*argv, timeout=seconds, cwd=cwd, env=env)
    except FileNotFoundError:
        raise NotHad(f"{name} is not on this machine") from None
    except TimeoutError:
        raise NotHad(f"{name} {argv[1]} gave no answer in {seconds:g} s") from None
    except OSError as error:
        raise NotHad(f"{name} cannot be asked: {error.strerror or error}") from None
    if ran.code:
        raise NotHad(f"{name} {argv[1]}: {complaint(ran.err or ran.out)}")
    return ran


def complaint(text: str) -> str:
    """The line that says what went wrong: the first that is marked as such, else the last."""
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in text.splitlines()]
    marked = [line for line in lines if re.match(r"(?:FATAL|ERROR|Error)\b", line)]
    return (marked or [line for line in lines if line] or ["no message"])[-1][:300]


# ---- Docker and Podman ----


def inspect(engine: str, name: str, world: World) -> Mapping[str, Any] | None:
    """What the engine says of an image; None: it has none of that name. Raises NotHad when it cannot be asked."""
    try:
        ran = world.run(engine, "image", "inspect", name, timeout=ASK_SECONDS)
    except FileNotFoundError:
        raise NotHad(f"{engine} is not on this machine") from None
    except (OSError, TimeoutError) as error:
        raise NotHad(f"{engine} cannot be asked: {error}") from None
    if ran.code:
        if re.search(r"no such image|not known|not found", ran.err, re.IGNORECASE):
            return None
        raise NotHad(f"{engine} image inspect: {complaint(ran.err)}")
    try:
        told = json.loads(ran.out)[0]
    except (ValueError, IndexError, KeyError) as error:
        raise NotHad(f"{engine} image inspect: not an answer ({error})") from None
    return told if isinstance(told, dict) else None


def engine_image(engine: str, name: str, reference: Reference, world: World) -> EngineImage | None:
    """The same as our own type."""
    told = inspect(engine, name, world)
    if told is None:
        return None
    version: dict[str, Any] = {"Components": [{"Name": "Podman Engine" if engine == "podman" else "Engine"}]}
    return image_of(reference, told, store_of(version, {} if engine == "podman" else _info(engine, world)))


def _info(engine: str, world: World) -> Mapping[str, Any]:
    """Which store it keeps images in decides what an image id means."""
    try:
        told = json.loads(do(world, engine, "info", "--format", "{{json .}}", seconds=ASK_SECONDS).out)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def save(engine: str, image: str, archive: str, world: World) -> None:
    """One image as a tar, at `archive`."""
    form = ("--format", "docker-archive") if engine == "podman" else ()
    do(world, engine, "save", *form, "-o", archive, image, seconds=MOVE_SECONDS)


def load(engine: str, archive: str, world: World) -> str:
    """The id or name of the image that was loaded."""
    said = do(world, engine, "load", "-i", archive, seconds=MOVE_SECONDS).out
    match = re.search(r"Loaded image(?: ID)?(?:\(s\))?: (\S+)", said)
    if not match:
        raise NotHad(f"{engine} load does not say what it loaded")
    return match[1]


def pull(engine: str, name: str, world: World, seconds: float = MOVE_SECONDS) -> None:
    """Fetch `NAME@sha256:…`; the engine itself checks the digest."""
    plain = ("--tls-verify=false",) if engine == "podman" and is_loopback(name) else ()
    do(world, engine, "pull", *plain, name, seconds=seconds)


def build(engine: str, recipe: str, context: str, note: str, world: World) -> str:
    """The id of an image built from a Dockerfile; `context`: the folder it may copy from; note: a file for the id."""
    # the classic builder is everywhere; BuildKit is an add-on
    do(world, engine, "build", "--iidfile", note, "-f", recipe, context, seconds=BUILD_SECONDS, env={"DOCKER_BUILDKIT": "0"})
    return world.text(note, 1000).strip()


def remove(engine: str, names: tuple[str, ...], world: World) -> None:
    """Take images out again that a replay put in; those in use stay."""
    for name in names:
        try:
            do(world, engine, "image", "rm", name, seconds=ASK_SECONDS)
        except NotHad:
            continue


# ---- Apptainer and Singularity ----


def apptainer(world: World) -> str:
    """The program under either name. Raises NotHad."""
    for name in ("apptainer", "singularity"):
        try:
            if world.run(name, "--version", timeout=ASK_SECONDS).code == 0:
                return name
        except (OSError, TimeoutError):
            continue
    raise NotHad("neither apptainer nor singularity is on this machine")


def pull_file(source: str, target: str, world: World, seconds: float = MOVE_SECONDS) -> None:
    """An image file made of `docker://NAME@sha256:…` or fetched from `oras://…`: whole at `target`, or not there at all."""
    plain = ("--no-https",) if is_loopback(source.partition("://")[2]) else ()

    def make(part: str) -> Ran:
        return do(world, apptainer(world), "pull", "--disable-cache", *plain, part, source, seconds=seconds)

    _whole(target, make)


def build_file(source: str, target: str, world: World, cwd: str | None = None, bases: Sequence[str] = ()) -> None:
    """An image file made from a definition that starts from `bases`, or from `oci:FOLDER`."""
    plain = ("--no-https",) if any(is_loopback(base) for base in bases) else ()

    def make(part: str) -> Ran:
        argv = (apptainer(world), "build", "--disable-cache", *plain, part, source)
        return do(world, *argv, seconds=BUILD_SECONDS, cwd=cwd)

    _whole(target, make)


def _whole(target: str, make: Callable[[str], Ran]) -> None:
    part = f"{target}.part"
    try:
        make(part)
        os.replace(part, target)
    finally:
        if os.path.exists(part):
            os.unlink(part)


# ---- registries, without an engine ----


def fetch_folder(name: str, folder: str, world: World) -> None:
    """The manifest and blobs of `NAME@sha256:…` as `skopeo` writes a `dir:`; its manifest stays as the registry has it."""
    plain = ("--src-tls-verify=false",) if is_loopback(name) else ()
    do(world, "skopeo", "copy", "--preserve-digests", *plain, f"docker://{name}", f"dir:{folder}", seconds=MOVE_SECONDS)


def is_loopback(name: str) -> bool:
    """A registry on this machine speaks plain HTTP, as engines take it; the digest is checked all the same."""
    return bool(_LOOPBACK.match(name))
