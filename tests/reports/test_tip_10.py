"""Tip 10 by example: does the work get through with little waiting and little waste?"""

from __future__ import annotations

from auditor.verdict import Sameness
from probes.schedulers import StepRecord
from probes.submission import Directive
from tests.factory import accounting, at, attempt, seen, submission
from tests.reports.ask import FAILED, NEVER, NOT_APPLICABLE, PASSED, UNKNOWN, WEAK, advised, later, replayed, said

GIB = 1 << 30
HOUR = 3600


def test_a_time_limit_is_stated_or_proposed_from_the_time_used() -> None:
    stated = seen(submission(directives=(Directive("-t", "00:30:00", 2),)))

    assert said("unstated-time", stated) == (PASSED, "a time limit is asked for: --time=00:30:00")
    assert advised("unstated-time", seen(submission()), later(accounting(used_seconds=600.0))) == (
        FAILED,
        "#SBATCH --time=00:15:00",
    )
    assert said("unstated-time", seen(submission(given_by="command")))[0] == NOT_APPLICABLE
    assert said("unstated-time")[0] == UNKNOWN


def test_a_limit_far_above_the_time_used_is_oversized() -> None:
    day = later(accounting(asked_seconds=24 * HOUR, used_seconds=HOUR))

    assert said("oversized-limit", day) == (FAILED, "60 min of 24.0 h used (4 %)")
    assert advised("oversized-limit", day)[1] == "#SBATCH --time=01:30:00"
    assert said("oversized-limit", later(accounting(asked_seconds=24 * HOUR, used_seconds=4.0 * HOUR)))[0] == WEAK
    assert said("oversized-limit", later(accounting(asked_seconds=24 * HOUR, used_seconds=12.0 * HOUR)))[0] == PASSED


def test_an_hour_fits_anywhere() -> None:
    assert said("oversized-limit", later(accounting(asked_seconds=HOUR, used_seconds=30.0))) == (
        PASSED,
        "30 s of 60 min used (0.8 %); a limit of 60 min or less holds nobody up",
    )


def test_an_unlimited_or_unfinished_job_has_no_share() -> None:
    assert said("oversized-limit", later(accounting(asked_seconds=None)))[0] == UNKNOWN
    assert said("oversized-limit", later(accounting(final=False))) == (UNKNOWN, "the scheduler's record is not final")
    assert said("oversized-limit", later(accounting(scheduler="local", asked_seconds=None)))[0] == NOT_APPLICABLE


def test_a_job_that_succeeded_at_once_wasted_nothing() -> None:
    assert said("wasted-attempts", later(accounting())) == (PASSED, "1 attempt, ended COMPLETED")


def test_an_attempt_lost_with_its_node_is_weak_when_the_next_one_succeeded() -> None:
    lost = attempt(0, "NODE_FAIL", started=at(0), ended=at(30))
    record = later(accounting("123", lost, attempt(1, started=at(31), ended=at(60))))

    assert said("wasted-attempts", record) == (WEAK, "attempt 1 ended NODE_FAIL: 30 min spent for nothing")
    assert advised("wasted-attempts", record)[1].splitlines()[0] == "#SBATCH --requeue"


def test_the_fix_follows_the_way_the_job_ended() -> None:
    oom = later(accounting("123", attempt(0, "OUT_OF_MEMORY"), asked_memory=4 * GIB))
    late = later(accounting("123", attempt(0, "TIMEOUT"), asked_seconds=2 * HOUR))
    step = StepRecord("0", "FAILED", 1, 0, None, None, 5.0, 1, "srun ./solve")
    broken = later(accounting("123", attempt(0, "COMPLETED", succeeded=False, steps=(step,))))

    assert said("wasted-attempts", broken)[1] == "attempt 1 ended COMPLETED with a failed step: 10 min spent for nothing"
    assert advised("wasted-attempts", oom) == (FAILED, "#SBATCH --mem=6G")
    assert advised("wasted-attempts", late)[1].splitlines()[0] == "#SBATCH --time=03:00:00"
    assert advised("wasted-attempts", broken) == (
        FAILED,
        "set -euo pipefail   # first line of the script; then look at step 0 (srun ./solve): less /home/ada/train/slurm-123.out",
    )


def test_a_job_that_never_started_wasted_only_patience() -> None:
    waiting = attempt(0, "CANCELLED", started="", ended="", reason="DependencyNeverSatisfied")

    assert said("wasted-attempts", later(accounting("123", waiting))) == (
        UNKNOWN,
        "the job never started (CANCELLED: DependencyNeverSatisfied)",
    )


def test_waiting_is_compared_with_running() -> None:
    def waited(minutes: int, ran: float) -> tuple[object, str]:
        return said("long-wait", later(accounting("123", attempt(eligible=at(0), started=at(minutes)), used_seconds=ran)))

    assert waited(5, 60.0) == (PASSED, "waited 5 min, ran 60 s")
    assert waited(120, 2.0 * HOUR) == (PASSED, "waited 2.0 h, ran 2.0 h")
    assert waited(120, 1800.0) == (WEAK, "waited 2.0 h, ran 30 min")
    assert waited(600, 600.0) == (FAILED, "waited 10.0 h, ran 10 min")
    assert said("long-wait", later(accounting("123", attempt(started="")))) == (
        UNKNOWN,
        "times of queueing and starting are not known",
    )


def test_a_replay_that_got_through_proves_a_first_try() -> None:
    assert said("not-at-first-try", replayed(Sameness.DIFFERENT)) == (
        PASSED,
        "the replay got through at the first try in 10 min (local)",
    )
    assert said("not-at-first-try", replayed(Sameness.NOT_RUN, stopped_at="environment")) == (
        FAILED,
        "the replay stopped at environment: it stopped here",
    )
    assert said("not-at-first-try") == (UNKNOWN, NEVER)
