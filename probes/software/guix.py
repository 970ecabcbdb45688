"""Which Guix packages are in the profile that the job uses, and which channels made them?

The profile's `manifest` is one S-expression (guix/profiles.scm writes it, versions 0 to 4); channels stand in the entries'
provenance. Nothing is run.
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from auditor.model import Absent, Found, Job, Phase, Probe
from auditor.world import World
from probes.script.trace import Trace
from probes.software import Component
from probes.software.reading import folders, location, looked, text, there

MAX_PACKAGES = 4000
MAX_DEPTH = 200
_TOKEN = re.compile(r'\s+|;[^\n]*|(?P<open>\()|(?P<close>\))|"(?P<text>(?:[^"\\]|\\.)*)"|(?P<word>[^\s()";]+)')

Form: TypeAlias = "str | list[Form]"


@dataclass(frozen=True)
class Channel:
    """A channel that packages came from. commit: 40 hex digits."""

    name: str
    url: str
    branch: str
    commit: str


@dataclass(frozen=True)
class GuixProfile:
    """A Guix profile. origin of a component: its path in the store, whose hash covers everything it was built from; detail: output.

    profile: as the job names it; chosen_by: GUIX_ENVIRONMENT (`guix shell`), GUIX_PROFILE or PATH.
    """

    profile: str
    chosen_by: str
    version: str
    channels: tuple[Channel, ...]
    components: tuple[Component, ...]


def collect(world: World, job: Job) -> Found[GuixProfile] | Absent:
    found = looked(world, job)
    for profile, by in _profiles(world, found):
        if there(world, f"{profile}/manifest"):
            manifest = text(world, f"{profile}/manifest")
            forms = parse(manifest)
            version = next((f[1] for f in walk(forms) if len(f) == 2 and f[0] == "version" and isinstance(f[1], str)), "")
            known = tuple(dict.fromkeys((*channels(forms), *_pulled(world, found))))
            packages = tuple(dict.fromkeys(components(forms)))[:MAX_PACKAGES]
            return Found(GuixProfile(profile, by, version, known, packages), f"{profile}/manifest")
    return Absent("the job uses no Guix profile")


def _profiles(world: World, found: Trace) -> Iterator[tuple[str, str]]:
    for name in ("GUIX_ENVIRONMENT", "GUIX_PROFILE"):
        if path := found.variables.get(name, ""):
            yield path.rstrip("/"), name
    for folder in folders(world, found, "PATH"):
        if folder.startswith("/gnu/store/") or "guix" in folder:
            yield os.path.dirname(folder), "PATH"


def _pulled(world: World, found: Trace) -> Iterator[Channel]:
    """The user's `guix pull`: channels of the Guix that the shell command would use."""
    home = found.variables.get("HOME", "")
    yield from channels(parse(text(world, f"{home}/.config/guix/current/manifest"))) if home else ()


def parse(manifest: str) -> list[Form]:
    """All forms of the text as nested lists of words. Text that does not close is read as far as it goes; bounded in depth."""
    top: list[Form] = []
    stack = [top]
    for match in _TOKEN.finditer(manifest):
        if match["open"]:
            inner: list[Form] = []
            stack[-1].append(inner)
            if len(stack) > MAX_DEPTH:
                break
            stack.append(inner)
        elif match["close"]:
            if len(stack) == 1:
                break
            stack.pop()
        elif match["text"] is not None:
            stack[-1].append(re.sub(r"\\(.)", r"\1", match["text"]))
        elif match["word"]:
            stack[-1].append(match["word"])
    return top


def walk(forms: list[Form]) -> Iterator[list[Form]]:
    """Every list, outer ones first."""
    waiting = [forms]
    while waiting:
        form = waiting.pop(0)
        yield form
        waiting += [part for part in form if isinstance(part, list)]


def components(forms: list[Form]) -> Iterator[Component]:
    """Entries `(name version output path ...)`, propagated inputs included; `(repeated ...)` ones stand in full elsewhere."""
    for form in walk(forms):
        match form:
            case [str(name), str(version), str(output), str(path), *_] if path.startswith("/") and name != "repeated":
                yield Component("guix", name, version, "", path, output)


def channels(forms: list[Form]) -> Iterator[Channel]:
    """`(repository (version 0) (url ...) (branch ...) (commit ...) (name ...) ...)`, wherever it stands."""
    for form in walk(forms):
        if form[:1] == ["repository"]:
            told = {
                f[0]: f[1] for f in form if isinstance(f, list) and len(f) > 1 and isinstance(f[0], str) and isinstance(f[1], str)
            }
            if told.get("commit"):
                url = location(told.get("url", ""))
                yield Channel(told.get("name", "guix"), url, told.get("branch", ""), told["commit"])


PROBE = Probe(
    "guix",
    GuixProfile,
    collect,
    frozenset({Phase.SUBMIT, Phase.LATER}),
    source="manifest of the Guix profile",
)
