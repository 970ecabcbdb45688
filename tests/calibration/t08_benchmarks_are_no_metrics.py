"""Decoy: the only tables among the outputs are Snakemake's benchmark files: how long a task took, not what it found."""

from tests.calibration.made import case, files

CASE = case(
    8, "decoy", "benchmarks/train_0.tsv holds seconds and memory",
    files("results/model.pt", "benchmarks/train_0.tsv"),
    expected="""
        unknown-command passed
        unversioned-code passed
        unset-seed passed
        dirty-tree passed
        unpushed-commit passed
        changed-while-queued passed
        lost-metrics failed
        untracked-run not-applicable
        wrong-commit not-applicable
        unidentified-data passed
        loose-model passed
        unrepeated-result unknown
    """,
)  # fmt: skip
