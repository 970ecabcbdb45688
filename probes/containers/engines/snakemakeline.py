"""What do Snakemake's command line and profiles say: which Snakefile, and are containers switched on?

Snakemake documentation, "Command line interface" and "Profiles".
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from probes.containers.engines.shelf import Shelf
from probes.script.expand import Word

_METHODS = frozenset("--software-deployment-method --deployment-method --deployment --sdm".split())
_ARGUMENTS = frozenset("--singularity-args --apptainer-args".split())
_PREFIXES = frozenset("--singularity-prefix --apptainer-prefix".split())
_ROW = re.compile(r"([\w-]+)[ \t]*:[ \t]*(.*?)[ \t]*(?:[ \t]#.*)?\r?$")


@dataclass(frozen=True)
class Settings:
    """What command line and profiles say. enabled: `yes`, `no`, `unknown`; arguments: for Apptainer, as typed.

    prefix: the folder for its copies of images, empty: the usual one.
    """

    snakefile: Word | None = None
    folder: str = ""
    enabled: str = "no"
    arguments: str = ""
    prefix: str = ""


def settings_of(words: tuple[Word, ...], cwd: str, shelf: Shelf, environment: Mapping[str, str]) -> Settings:
    found = Settings()
    profiles: list[Word] = []
    at = 0
    while at < len(words):
        name, equals, own = words[at].text.partition("=")
        value = replace(words[at], text=own) if equals else (words[at + 1] if at + 1 < len(words) else None)
        if name in ("--use-singularity", "--use-apptainer"):
            found = replace(found, enabled="yes")
        elif name in _METHODS:
            methods = [own] if equals else [w.text for w in _until_option(words[at + 1 :])]
            found = replace(found, enabled="yes" if {"apptainer", "singularity"} & set(methods) else found.enabled)
        elif name in ("-s", "--snakefile") and value is not None:
            found = replace(found, snakefile=value)
        elif name in ("-d", "--directory") and value is not None:
            found = replace(found, folder=value.text)
        elif name in _ARGUMENTS and value is not None:
            found = replace(found, arguments=value.text)
        elif name in _PREFIXES and value is not None:
            found = replace(found, prefix=value.text if value.known else "")
        elif name in ("--profile", "--workflow-profile") and value is not None:
            profiles.append(value)
        elif not words[at].known and not words[at].text.startswith("-") and found.enabled == "no":
            found = replace(found, enabled="unknown")  # options in a variable, or a target
        at += 1
    if not profiles and environment.get("SNAKEMAKE_PROFILE"):
        profiles = [Word(environment["SNAKEMAKE_PROFILE"], True, "$SNAKEMAKE_PROFILE")]
    for profile in profiles:
        found = _with_profile(found, profile, cwd, shelf, environment.get("HOME", ""))
    return found


def _until_option(words: tuple[Word, ...]) -> Iterator[Word]:
    for word in words:
        if word.text.startswith("-"):
            return
        yield word


def _with_profile(found: Settings, profile: Word, cwd: str, shelf: Shelf, home: str) -> Settings:
    folders = [
        os.path.join(cwd, profile.text),
        os.path.join(home, ".config/snakemake", profile.text),
        f"/etc/xdg/snakemake/{profile.text}",
    ]
    names = [f"{folder}/{name}" for folder in folders for name in ("config.v8+.yaml", "config.v9+.yaml", "config.yaml")]
    read = shelf.first(*names, user=f"profile {profile.text}") if profile.known else None
    if read is None:
        shelf.unread[f"profile {profile.raw}"] = "not found, or only the run knows it"
        return replace(found, enabled="yes" if found.enabled == "yes" else "unknown")
    rows = dict(_rows(read[1]))
    methods = [v for key, value in rows.items() if f"--{key}" in _METHODS for v in value]
    switched = any(rows.get(key, [""])[0].lower() == "true" for key in ("use-singularity", "use-apptainer"))
    enabled = switched or bool({"apptainer", "singularity"} & set(methods))
    arguments = next((rows[k][0] for k in ("singularity-args", "apptainer-args") if rows.get(k)), "")
    prefix = next((rows[k][0] for k in ("singularity-prefix", "apptainer-prefix") if rows.get(k)), "")
    snakefile = next((Word(v, True, v) for v in rows.get("snakefile", [])), None)
    return replace(
        found,
        enabled="yes" if enabled else found.enabled,
        arguments=found.arguments or arguments,
        prefix=found.prefix or prefix,
        snakefile=found.snakefile or snakefile,
    )


def _rows(text: str) -> Iterator[tuple[str, list[str]]]:
    """`key: value`, `key: [a, b]` and `key:` with `- a` lines below, at the margin of a YAML file."""
    key, values = "", list[str]()
    for row in [*text.splitlines(), "end:"]:
        if item := re.match(r"\s*-\s+(.*)$", row):
            values.append(item[1].strip().strip("\"'"))
        elif match := _ROW.fullmatch(row):
            if key:
                yield key, values
            key = match[1]
            values = [v.strip().strip("\"'") for v in match[2].strip("[]").split(",")] if match[2] else []
            values = [match[2].strip("\"'")] if match[2] and not match[2].startswith("[") else values
