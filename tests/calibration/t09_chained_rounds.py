"""Borderline: rounds submitted at once, chained by dependencies: bounded and ordered, and nobody checks whether to go on."""

from tests.calibration.made import campaign, case, link, run

ROUNDS = (
    run("a", -90, -80, submitted=-95), run("b", -80, -70, submitted=-95, dependency="afterok:9a"),
    run("c", -70, -60, submitted=-95, dependency="afterok:9b"),
)  # fmt: skip

CASE = case(
    9, "borderline", "for i in 1 2 3 4; do sbatch --dependency=afterok:$jid train.sh $i; done",
    campaign(
        *ROUNDS, links=(link("a", "b"), link("b", "c"), link("c", "me")), lookalikes=("a", "b", "c"), iterations=4, cycle=("a", "b", "c"),
    ),
    expected="""
        self-submission passed
        endless-loop not-applicable
        uncounted-iterations passed
        built-on-failure passed
        handmade-rounds weak
        unrepeated-iteration unknown
    """,
)  # fmt: skip
