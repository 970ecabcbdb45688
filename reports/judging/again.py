"""How would this run be submitted again, with one thing changed? The first line of many a fix."""

from __future__ import annotations

import re

from probes.submission import Submission
from reports.judging.amounts import line, words

_GLUE = re.compile(
    r"(module|ml|export|source|\.|set|cd|echo|mkdir|trap|wait|exit|for|while|until|do|done|if|then|else|elif|fi|case|esac)\b"
)
_READY = re.compile(r"(?:module|ml|export|source|\.|set|cd|echo|mkdir|sleep|rm|umask)\b[^;&|'\"`$()]*(?:;|&&)\s*")


def again(submission: Submission, *options: str) -> str:
    """`auditor sbatch --auditor-input='data/*.csv' train.sh`: our switches first, then what was typed."""
    command = submission.given_by == "command"
    here = command or submission.scheduler == "local"
    switches = [o.replace("--auditor-", "--") if here else o for o in options]
    typed = ["--", *submission.argv] if command and submission.argv[:1] != ("--",) else list(submission.argv)
    verb = "auditor run" if here else "auditor sbatch"
    return " ".join([verb, *(_quoted(s) for s in switches), words(typed or [submission.script_path], 100)])


def given(submission: Submission, *names: str) -> str | None:
    """The last value of an option, in the script or typed; None when it is not there. Names without dashes: `mem`, `t`."""
    values = [d.value for d in submission.directives if d.option.lstrip("-") in names]
    return values[-1] if values else None


def program(submission: Submission) -> str:
    """The last command of the script that does work: a line for a fix to start from."""
    lines = [_after_glue(text.strip()) for text in submission.script_text.splitlines()]
    work = [text for text in lines if text and text[0] not in "#}(" and not _GLUE.match(text)]
    typed = words(a for a in submission.argv if a != "--")
    return re.sub(r"^srun\s+", "", line(work[-1], 1000)) if work else typed or "./program"


def _after_glue(text: str) -> str:
    """`mkdir -p out; sleep 2; python a.py` -> `python a.py`: what only makes ready stands before it on the same line."""
    while (found := _READY.match(text)) and found.end() < len(text):
        text = text[found.end() :]
    return text


def line_at(submission: Submission, place: str) -> str:
    """The batch script's line at `run.sh:4`; empty when the place is in another file."""
    name, _, number = place.rpartition(":")
    lines = submission.script_text.splitlines()
    here = name.rsplit("/", 1)[-1] == script(submission) and number.isdecimal() and 0 < int(number) <= len(lines)
    return line(lines[int(number) - 1], 1000) if here else ""


def script(submission: Submission) -> str:
    """The batch script's name as one would type it."""
    return words([submission.script_path.rsplit("/", 1)[-1] or "job.sh"])


def _quoted(switch: str) -> str:
    name, sep, value = switch.partition("=")
    return f"{name}{sep}{words([value])}" if sep else name
