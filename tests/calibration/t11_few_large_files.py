"""Good: one table in, one model out."""

from auditor.model import Phase
from probes.formats import FormatFiles
from tests.calibration.made import case, later
from tests.factory import file, manifest, unseen

CASE = case(
    11, "good", "an input of 4 MiB and an output of 8 MiB on a local disk",
    later(manifest(file("data.h5", size=4 << 20), file("results/model.pt", "output", size=8 << 20))),
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
