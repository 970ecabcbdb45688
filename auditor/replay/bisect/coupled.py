"""Which differences cannot be told apart, since one does not work without the other? By rule, and by what somebody declares. Pure but for files.

Rules: the batch script's name and its files; a place that is code in one run and input in the other; packages of which one's new version
asks for what only the other's new version gives (core metadata, Requires-Dist); a structured setting whose keys changed, and changed code that
names it.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

from auditor.model import AuditError
from auditor.replay.bisect.case import Case
from auditor.replay.bisect.factor import Factor
from auditor.replay.bisect.slots import files
from reports.archive.wheels import Wheel, normal

MAX_TEXT = 4 << 20
MAX_KEYS = 10_000
"""A file with more is no setting, or one whose aliases multiply."""
_SETTINGS = (".json", ".yaml", ".yml", ".toml")
_NEEDS = re.compile(r"^Requires-Dist:\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*\(?([^;)\n]*)\)?(.*)$", re.MULTILINE)
_BOUND = re.compile(r"(==|!=|<=|>=|<|>|~=)\s*([0-9][0-9A-Za-z.]*)")


def coupled(alone: Sequence[Factor], a: Case, b: Case, together: Sequence[tuple[str, ...]] = ()) -> list[Factor]:
    """The same factors, those that belong together as one. Raises AuditError for a declared name that is no difference."""
    links = [*_declared(alone, together), *_scripts(alone), *_places(alone), *_packages(alone, a, b), *_settings(alone, a, b)]
    group = {f.id: {f.id} for f in alone}
    whys: dict[str, list[str]] = {}
    for one, other, why in links:
        joined = group[one] | group[other]
        for member in joined:
            group[member] = joined
        whys.setdefault(one, []).append(why)
    by_id = {f.id: f for f in alone}
    sets = {frozenset(g) for g in group.values()}
    return [_joined([by_id[i] for i in sorted(g)], [w for i in sorted(g) for w in whys.get(i, ())]) for g in sets]


Links = Iterator[tuple[str, str, str]]


def _joined(members: Sequence[Factor], why: Sequence[str]) -> Factor:
    if len(members) == 1:
        return members[0]
    first = max(members, key=lambda f: f.prior)
    return replace(
        first,
        id="+".join(f.id for f in members),
        name=" and ".join(f.name for f in members),
        before="; ".join(f.before for f in members),
        after="; ".join(f.after for f in members),
        slots=tuple(s for f in members for s in f.slots),
        how="; ".join(dict.fromkeys(f.how for f in members)),
        coupled="; ".join(dict.fromkeys(why)),
        cites=tuple(dict.fromkeys(c for f in members for c in f.cites)),
    )


def _declared(alone: Sequence[Factor], together: Sequence[tuple[str, ...]]) -> Links:
    for names in together:
        found = [next((f.id for f in alone if n in (f.id, f.name)), "") for n in names]
        if "" in found:
            known = ", ".join(f.name for f in alone[:20])
            raise AuditError(f"--together: {names[found.index('')]} is no difference of these runs", f"differences are: {known}")
        for one, other in pairwise(found):
            yield one, other, "declared"


def _scripts(alone: Sequence[Factor]) -> Links:
    """A script of another name: the name leads nowhere without the file."""
    for factor in (f for f in alone if f.slots == (("script", ""),)):
        for place in (factor.before, factor.after):
            if f"code:{place}" in {f.id for f in alone}:
                yield factor.id, f"code:{place}", "the batch script has another name"


def _places(alone: Sequence[Factor]) -> Links:
    ids = {f.id for f in alone}
    for factor in alone:
        sort, name = factor.slots[0]
        if sort == "code" and f"input:{name}" in ids:
            yield factor.id, f"input:{name}", "one place, code in one run and input in the other"


def _packages(alone: Sequence[Factor], a: Case, b: Case) -> Links:
    changed = {f.slots[0][1]: f for f in alone if f.slots[0][0] == "package"}
    for case, other in ((a, b), (b, a)) if len(changed) > 1 else ():
        for wheel in sorted((case.crate / "environment" / "wheels").glob("*.whl")):
            name, version = Wheel(wheel.name, "", 0).project
            if name not in changed or _version(case, name) != version:
                continue
            for needed, bounds in _needs(wheel):
                if needed in changed and needed != name and not _fits(_version(other, needed), bounds):
                    yield changed[name].id, changed[needed].id, f"{name} {version} needs {needed} {bounds or 'at all'}"


def _version(case: Case, name: str) -> str:
    return re.split(r" --hash| @ ", case.pins.get(name, "").partition("==")[2])[0].strip()


def _needs(wheel: Path) -> Iterator[tuple[str, str]]:
    """What the wheel's metadata asks for without a condition on extras."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            name = next(n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
            with archive.open(name) as file:
                text = file.read(1 << 20).decode("utf-8", "replace")
    except (OSError, zipfile.BadZipFile, StopIteration, KeyError, RuntimeError):
        return
    for found in _NEEDS.finditer(text.partition("\n\n")[0] + "\n"):
        if "extra" not in found[3]:
            yield normal(found[1]), found[2].strip()


def _fits(version: str, bounds: str) -> bool:
    """PEP 440, numbers only; a version that is not there fits nothing, what cannot be read fits."""
    if not version:
        return False
    have = _numbers(version)
    for sign, wanted in _BOUND.findall(bounds):
        want = _numbers(wanted)
        width = max(len(have), len(want))
        x, y = have + (0,) * (width - len(have)), want + (0,) * (width - len(want))
        upper = x[: len(want) - 1] == y[: len(want) - 1]
        if not {"==": x == y, "!=": x != y, "<=": x <= y, ">=": x >= y, "<": x < y, ">": x > y, "~=": x >= y and upper}[sign]:
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version)[:6])


def _settings(alone: Sequence[Factor], a: Case, b: Case) -> Links:
    """Code that was changed together with the keys of the file it reads: the old code asks for the old keys."""
    changed = [f for f in alone if f.slots[0][0] in ("code", "input")]
    for setting in (f for f in changed if f.slots[0][1].lower().endswith(_SETTINGS)):
        place = setting.slots[0][1]
        keys = [_keys(place, text_of(c, place)) for c in (a, b)]
        if None in keys or keys[0] == keys[1]:
            continue
        for code in (f for f in changed if f is not setting and f.slots[0][0] == "code"):
            texts = [text_of(c, code.slots[0][1]) for c in (a, b)]
            if any(place.rpartition("/")[2] in t for t in texts):
                yield code.id, setting.id, f"{code.slots[0][1]} names {place}, whose keys changed"


def text_of(case: Case, place: str) -> str:
    carried = next((f.carried for f in files(case.recipe) if f.place == place), "")
    path = case.crate / carried if carried else Path(case.plan.sources.get(place, "/nonexistent"))
    try:
        return path.read_text("utf-8", "replace") if path.stat().st_size <= MAX_TEXT else ""
    except OSError:
        return ""


def _keys(place: str, text: str) -> frozenset[str] | None:
    """Paths of all keys; None where it does not read."""
    import tomllib

    from probes.records import yamlfile

    read: Mapping[str, Any] = {"json": json.loads, "toml": tomllib.loads, "yaml": yamlfile.load, "yml": yamlfile.load}
    try:
        every = list(islice(_paths("", read[place.lower().rpartition(".")[2]](text)), MAX_KEYS)) if text else []
        return frozenset(every) if 0 < len(every) < MAX_KEYS else None
    except (ValueError, RecursionError, AuditError):
        return None


def _paths(above: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"{above}.{key}"
            yield from _paths(f"{above}.{key}", inner)
