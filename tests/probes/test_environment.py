"""Are values stored by allow-list only?"""

from __future__ import annotations

from auditor.model import Absent, Job
from probes.environment import PROBE, Environment, parse
from tests.fakes import recorded


def test_allowed_values_are_kept_and_of_all_others_only_the_names() -> None:
    env = {
        "OMP_NUM_THREADS": "4",
        "PATH": "/bin",
        "AWS_SECRET_ACCESS_KEY": "x",
        "MY_VAR": "y",
        "SLURM_JWT": "z",
        "BASH_FUNC_f%%": "() { :; }",
    }
    assert parse(env) == Environment(
        {"OMP_NUM_THREADS": "4", "PATH": "/bin"}, ("AWS_SECRET_ACCESS_KEY", "BASH_FUNC_f%%", "MY_VAR", "SLURM_JWT")
    )


def test_a_value_without_end_is_withheld_even_if_allowed() -> None:
    assert parse({"XLA_FLAGS": "x" * 20_000}) == Environment({}, ("XLA_FLAGS",))


def test_an_empty_environment_is_absent() -> None:
    assert PROBE.collect(recorded(), Job("slurm", "1")) == Absent("the environment is empty")
