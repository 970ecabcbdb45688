"""What was submitted: script, directives, how it was typed?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Directive:
    """An `#SBATCH` option as written in the script or typed; `value` is empty for a switch."""

    option: str
    value: str
    line: int


@dataclass(frozen=True)
class Submission:
    """The act of submitting. script_text is redacted; script_sha256 is over the bytes as submitted.

    hook: `installed`, or why the in-job hook is not there (`--no-hook`, `interpreter /bin/sh`, `--export=NONE` ...).
    given_by: `file`, `stdin`, `wrap`, `command` (auditor run --), `unknown`.
    """

    argv: tuple[str, ...]
    given_by: str
    cwd: str
    script_path: str
    script_text: str
    script_sha256: str
    script_size: int
    interpreter: str
    directives: tuple[Directive, ...]
    arguments: tuple[str, ...]
    """What follows the script's name, where known."""
    hook: str
    declared_inputs: tuple[str, ...]
    declared_outputs: tuple[str, ...]
    label: str
