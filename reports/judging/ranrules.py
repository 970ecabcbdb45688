"""What did the job run in, and is that known by digest? Judges of tip 7 about identity."""

from __future__ import annotations

from auditor.model import Absent, Fact, Verdict
from probes.containers import (
    ApptainerRuntime,
    ContainerIdentities,
    ContainerMarkers,
    ContainerReferences,
    RanImages,
    SifImages,
)
from probes.packages import PythonPackages
from reports.judging import naming
from reports.judging.amounts import several, some, words
from reports.judging.cures import pull
from reports.judging.imagefacts import facts
from reports.judging.leaks import started
from reports.judging.sightings import digests
from reports.judging.traces import both, called, content
from reports.judging.verdicts import Maybe, Unclear, failed, known, not_applicable, passed, weak


def unidentified_environment(
    before: Maybe[RanImages],
    after: Maybe[RanImages],
    images: Maybe[ContainerIdentities],
    packages: Maybe[PythonPackages],
    named: Maybe[ContainerReferences],
    files: Maybe[SifImages],
    at_start: Maybe[ContainerReferences],
) -> Verdict:
    named = naming.best(named, at_start)
    ran = both(before, after)
    found = _found(ran, images, files, named)
    if found:
        loose = [name for name, digest in found.items() if not digest]
        sources = [f for f in (known(ran), known(images)) if f]
        if loose:
            return failed(f"no digest of {some(loose)}{_reasons(images, loose)}", _cure(images, loose[0]), *sources)
        if ran is None:
            raise Unclear("which images ran was not looked for")
        if named is None:
            raise Unclear(f"whether the job runs in it or only fetches it is not known: {some(found)}")
        return passed(f"{some(f'{name} = {digest[:19]}' for name, digest in found.items())}", *sources)
    if images is None or named is None or ran is None:
        raise Unclear("whether an image ran, and which, was not seen as the job ran")
    if isinstance(named, Fact) and started(named.value):
        raise Unclear("which image ran was not identified as the job started")
    if isinstance(packages, Fact) and packages.value.env_sha256:
        p = packages.value
        return passed(f"{several(len(p.packages), 'package')} of {p.prefix}, environment sha256 {p.env_sha256[:12]}", packages)
    if isinstance(packages, Absent):
        return failed(f"neither an image nor Python packages could identify it ({packages.reason})", pull())
    raise Unclear("neither an image nor the interpreter's packages were seen")


def _found(
    ran: Maybe[RanImages], images: Maybe[ContainerIdentities], files: Maybe[SifImages], named: Maybe[ContainerReferences]
) -> dict[str, str]:
    """Name -> digest (empty: not known), of what ran and of what was there as the job started; each image by one name."""
    seen, start, sif, scripts = known(ran), known(images), known(files), known(named)
    unused = naming.idle(scripts.value) if scripts else set()
    written = {r.resolved: r.text for r in scripts.value.references if r.resolved} if scripts else {}
    there = digests(start.value, sif.value if sif else None) if start else {}
    found = {name: digest for name, digest in there.items() if name not in unused}
    for one in seen.value.images if seen else ():
        name = written.get(called(one), called(one))
        found[name] = content(facts(one)) or found.get(name, "")
    return found


def _reasons(images: Maybe[ContainerIdentities], loose: list[str]) -> str:
    start = known(images)
    told = [i.reason or i.state for i in start.value.images if i.reference in loose and (i.reason or i.state)] if start else []
    return f" ({told[0]})" if told else ""


def _cure(images: Maybe[ContainerIdentities], name: str) -> str:
    start = known(images)
    gone = start and any(i.reference == name and i.state == "absent" for i in start.value.images)
    return f"ls -l {words([name])}   # it was not there as the job started: name the file that is" if gone else pull(name)


def unnamed_surroundings(markers: Fact[ContainerMarkers], before: Maybe[RanImages]) -> Verdict:
    inside = markers.value.inside
    if not inside:
        return passed("the batch script itself ran on the host", markers)
    seen = (
        [r for r in before.value.images if r.how == "inside" and (r.typed or content(facts(r)))]
        if isinstance(before, Fact)
        else []
    )
    if seen and isinstance(before, Fact):
        return passed(f"the batch script ran inside {inside}: {seen[0].typed or content(facts(seen[0]))}", markers, before)
    names = [
        v for k, v in sorted(markers.value.evidence.items()) if v and any(w in k.upper() for w in ("CONTAINER", "IMAGE", "NAME"))
    ]
    if names:
        return passed(f"the batch script ran inside {inside}: {names[0]}", markers)
    return failed(
        f"the batch script ran inside {inside}, and which image is not known",
        f"# {inside} does not tell its image inside: say it where you start the container\n"
        "export CONTAINER_IMAGE=IMAGE@sha256:DIGEST",
        markers,
    )


def unknown_runtime(runtime: Fact[ApptainerRuntime]) -> Verdict:
    broken = sorted(runtime.value.errors)
    if not broken and not runtime.value.inspected:
        return not_applicable(f"no image was there for Apptainer {runtime.value.version} to open", runtime)
    if not runtime.value.version:
        return failed("Apptainer is used, and its version is not known", "apptainer --version")
    if broken:
        said = f"Apptainer {runtime.value.version} cannot open {some(broken)}: {runtime.value.errors[broken[0]]}"
        return weak(said, f"apptainer inspect {words(broken[:1])}")
    return passed(f"Apptainer {runtime.value.version}, {several(len(runtime.value.inspected), 'image')} opened")
