"""Which probes, tips and formats are there? A folder scan for one constant a file, then entry points of third parties."""

from __future__ import annotations

import importlib
import pkgutil
import warnings
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from auditor.model import AuditError, Probe, Tip
from auditor.scorecard import Format


def _ours(package: str, constant: str) -> Iterator[Any]:
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        found = getattr(importlib.import_module(module.name), constant, None)
        if found is not None:
            yield found


def _foreign(group: str) -> Iterator[Any]:
    from importlib.metadata import entry_points

    for entry in sorted(entry_points(group=group)):
        try:
            yield entry.load()
        except Exception as error:  # noqa: BLE001  # a stranger's broken plug-in must not stop the audit
            warnings.warn(f"plug-in {entry.name} ({entry.value}) does not load: {error}", stacklevel=3)


def _scan(package: str, constant: str, key: Callable[[Any], Any]) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for thing in (*_ours(package, constant), *_foreign(f"auditor.{constant.lower()}s")):
        if key(thing) in found:
            raise AuditError(f"two {constant.lower()}s are called {key(thing)}", "rename or uninstall one plug-in")
        found[key(thing)] = thing
    return dict(sorted(found.items()))


@cache
def probes() -> dict[str, Probe[Any]]:
    return _scan("probes", "PROBE", lambda p: p.name)


@cache
def tips() -> dict[int, Tip]:
    return _scan("reports.tips", "TIP", lambda t: t.number)


@cache
def formats() -> dict[str, Format]:
    return _scan("reports.formats", "FORMAT", lambda f: f.name)


@cache
def kinds() -> dict[str, type]:
    """Data types by the name evidence carries: every probe's, and the ones we derive ourselves."""
    from auditor.bisection import Bisection
    from auditor.campaign import Campaign, CampaignRecord
    from auditor.claimed import ClaimsChecked
    from auditor.verdict import ReplayVerdict

    derived: tuple[type, ...] = (Campaign, CampaignRecord, ClaimsChecked, ReplayVerdict)
    return {t.__name__: t for t in (*(p.kind for p in probes().values()), Bisection, *derived)}
