"""How is a cause told, with the lines that differ; and did the original's own outputs come out again?"""

from __future__ import annotations

from difflib import unified_diff
from itertools import islice

from auditor.bisection import Cause
from auditor.replay.bisect.case import Case
from auditor.replay.bisect.coupled import text_of
from auditor.replay.bisect.factor import Factor
from auditor.replay.bisect.outcome import Outcome, Yardstick, recorded
from auditor.replay.compare import look
from auditor.replay.compare.content import Content
from auditor.verdict import Sameness
from reports.archive.words import shown

LINES = 12


def cause(factor: Factor, a: Case, b: Case) -> Cause:
    detail = tuple(line for sort, place in factor.slots if sort in ("code", "input") for line in _lines(place, a, b))
    return Cause(
        factor.id, factor.layer.value, factor.name, factor.before, factor.after, factor.how, factor.cites, detail[:LINES]
    )


def _lines(place: str, a: Case, b: Case) -> list[str]:
    """What was taken out and put in; nothing for what is no text."""
    one, two = (text_of(c, place) for c in (a, b))
    if "\0" in one or "\0" in two:
        return []
    changed = (
        x
        for x in unified_diff(one.splitlines(), two.splitlines(), n=0, lineterm="")
        if x[:1] in "+-" and x[:3] not in ("+++", "---")
    )
    return [shown(x, 160) for x in islice(changed, LINES)]


def again(case: Case, made: Outcome, yardstick: Yardstick) -> str:
    """A note where an experiment's unchanged run is not what was recorded: then something that was not recorded differs, too."""
    was = recorded(case.recipe)
    other = [n for n in yardstick.names if n in was and made.outputs.get(n) != was[n] and not _close(case, n, made, yardstick)]
    if not other:
        return ""
    name = case.side.upper()
    return f"{name}, run again here, did not give what was recorded of it ({', '.join(other[:4])}): what is proved holds for runs here"


def broken(case: Case, made: Outcome, yardstick: Yardstick) -> str:
    """Why an unchanged run did not run as the original did; empty where it did. What it printed last tells the most."""
    before = case.recipe.original.exit_code
    if made.trouble or before is None or made.exit_code == before or case.recipe.original.signal:
        return made.trouble
    try:
        lines = (yardstick.folder / made.run / "stderr.txt").read_bytes()[-4000:].decode("utf-8", "replace").split("\n")
    except OSError:
        lines = []
    last = next((line for line in reversed(lines) if line.strip()), "")
    return f"exit code {made.exit_code}, was {before}{f' ({shown(last, 160)})' if last else ''}"


def _close(case: Case, name: str, made: Outcome, yardstick: Yardstick) -> bool:
    carried = next((f.carried for f in case.recipe.files if f.place == name and f.role == "expected"), "")
    if not carried or not made.outputs.get(name):
        return False
    before, after = Content(name, case.crate / carried), Content(name, yardstick.path(made.run, name))
    return look(before, after, yardstick.rules[name]).sameness is not Sameness.DIFFERENT
