"""Decoy: train.py of a railway: it makes a train timetable from departures, and holds no model at all."""

from tests.calibration.made import case, files, scripts

TIMETABLE = """import csv, sys
def departures(path):
    return sorted(csv.reader(open(path)), key=lambda row: row[1])
for station, minute in departures(sys.argv[1]):
    print(f"{station},{int(minute) % 60:02d}")
"""

CASE = case(
    1, "decoy", "the only sign of training is the file's name: nothing imports a framework, nothing is fitted",
    scripts({"run.sh": "#!/bin/bash\npython train.py departures.csv > results/timetable.csv\n", "train.py": TIMETABLE}),
    files("results/timetable.csv"),
    expected="""
        hidden-ai unknown
        isolated-run failed
        unlinked-ai not-applicable
        unpinned-model not-applicable
        unvalidated-model unknown
        lost-results passed
        unproved-results unknown
    """,
)  # fmt: skip
