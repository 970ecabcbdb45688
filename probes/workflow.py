"""Which workflow engines, trackers and data formats does the job's code use?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Use:
    """A sign of a system. family: `engine`, `tracker`, `format`, `framework`, `simulation`, `distributed`, `download`.

    how: `command`, `import`, `file`; place: `file:line` or path.
    """

    system: str
    family: str
    how: str
    place: str


@dataclass(frozen=True)
class SystemsUsed:
    """Static signs in the batch script, the called files and the work directory; declared, until a reader (later issues) sees it enacted.

    phases: which of `train`, `infer`, `simulate`, `prepare` the commands and imports suggest, each with its signs.
    loops: lines where the script submits itself again or repeats a train/simulate body, `file:line text`.
    parallel: lines that start work side by side (`srun ... &`, `xargs -P`, `parallel`), likewise.
    serial: loops that run srun or a program one after another, likewise.
    """

    uses: tuple[Use, ...]
    phases: Mapping[str, tuple[str, ...]]
    loops: tuple[str, ...]
    parallel: tuple[str, ...]
    serial: tuple[str, ...]
