"""Bad: twelve thousand outputs of a few bytes in one folder on NFS, written within ten minutes; an hour's run without a checkpoint."""

from auditor.model import Phase
from probes.formats import FormatFiles
from tests.calibration.made import case, disks, later
from tests.factory import accounting, file, manifest, unseen

CASE = case(
    11, "bad", "out/0.txt to out/11999.txt",
    later(manifest(*(file(f"out/{n}.txt", "output") for n in range(12_000)))),
    later(accounting(used_seconds=7200.0, asked_seconds=9000)),
    disks("network", "nfs4"),
    unseen(FormatFiles, "no data file of a known format", phase=Phase.LATER),
    expected="""
        loose-format failed
        small-files failed
        crowded-folder failed
        far-writes weak
        no-checkpoint failed
        piled-checkpoints not-applicable
        file-storm passed
        tiny-pieces not-applicable
        unfinished-output not-applicable
        lost-outputs unknown
    """,
)  # fmt: skip
