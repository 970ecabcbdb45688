"""What does a `nextflow run` ask for: which project, configuration, profiles, and which container engine? Words in.

Nextflow documentation, "Command line".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from probes.script.expand import Word

RUNTIMES = {
    "docker": "docker", "podman": "podman", "singularity": "apptainer", "apptainer": "apptainer", "charliecloud": "charliecloud",
    "sarus": "sarus", "shifter": "shifter",
}  # fmt: skip
_ALONE = frozenset(
    """-resume -q -quiet -bg -background -stdin -latest -ansi-log -cache -dump-hashes -offline -preview -stub-run -stub -with-conda -with-mpi
    -with-notification -without-conda -without-docker -without-podman -without-spack -disable-jobs-cancellation -h -help -v -version""".split()
)
_VALUE_OR_NOT = frozenset("-with-report -with-trace -with-timeline -with-dag -with-tower -with-weblog -with-wave -resume".split())
_GLOBAL_VALUES = frozenset({"-c", "-config", "-C", "-log", "-syslog", "-trace", "-remote-debug"})


@dataclass(frozen=True)
class Asked:
    """A `nextflow run` as typed. engine: of `-with-docker` and its kin; image: named there; work: the work folder, `-w`.

    only: `-C`, no other configuration counts; without: containers are switched off; unsure: options only the run knows.
    """

    project: Word | None = None
    configs: tuple[Word, ...] = ()
    only: bool = False
    profiles: tuple[str, ...] = ()
    engine: str = ""
    image: Word | None = None
    without: bool = False
    work: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    unsure: bool = False


def asked_of(words: tuple[Word, ...]) -> Asked:
    at, asked, running = 0, Asked(), False
    while at < len(words):
        text, following = words[at].text, words[at + 1] if at + 1 < len(words) else None
        taken = 1
        if text in ("-c", "-config", "-C") and following:
            asked = replace(asked, configs=(*asked.configs, following), only=asked.only or text == "-C")
        elif not running:
            running = text == "run"
            taken = 0 if text not in _GLOBAL_VALUES else 1
        elif text in ("-w", "-work-dir") and following:
            asked = replace(asked, work=following.text)
        elif text == "-profile" and following:
            asked = replace(asked, profiles=tuple(following.text.split(",")), unsure=asked.unsure or not following.known)
        elif (match := re.fullmatch(r"-with-(\w+)", text)) and match[1] in RUNTIMES:
            named = following is not None and not following.text.startswith("-") and asked.project is not None
            asked = replace(asked, engine=match[1], image=following if named else None)
            taken = 1 if named else 0
        elif text in ("-without-docker", "-without-podman"):
            asked, taken = replace(asked, without=True), 0
        elif text.startswith("--"):
            name, equals, value = text[2:].partition("=")
            plain = following is not None and not following.text.startswith("-")
            taken = 1 if not equals and plain else 0
            held = value if equals else following.text if following is not None and plain and following.known else None
            asked = replace(asked, params={**asked.params, name: held}) if held is not None and len(asked.params) < 200 else asked
        elif text.startswith("-"):
            optional = text in _VALUE_OR_NOT and (following is None or following.text.startswith("-"))
            taken = 0 if text in _ALONE or "=" in text or text.startswith("-D") or optional else 1
        elif asked.project is None:
            asked, taken = replace(asked, project=words[at]), 0
        else:
            asked, taken = replace(asked, unsure=asked.unsure or not words[at].known), 0
        at += 1 + taken
    return asked if running else Asked()
