"""What of the host reached into the environment? Doors of containers, paths beside packages, files edited in place. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from auditor.model import Fact, Phase
from auditor.scorecard import Leak
from probes.containers import ContainerReferences, Doors, Reference, SifImages, State
from probes.environment import Environment
from probes.packages import PythonPackages
from reports.judging.amounts import several, some
from reports.judging.software import choose
from reports.judging.strays import reaching, startup, unowned

CHANGING = {
    "writable": "the image's own files can change",
    "overlay": "state lies on top of the image",
    "root": "more than the user's own rights",
}
"""What runs is then no longer what the image's digest says."""
SEEING = {
    "home": "the user's home directory is seen inside",
    "environment": "the host's variables pass in",
    "network": "the host's own network",
    "gpu": "the host's driver libraries or devices",
    "folder": "the folder it was started in",
    "temporary": "the host's /tmp",
}
"""What the image's programs may read, and so depend on."""
PRIVILEGED = {"--writable": "writable", "-w": "writable", "--privileged": "root", "--pid": "root", "--net": "network"}
"""For evidence from before doors were read: options that open one for sure."""


def leaks(facts: Iterable[Fact[Any]]) -> tuple[Leak, ...]:
    """Serious ones first; each once."""
    facts = tuple(facts)
    best = choose(facts)
    found: list[Leak] = []
    if named := best.get(ContainerReferences.__name__):
        found += [leak for ref in started(named.value) for leak in doors(ref, named.evidence_id)]
    if files := best.get(SifImages.__name__):
        found += [
            Leak(
                "overlay",
                f"{i.path}: {several(len(i.overlays), 'overlay partition')} in the file itself",
                True,
                (files.evidence_id,),
            )
            for i in files.value.images
            if i.overlays
        ]
    if packages := best.get(PythonPackages.__name__):
        last = [f for f in facts if isinstance(f.value, Environment) and f.phase is Phase.END]
        found += _packages(packages, last[-1] if last else None)
    return tuple(sorted(dict.fromkeys(found), key=lambda leak: not leak.serious))


def started(named: ContainerReferences) -> tuple[Reference, ...]:
    """The images that something runs in, not those that are only fetched, built or switched off."""
    return tuple(r for r in named.references if r.action == "run" and r.enabled != "no" and r.transport != "recipe")


def doors(ref: Reference, *cites: str) -> Iterator[Leak]:
    """Each door that stands open, with what decided it."""
    if ref.doors is None:
        for option in ref.options:
            if what := PRIVILEGED.get(option.split("=", 1)[0]):
                yield Leak(what, f"{ref.text}: {option}", what in CHANGING, cites)
        return
    for what in (*CHANGING, *SEEING):
        door = getattr(ref.doors, what)
        if door.state is State.OPEN:
            yield Leak(what, f"{ref.text}: {({**CHANGING, **SEEING})[what]} ({door.by})", what in CHANGING, cites)
    told = {door.by for what in SEEING if (door := getattr(ref.doors, what)).state is State.OPEN}
    binds = tuple(bind for bind in ref.doors.binds if f"bind {bind}" not in told)
    for what, values in (("bind", binds), ("variable", ref.doors.variables)):
        if values:
            yield Leak(what, f"{ref.text}: {some(values, 8)}", False, cites)


def unsure(doors_: Doors, *names: str) -> list[str]:
    """Which of these doors nobody could tell to be open or shut."""
    return [name for name in names if getattr(doors_, name).state is State.UNKNOWN]


def _packages(fact: Fact[PythonPackages], ended: Fact[Environment] | None) -> Iterator[Leak]:
    p = fact.value
    for entry in reaching(p, ended.value if ended else None):
        cites = (fact.evidence_id,) if entry in p.leaks or not ended else (fact.evidence_id, ended.evidence_id)
        yield Leak("path", f"{entry} can be imported from outside {p.prefix}", True, cites)
    for file in startup(p):
        yield Leak("startup", f"{file} runs whenever Python starts, and no package brought it", True, (fact.evidence_id,))
    if unowned(p):
        yield Leak("unowned", f"of no package, so no lock brings them back: {some(unowned(p), 8)}", True, (fact.evidence_id,))
    for k in [k for k in p.packages if k.modified][:20]:
        yield Leak("edited", f"{k.name}: changed after it was installed: {some(k.modified)}", True, (fact.evidence_id,))
