"""Bad: each of 20 array tasks downloads the same archive, from the network, on nodes that wait for it."""

from tests.calibration.made import GIB, campaign, case, disks, kernel, later, scripts
from tests.factory import accounting

CASE = case(
    2, "bad", "wget in the batch script of an array: 20 times the same archive",
    scripts({"run.sh": "#!/bin/bash\n#SBATCH --array=0-19\nwget https://example.org/data.tar\ntar xf data.tar\npython simulate.py\n"}, inputs=()),
    later(accounting("7_3")),
    campaign(array_size=20),
    disks("network", "nfs4"),
    kernel(cpu=5.0, read=80 * GIB, written=20 * GIB),
    expected="""
        undeclared-inputs failed
        download-in-job failed
        fetched-again failed
        far-inputs failed
        unhashed-inputs passed
        dangling-pointers not-applicable
        unstaged-inputs passed
        data-dragging failed
        fetching-tasks not-applicable
        staging-heavy not-applicable
        unfetchable-inputs unknown
    """,
)  # fmt: skip
