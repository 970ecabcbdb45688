from __future__ import annotations

import pytest

from auditor.model import AuditError
from auditor.submit.request import Request, request
from probes.script.sbatch import directives


def asked(*lines: str) -> Request:
    return request(directives("#!/bin/bash\n" + "".join(f"#SBATCH {line}\n" for line in lines)), "job.sh")


def test_a_script_that_asks_for_nothing_has_its_own_name_and_the_terminal() -> None:
    plain = asked()
    assert (plain.name, plain.tasks, plain.seconds, plain.output, plain.cpus, plain.memory) == (
        "job.sh",
        (),
        None,
        "",
        None,
        None,
    )


def test_an_array_with_a_throttle() -> None:
    array = asked("--array=0-6:3,9%2")
    assert (array.tasks, array.throttle) == ((0, 3, 6, 9), 2)


def test_resources_are_written_down_as_asked() -> None:
    big = asked("-N 2 --ntasks-per-node=4 -c 2", "--mem=4G --time=1-12", "--gres=gpu:a100:2,tmp:1G")
    assert (big.nodes, big.cpus, big.memory, big.seconds, big.gpus, big.gpu_type) == (2, 16, 8 << 30, 129600, 4, "a100")


def test_memory_without_a_unit_is_megabytes_and_may_be_for_each_core() -> None:
    assert asked("--mem=100").memory == 100 << 20
    assert asked("-c 4 --mem-per-cpu=1G").memory == 4 << 30


def test_the_last_of_an_option_counts_short_or_long() -> None:
    assert asked("-J first", "--job-name=second").name == "second"


@pytest.mark.parametrize("line", ["--array=3-", "--array=", "--array=1-4%0", "--array=all", "--time=soon"])
def test_what_sbatch_would_refuse_is_refused_with_a_hint(line: str) -> None:
    with pytest.raises(AuditError) as refused:
        asked(line)
    assert line in refused.value.message and refused.value.hint


@pytest.mark.parametrize("line", ["--time=0", "--time=UNLIMITED"])
def test_no_limit_can_be_asked_for(line: str) -> None:
    assert asked(line).seconds is None
