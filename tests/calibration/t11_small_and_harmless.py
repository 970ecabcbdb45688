"""Decoy: nine hundred small files: all of them small, and too few to hurt anybody."""

from auditor.model import Phase
from probes.formats import FormatFiles
from tests.calibration.made import case, later
from tests.factory import file, manifest, unseen

CASE = case(
    11, "decoy", "900 text files of a few bytes on a local disk",
    later(manifest(*(file(f"out/{n}.txt", "output") for n in range(900)))),
    unseen(FormatFiles, "no data file of a known format", phase=Phase.LATER),
    expected="""
        loose-format passed
        small-files passed
        crowded-folder passed
        far-writes passed
        no-checkpoint not-applicable
        piled-checkpoints not-applicable
        file-storm passed
        tiny-pieces not-applicable
        unfinished-output not-applicable
        lost-outputs unknown
    """,
)  # fmt: skip
