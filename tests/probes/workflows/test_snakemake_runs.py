"""What is told of a Snakemake run, from logs and records as the engine wrote them?"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from pathlib import Path

import pytest
from snakefolder import (
    CLOSED,
    GAVE_UP,
    GOOD,
    HEADER,
    NAME,
    RESTARTED,
    SIMULATE,
    SIMULATED,
    START,
    STATS,
    TRAIN,
    TRAIN_FAILED,
    TRAINED,
    encoded,
    line,
    made,
    record,
    run,
    runs,
)  # fmt: skip

from probes.workflows import Asked, Digest, State


def test_a_run_tells_what_its_header_says(tmp_path: Path) -> None:
    told = run(made(tmp_path))
    assert (told.version, told.id, told.user, told.host, told.command, told.workers) == (
        "9.27.1", "e4dee6da-71d0-4c58-a1d1-9ebe85f17011", "ada", "login1", "/opt/bin/snakemake --cores 2", 2,
    )  # fmt: skip


def test_a_run_has_succeeded_when_its_log_is_closed_with_all_steps_done(tmp_path: Path) -> None:
    told = run(made(tmp_path))
    assert (told.state, told.proof) == (
        State.SUCCEEDED,
        f".snakemake/log/{NAME} {line(GOOD, 'Complete log')}: all steps are done and the log is closed",
    )


def test_a_job_needs_the_job_that_made_its_input(tmp_path: Path) -> None:
    assert {t.id: t.needs for t in run(made(tmp_path)).tasks} == {"1": (), "0": ("1",)}


def test_a_job_tells_its_wildcards_and_what_it_asked_for(tmp_path: Path) -> None:
    simulate, train = run(made(tmp_path)).tasks
    assert (simulate.name, dict(simulate.parameters)) == ("simulate", {"n": "0", "member": "b"})
    assert train.asked == Asked(cpus=2.0, gpus=1.0, memory=50_000_000, seconds=120.0)


def test_a_retry_is_two_attempts_of_one_job_and_an_event(tmp_path: Path) -> None:
    told = run(
        made(tmp_path, HEADER + STATS + SIMULATE + SIMULATED + TRAIN + TRAIN_FAILED + RESTARTED + TRAIN + TRAINED + CLOSED)
    )
    train = told.tasks[1]
    assert (told.state, train.state) == (State.SUCCEEDED, State.SUCCEEDED)
    assert [(a.number, a.state, a.reason) for a in train.attempts] == [
        (1, State.FAILED, "command exited with non-zero exit code"),
        (2, State.SUCCEEDED, ""),
    ]
    assert [(e.what, e.task) for e in told.events] == [("retry", "0")]


def test_a_failed_job_has_a_record_like_any_other_and_still_failed(tmp_path: Path) -> None:
    log = HEADER + STATS + SIMULATE + SIMULATED + TRAIN + TRAIN_FAILED + GAVE_UP
    told = run(made(tmp_path, log, {"model.txt": record("train")}))
    assert (told.state, told.tasks[1].state) == (State.FAILED, State.FAILED)
    assert told.proof == f".snakemake/log/{NAME} {line(log, 'Error in rule')}: job 0 (train) failed"


def test_what_was_planned_and_never_begun_was_not_run(tmp_path: Path) -> None:
    failed = SIMULATED.replace(
        "Finished jobid: 1 (Rule: simulate)\n1 of 2 steps (50%) done\n", "Error in rule simulate:\n    jobid: 1\n"
    )
    told = run(made(tmp_path, HEADER + STATS + SIMULATE + failed + GAVE_UP))
    assert [(t.id, t.state) for t in told.tasks] == [("1", State.FAILED), ("train~1", State.NOT_RUN)]


def test_a_log_that_breaks_off_with_no_lock_left_was_killed(tmp_path: Path) -> None:
    told = run(made(tmp_path, HEADER + STATS + SIMULATE))
    assert (told.state, told.ended, told.tasks[0].state) == (State.KILLED, "", State.KILLED)
    assert (
        told.proof
        == f".snakemake/log/{NAME} ends at line {len((HEADER + STATS + SIMULATE).splitlines())} without its closing line, and no lock is left"
    )


def test_a_lock_that_is_left_on_another_machine_may_be_held_still(tmp_path: Path) -> None:
    made(tmp_path, HEADER + STATS + SIMULATE)
    (tmp_path / ".snakemake/locks/0.output.lock").write_text("out.txt\n")
    (tmp_path / f".snakemake/incomplete/{encoded('out.txt')}").write_text('{"external_jobid": null}')
    told = run(tmp_path)
    assert (told.state, told.tasks[0].state) == (State.UNKNOWN, State.UNKNOWN)
    assert "killed, or still running elsewhere" in told.proof
    assert [(e.what, e.text) for e in told.events] == [("incomplete", "1 outputs are marked as incomplete")]


def test_a_lock_of_which_this_machine_has_no_process_was_left_by_a_killed_run(tmp_path: Path) -> None:
    made(tmp_path, HEADER.replace("login1", os.uname().nodename) + STATS + SIMULATE)
    (tmp_path / ".snakemake/locks/0.output.lock").write_text("out.txt\n")
    told = run(tmp_path)
    assert (told.state, told.proof.split(", ")[-1]) == (
        State.KILLED, f"and no process with its command line is alive on {os.uname().nodename}",
    )  # fmt: skip


def test_a_run_that_broke_off_before_a_later_one_was_killed_whatever_lock_is_left(tmp_path: Path) -> None:
    made(tmp_path, HEADER + STATS + SIMULATE)
    made(tmp_path, GOOD.replace("21:23:", "22:50:"), name="2026-11-23T225035.000000.snakemake.log")
    (tmp_path / ".snakemake/locks/0.output.lock").write_text("out.txt\n")
    new, old = runs(tmp_path)
    assert (new.state, old.state, old.proof.split(", ")[-1]) == (State.SUCCEEDED, State.KILLED, "and a later run took the folder")


def test_a_second_try_that_was_killed_is_an_attempt_of_its_own(tmp_path: Path) -> None:
    told = run(made(tmp_path, HEADER + STATS + SIMULATE + SIMULATED + TRAIN + TRAIN_FAILED + RESTARTED + TRAIN))
    assert [(a.number, a.state) for a in told.tasks[1].attempts] == [(1, State.FAILED), (2, State.KILLED)]


def test_notes_of_the_engine_behind_a_file_are_not_part_of_its_name(tmp_path: Path) -> None:
    log = GOOD.replace("input: design.txt", "input: design (1).txt, x (2), s3://b/y (retrieve from storage), z (pipe)")
    assert [f.path for f in run(made(tmp_path, log)).tasks[0].files if f.role == "input"] == [
        "design (1).txt",
        "x (2)",
        "s3://b/y",
        "z",
    ]


def test_nothing_to_be_done_is_neither_success_nor_failure(tmp_path: Path) -> None:
    done = "Nothing to be done (all requested files are present and up to date).\n"
    assert run(made(tmp_path, HEADER + done)).state is State.CACHED


def test_a_run_that_found_the_folder_locked_says_so(tmp_path: Path) -> None:
    told = run(made(tmp_path, HEADER + "LockException:\nError: Directory cannot be locked.\n"))
    assert (told.state, [e.what for e in told.events]) == (State.FAILED, ["locked"])


def test_the_time_zone_of_a_log_is_found_by_the_epochs_of_the_records(tmp_path: Path) -> None:
    records = {"out.txt": record("simulate", endtime=START + 5 * 3600 + 1)}
    told = run(made(tmp_path, GOOD, records))
    assert (told.started, told.zone_assumed) == ("2026-11-24T02:23:35+00:00", False)


def test_records_that_do_not_agree_on_a_zone_tell_none(tmp_path: Path) -> None:
    records = {"out.txt": record("simulate", endtime=START + 5 * 3600 + 1), "model.txt": record("train", endtime=START + 777_777)}
    made(tmp_path, GOOD, records)
    os.utime(tmp_path / ".snakemake/log" / NAME, (1.0, 1.0))
    assert run(tmp_path).zone_assumed is True


def test_without_records_the_age_of_the_log_tells_its_zone(tmp_path: Path) -> None:
    made(tmp_path)
    os.utime(tmp_path / ".snakemake/log" / NAME, (START + 4 - 3600, START + 4 - 3600))
    told = run(tmp_path)
    assert (told.started, told.zone_assumed) == ("2026-11-23T20:23:35+00:00", False)


def test_a_zone_that_nothing_tells_is_ours_and_said_to_be_assumed(tmp_path: Path) -> None:
    made(tmp_path)
    os.utime(tmp_path / ".snakemake/log" / NAME, (1.0, 1.0))
    assert run(tmp_path).zone_assumed is True


def test_a_declared_image_that_the_engine_ignored_is_refused_and_not_enacted(tmp_path: Path) -> None:
    log = GOOD.replace("Provided cores: 2\n", "Provided cores: 2\nSingularity containers: ignored\n")
    image = record("simulate", container_img_url="docker://example.org/simulator:1.0")
    (environment,) = run(made(tmp_path, log, {"out.txt": image})).tasks[0].environments
    assert (environment.kind, environment.name) == ("container", "docker://example.org/simulator:1.0")
    assert environment.declared and environment.declared.locator == "key container_img_url"
    assert (environment.enacted, environment.refused and environment.refused.locator) == (None, line(log, "Singularity"))


def test_an_image_that_the_log_saw_activated_is_enacted(tmp_path: Path) -> None:
    url = "docker://example.org/simulator@sha256:" + "ab" * 32
    image = hashlib.md5(url.encode()).hexdigest()
    log = GOOD.replace(SIMULATED, f"Activating singularity image /home/ada/run/.snakemake/singularity/{image}.simg\n" + SIMULATED)
    (environment,) = run(made(tmp_path, log, {"out.txt": record("simulate", container_img_url=url)})).tasks[0].environments
    assert environment.enacted and environment.enacted.locator == line(log, "Activating")
    assert environment.digests == (Digest("sha256", "ab" * 32),)


def test_a_conda_file_is_named_by_the_file_that_has_its_content(tmp_path: Path) -> None:
    text = "dependencies: [python =3.12]\n"
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs/train.yaml").write_text(text)
    conda = record("train", conda_env=base64.b64encode(text.encode()).decode())
    (environment,) = run(made(tmp_path, GOOD, {"model.txt": conda})).tasks[1].environments
    assert (environment.kind, environment.name, environment.enacted) == ("conda", "envs/train.yaml", None)


@pytest.mark.parametrize("written", ["sha256:" + "0a" * 32, "0a" * 32])
def test_checksums_of_inputs_are_read_as_versions_9_and_7_write_them(tmp_path: Path, written: str) -> None:
    train = record("train", input=["out.txt"], input_checksums={"out.txt": written})
    told = run(made(tmp_path, GOOD, {"model.txt": train}))
    known = {(f.path, f.role): f.digests for t in told.tasks for f in t.files}
    assert known["out.txt", "output"] == known["out.txt", "input"] == (Digest("sha256", "0a" * 32),)


def test_a_time_is_taken_from_the_benchmark_before_all_else(tmp_path: Path) -> None:
    made(tmp_path, GOOD, {"model.txt": record("train"), "out.txt": record("simulate")})
    (tmp_path / "train.tsv").write_text(
        "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"
        "2.5\t0:00:02\t3.0\t4.2\t0.1\t0.4\t1.0\t0.5\t90.0\t2.0\n"
    )
    simulate, train = run(tmp_path).tasks
    assert (train.used.seconds, train.used.cpu_seconds, train.used.memory) == (2.5, 2.0, 3 << 20)
    assert (train.used.read, train.used.written) == (1 << 20, 1 << 19)
    assert (simulate.used.seconds, simulate.used.memory) == (1.0, None)


def test_a_record_whose_end_lies_before_its_start_gives_no_time(tmp_path: Path) -> None:
    swapped = record("simulate", starttime=START + 1, endtime=START + 0.996)
    used = run(made(tmp_path, GOOD, {"out.txt": swapped})).tasks[0].used
    assert (used.seconds, used.place and used.place.path) == (1.0, f".snakemake/log/{NAME}")


def test_a_record_of_a_submitted_job_gives_no_time_because_both_stamps_are_set_afterwards(tmp_path: Path) -> None:
    submitted = "Submitted job 1 with external jobid '77'.\n"
    log = HEADER + STATS + SIMULATE + submitted + SIMULATED + TRAIN + TRAINED + CLOSED
    assert run(made(tmp_path, log, {"out.txt": record("simulate")})).tasks[0].used.seconds is None


def test_the_files_of_the_configuration_count_only_where_their_digest_is_that_of_the_run(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("rate: 0.1\nmodel: {layers: 3}\n")
    digest = hashlib.md5(json.dumps({"rate": 0.1, "model": {"layers": 3}}, sort_keys=True).encode()).hexdigest()
    same = run(made(tmp_path, GOOD.replace("d41d8cd98f00b204e9800998ecf8427e", digest)))
    assert dict(same.parameters) == {"rate": "0.1", "model.layers": "3", "config md5": digest}
    other = run(made(tmp_path, GOOD))
    assert dict(other.parameters) == {"config md5": "d41d8cd98f00b204e9800998ecf8427e"}
    assert any("no value is taken from there" in gap for gap in other.gaps)


def test_a_secret_in_the_configuration_or_a_command_is_withheld(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("db_password: hunter2hunter2\n")
    digest = hashlib.md5(json.dumps({"db_password": "hunter2hunter2"}).encode()).hexdigest()
    log = GOOD.replace("d41d8cd98f00b204e9800998ecf8427e", digest).replace(
        "--cores 2", "--cores 2 --config token=abcdef123456789"
    )
    told = runs(made(tmp_path, log, {"out.txt": record("simulate", shellcmd="curl --token canary12345 x")}), {})[0]
    assert "hunter2" not in repr(told) and "canary12345" not in repr(told) and "abcdef123456789" not in repr(told)


def test_a_checkpoint_is_a_loop_and_directives_of_the_workflow_are_constructs(tmp_path: Path) -> None:
    (tmp_path / "Snakefile").write_text("rule a:\n    retries: 3\n    shadow: 'minimal'\n")
    told = run(made(tmp_path, GOOD.replace("localrule simulate:", "localcheckpoint simulate:")))
    assert [(c.what, c.text, c.place and c.place.locator) for c in told.constructs] == [
        ("loop", "checkpoint simulate", line(GOOD, "localrule simulate")),
        ("limit", "--cores 2", "Command"),
        ("retries", "retries: 3", "line 2"),
        ("staging", "shadow: 'minimal'", "line 3"),
    ]


def test_two_runs_in_one_folder_share_records_and_each_takes_only_its_own(tmp_path: Path) -> None:
    later = GOOD.replace("21:23:", "22:50:").replace("e4dee6da", "ffffffff")
    made(
        tmp_path,
        GOOD,
        {"out.txt": record("simulate"), "model.txt": record("train", starttime=START + 5220, endtime=START + 5221)},
    )
    made(tmp_path, later, name="2026-11-23T225035.000000.snakemake.log")
    new, old = runs(tmp_path)
    assert (new.id[:8], [bool(t.command) for t in new.tasks]) == ("ffffffff", [False, True])
    assert (old.id[:8], [bool(t.command) for t in old.tasks]) == ("e4dee6da", [True, False])
    assert "1 outputs of this run were written again by another run: their records are no longer this run's" in old.gaps


def test_jobs_without_a_log_succeeded_only_where_a_later_job_read_what_they_made(tmp_path: Path) -> None:
    made(tmp_path, GOOD, {
        "one.txt": record("first", starttime=START - 900, endtime=START - 899),
        "two.txt": record("second", input=["one.txt"], starttime=START - 800, endtime=START - 799),
        "lost.txt": record("third", starttime=START - 900, endtime=START - 899),
    })  # fmt: skip
    (tmp_path / "one.txt").write_text("1")
    (tmp_path / "two.txt").write_text("2")
    rest = runs(tmp_path)[-1]
    assert (rest.id, rest.state) == ("without-log", State.UNKNOWN)
    assert {t.name: (t.state, t.needs) for t in rest.tasks} == {
        "first": (State.SUCCEEDED, ()),
        "second": (State.UNKNOWN, ("record-1",)) if rest.tasks[0].name == "first" else (State.UNKNOWN, rest.tasks[-1].needs),
        "third": (State.UNKNOWN, ()),
    }


def test_two_outputs_of_one_job_are_one_task(tmp_path: Path) -> None:
    told = run(made(tmp_path, GOOD, {"model.txt": record("train"), "loss.txt": record("train")}))
    assert [t.name for t in told.tasks] == ["simulate", "train"]


def test_a_declared_conda_file_that_the_engine_ignored_is_refused_and_not_enacted(tmp_path: Path) -> None:
    log = GOOD.replace("Provided cores: 2\n", "Provided cores: 2\nConda environments: ignored\n")
    conda = record("train", conda_env=base64.b64encode(b"name: fit\n").decode())
    (environment,) = run(made(tmp_path, log, {"model.txt": conda})).tasks[1].environments
    assert (environment.name, environment.enacted, environment.refused and environment.refused.locator) == (
        "fit", None, line(log, "Conda environments"),
    )  # fmt: skip


@pytest.mark.parametrize(("names", "enacted"), [(("aa",), True), (("aa", "bb"), False)])
def test_which_of_several_activated_conda_environments_was_a_jobs_own_nobody_knows(
    tmp_path: Path, names: tuple[str, ...], enacted: bool
) -> None:
    seen = "".join(f"Activating conda environment: .snakemake/conda/{n}_\n" for n in names)
    conda = record("train", conda_env=base64.b64encode(b"name: fit\n").decode())
    told = run(made(tmp_path, GOOD.replace(TRAINED, seen + TRAINED), {"model.txt": conda}))
    assert bool(told.tasks[1].environments[0].enacted) is enacted


def test_a_dry_run_ran_nothing(tmp_path: Path) -> None:
    told = run(
        made(
            tmp_path,
            HEADER + STATS + "This was a dry-run (flag -n). The order of jobs does not reflect the order of execution.\n",
        )
    )
    assert (told.state, told.proof.partition(": ")[2]) == (State.NOT_RUN, "it was a dry run")


def test_inputs_that_a_record_names_where_the_run_lay_then_are_told_as_they_lie_now(tmp_path: Path) -> None:
    train = record("train", input=["/home/ada/run/out.txt"])
    told = run(made(tmp_path, GOOD, {"model.txt": train}))
    assert [f.path for f in told.tasks[1].files if f.role == "input"] == ["out.txt"]
    assert told.tasks[1].needs == ("1",)


def test_records_without_a_log_are_jobs_by_all_that_their_outputs_share_and_not_by_the_command(tmp_path: Path) -> None:
    """Two jobs of one command with other inputs are two; two outputs of one job are one."""
    same = {"shellcmd": "./train", "input": ["a.txt"]}
    records = {
        "m.txt": record("train", **same),
        "l.txt": record("train", **same),
        "n.txt": record("train", shellcmd="./train", input=["b.txt"]),
    }
    made(tmp_path, "", records)
    (tmp_path / ".snakemake/log" / NAME).unlink()
    assert [sorted(f.path for f in t.files if f.role == "output") for t in run(tmp_path).tasks] == [["l.txt", "m.txt"], ["n.txt"]]
