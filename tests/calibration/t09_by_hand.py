"""Bad: four rounds typed by hand, each after the last one had ended, each reading what it made; no script says that it is a loop."""

from tests.calibration.made import campaign, case, link, run

ROUNDS = (run("a", -90, -80), run("b", -60, -50), run("c", -30, -20))

CASE = case(
    9, "bad", "sbatch train.sh 1, 2, 3, 4, each typed when the one before was done",
    campaign(
        *ROUNDS, links=(link("a", "b"), link("b", "c"), link("c", "me")), lookalikes=("a", "b", "c"), iterations=4, cycle=("a", "b", "c"),
    ),
    expected="""
        self-submission passed
        endless-loop not-applicable
        uncounted-iterations passed
        built-on-failure passed
        handmade-rounds failed
        unrepeated-iteration unknown
    """,
)  # fmt: skip
