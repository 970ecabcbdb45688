"""Was the environment shut off from the host? Judges of tip 7 about doors, paths and edited files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from auditor.model import Fact, Verdict
from probes.called import CalledFiles
from probes.containers import ContainerIdentities, ContainerReferences, RanImages, Reference, State
from probes.environment import Environment
from probes.git import GitState
from probes.packages import PythonPackages
from probes.submission import Submission
from reports.judging import naming, sureruns
from reports.judging.again import program
from reports.judging.amounts import line, several, some, words
from reports.judging.cures import shut
from reports.judging.leaks import CHANGING, doors, started, unsure
from reports.judging.strays import of_the_project, put_by_hand, reaching, sets_paths
from reports.judging.traces import both
from reports.judging.verdicts import Maybe, Unclear, failed, known, not_applicable, passed, weak

NOTHING = "images are fetched or switched off, and nothing is run in one"
SHUT = {
    "apptainer": {"home": "--no-home", "environment": "--cleanenv"},
    "charliecloud": {"home": "--no-home", "environment": "--unset-env='*'"},
    "shifter": {"environment": "--clearenv"},
    "podman": {"environment": "--env-host=false"},
}
"""Runtime -> the option that shuts a door."""


def open_doors(typed: Fact[ContainerReferences], submission: Fact[Submission], at_start: Maybe[ContainerReferences]) -> Verdict:
    named = _named(typed, at_start)
    refs = started(named.value)
    if not refs:
        naming.settled(typed, at_start)
        return not_applicable(NOTHING, named)
    found = [
        (r, leak) for r in refs for leak in doors(r) if leak.what in (*CHANGING, "network") and (leak.serious or r.doors is None)
    ]
    if found:
        ref, leak = found[0]
        said = some(dict.fromkeys(leak.detail for _, leak in found))
        return failed(said, _without(submission.value, ref, leak.detail), named)
    open_ = [f"{r.text} ({some(left)})" for r in refs if r.doors and (left := unsure(r.doors, "writable", "overlay"))]
    if open_:
        raise Unclear(f"not known whether the image can be changed: {some(open_)}")
    naming.settled(typed, at_start)
    used = sorted({o for r in refs for o in r.options})
    return passed(f"options {some(used, 5)}" if used else "no option that lets the host in or changes the image", named)


def _without(submission: Submission, ref: Reference, detail: str) -> str:
    """The line as it is, and without the option that opened the door, where it stands there."""
    typed = _line(submission, ref)
    option = next((o for o in ref.options if o.split("=", 1)[0] in detail.split(": ", 1)[-1]), "")
    return (
        f"{typed.replace(f' {option}', '', 1)}   # without {line(option)}"
        if option
        else f"{typed}   # without what opens it: {line(detail)}"
    )


def _line(submission: Submission, ref: Reference) -> str:
    """The line that names it, where it stands in the batch script."""
    lines = submission.script_text.splitlines()
    return line(lines[ref.line - 1], 1000) if not ref.file and 0 < ref.line <= len(lines) else program(submission)


def _shut(submission: Submission, ref: Reference, what: Sequence[str]) -> str:
    """The line with the options that shut what is open by default, and said which of its own options opened the rest."""
    by = {name: getattr(ref.doors, name).by for name in what}
    default = [name for name in what if by[name].startswith("default")]
    can = SHUT.get(ref.runtime, {})
    options = [can[name] for name in default if name in can]
    typed = _line(submission, ref)
    notes = [f"without {line(by[name])}" for name in what if name not in default]
    notes += [f"{ref.runtime or 'it'} has no option that shuts off the {name}" for name in default if name not in can]
    return (shut(typed, ref, options) if options else typed) + (f"   # {'; '.join(dict.fromkeys(notes))}" if notes else "")


def host_leaks(
    typed: Fact[ContainerReferences],
    submission: Fact[Submission],
    before: Maybe[RanImages],
    after: Maybe[RanImages],
    at_start: Maybe[ContainerReferences],
    there: Maybe[ContainerIdentities],
    called_before: Maybe[CalledFiles],
    called_at_start: Maybe[CalledFiles],
) -> Verdict:
    """What a script says counts as seen where its text was captured and the image was seen to run.

    An image file that is run by its path leaves no trace: `sureruns` says when it ran for sure. Each look is still needed: without one, what
    it could have shown is not known.
    """
    named = _named(typed, at_start)
    refs = started(named.value)
    if not refs:
        naming.settled(typed, at_start)
        return not_applicable(NOTHING, named)
    told = [(r, what) for r in refs if r.doors for what in ("home", "environment") if getattr(r.doors, what).state is State.OPEN]
    if told:
        ref, _ = told[0]
        said = some(f"{r.text}: {what} ({getattr(r.doors, what).by})" for r, what in told)
        return weak(f"the host reaches in: {said}", _shut(submission.value, ref, [what for r, what in told if r == ref]), named)
    unknown = [
        f"{r.text}{f' ({some(left)})' if r.doors and (left := unsure(r.doors, 'home', 'environment')) else ''}"
        for r in refs
        if r.doors is None or unsure(r.doors, "home", "environment")
    ]
    if unknown:
        raise Unclear(f"not known whether home and environment were shut off: {some(unknown)}")
    ran = both(before, after)
    seen = {name for i in ran.value.images for name in (i.typed, i.image.reference)} if isinstance(ran, Fact) else set()
    files = tuple(sureruns.files(refs, there, submission.value, called_before, called_at_start))
    unseen = [r.text for r in refs if not {r.text, r.resolved} & seen and r not in files]
    if unseen or ran is None:
        raise Unclear(f"not seen to run: {some(unseen or [r.text for r in refs])}")
    naming.settled(typed, at_start)
    return passed(
        f"neither home nor environment is seen inside: {some(r.text for r in refs)}",
        submission,
        *(f for f in (known(ran), known(there) if files else None) if f),
    )


def _named(typed: Fact[ContainerReferences], at_start: Maybe[ContainerReferences]) -> Fact[ContainerReferences]:
    return at_start if isinstance(at_start, Fact) else typed


def outside_paths(
    packages: Fact[PythonPackages], ended: Maybe[Environment], submission: Maybe[Submission], git: Maybe[GitState]
) -> Verdict:
    """What the script itself or a module sets shows in the environment at the job's end, and was not there at submission."""
    p, last, typed, tree = packages.value, known(ended), known(submission), known(git)
    found = reaching(p, last.value if last else None)
    own = of_the_project(found, [*([typed.value.cwd] if typed else []), *([tree.value.root] if tree else [])])
    used: tuple[Fact[Any], ...] = (packages, *([last] if last and found != p.leaks else []))
    if rest := [f for f in found if f not in own]:
        said = f"{several(len(rest), 'path')} from outside {p.prefix} can be imported: {some(rest)}"
        keep = ":".join(put_by_hand(own))
        kept = f"export PYTHONPATH={words([keep])}" if keep else "unset PYTHONPATH"
        return failed(said, f"{kept}; export PYTHONNOUSERSITE=1", *used)
    if put_by_hand(own):
        said = f"the project's own code is found by its place only, and carried as code where the job calls it: {some(own)}"
        return weak(said, f"{'uv ' if p.maker.startswith('uv') else ''}pip install -e .   # then leave PYTHONPATH alone", *used)
    if typed and (number := sets_paths(typed.value.script_text)):
        raise Unclear(f"the script gives PYTHONPATH a value on line {number}, and which folders that named was not seen")
    return passed(f"nothing reaches into {p.prefix} from outside" + (" but the project's own code" if own else ""), packages)


def edited_packages(packages: Fact[PythonPackages]) -> Verdict:
    p = packages.value
    changed = [f"{k.name}: {path}" for k in p.packages for path in k.modified]
    editable = [k.name for k in p.packages if k.source == "editable"]
    if changed:
        names = sorted({c.split(":", 1)[0] for c in changed})
        versions = {k.name: k.version for k in p.packages}
        again = words((f"{name}=={versions[name]}" for name in names), 5)
        fix = (
            f"{words([p.interpreter])} -m pip install --force-reinstall --no-deps {again}"
            if "pip" in versions
            else f"uv pip install --python {words([p.interpreter])} --reinstall --no-deps {again}   # there is no pip in it"
        )
        return failed(f"installed files were edited: {some(changed)}", fix)
    if editable:
        fix = f"{words([p.interpreter])} -m pip install {words(editable, 5)}   # a released version, or one from a commit"
        return weak(f"installed from a working tree: {some(editable)}", fix)
    if p.packages and not p.files_checked:
        raise Unclear("no installed file was read again, so an edit would not show")
    return passed(f"{several(len(p.packages), 'package')} as installed ({p.files_checked:,} files recomputed)")
