"""In what was the tree not the commit that it stood at? Data that nobody tracks does not count."""

from __future__ import annotations

from probes.git import GitState
from reports.judging.amounts import several, some

CODE = tuple(".py .sh .r .jl .c .cc .cpp .cu .f90 .m .ipynb .yaml .yml .toml .sbatch .slurm".split())


def loose_code(g: GitState) -> list[str]:
    """Source files that are not tracked."""
    return [u.path for u in g.untracked if u.path.lower().endswith(CODE)]


def differences(g: GitState) -> list[str]:
    """`2 files changed (a.py, b.py)`, one sentence a kind; empty where what ran was the commit."""
    loose, below = loose_code(g), [m.path for m in g.submodules if m.dirty]
    what = [f"{several(len(g.changed), 'file')} changed ({some(g.changed)})"] if g.changed else []
    what += [f"{several(len(loose), 'source file')} not tracked ({some(loose)})"] if loose else []
    what += [f"{several(len(below), 'submodule')} changed ({some(below)})"] if below else []
    return what + (
        [f"{several(g.untracked_count, 'file')} not tracked, too many to look at"] if g.untracked_count > len(g.untracked) else []
    )
