"""Is all that Python can import something that an installer would bring back? A judge of tip 7 about code of no package."""

from __future__ import annotations

from auditor.model import Fact, Verdict
from probes.packages import PythonPackages
from reports.judging.amounts import several, some, words
from reports.judging.strays import startup, unowned, unrecorded
from reports.judging.verdicts import Unclear, failed, passed, weak


def stray_code(packages: Fact[PythonPackages]) -> Verdict:
    """What runs unasked first, then what lies around, then what is there twice."""
    p = packages.value
    if files := startup(p):
        said = f"{some(files)}: code that runs whenever Python starts, and that no package brought"
        return failed(said, f"mv {words(files[:1])} ~   # what it does belongs into the program, or into a package")
    if found := unowned(p):
        said = f"{several(len(found), 'module')} in {p.prefix} of no package, so no lock brings them back: {some(found)}"
        return weak(said, f"mv {words(found, 5)} .   # beside the program that imports them, under version control")
    if p.shadowed:
        fix = f"{words([p.interpreter])} -m venv .venv-run   # one environment with each package once"
        return weak(f"there twice, and which one counts depends on the order of folders: {some(p.shadowed)}", fix)
    if why := unrecorded(p):
        raise Unclear(f"which package brought which module is not known: {why}")
    return passed(f"all code in {p.prefix} was brought by {several(len(p.packages), 'package')}, each there once")
