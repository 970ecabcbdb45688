"""Bad: the script submits itself for ever; five rounds stand in the data, one of them built on a failure."""

from tests.calibration.made import campaign, case, link, run, scripts

ROUNDS = (run("a", -90, -80), run("b", -70, -60, state="TIMEOUT"), run("c", -50, -40), run("d", -30, -20))

CASE = case(
    9, "bad", "sbatch $0 as the last line; each round reads the last one's model; round b ran out of time",
    scripts({"train.sh": "#!/bin/bash\n#SBATCH --time=00:30:00\npython train.py --from last.pt\nsbatch $0\n"}),
    campaign(
        *ROUNDS,
        links=(link("a", "b"), link("b", "c"), link("c", "d"), link("d", "me")),
        lookalikes=("a", "b", "c", "d"), iterations=5, cycle=("a", "b", "c", "d"),
    ),
    expected="""
        self-submission failed
        endless-loop failed
        uncounted-iterations passed
        built-on-failure weak
        handmade-rounds failed
        unrepeated-iteration unknown
    """,
)  # fmt: skip
