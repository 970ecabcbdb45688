"""What is read of a CWLProv bundle: the log says how jobs ended, the record what they used, the packed workflow what was declared."""

from __future__ import annotations

import json
from pathlib import Path

import cwlbundle
import pytest
from cwlbundle import FAILED_LOG, LOG, PACKED, SHA1, bundle

from auditor.world import RealWorld
from probes.workflows import Asked, Digest, Environment, File, Place, State, Task, WorkflowRun, cwl_log, cwl_packed, cwltool


def run_of(folder: Path) -> WorkflowRun:
    (run,) = cwltool.READER.read(RealWorld(), str(folder))
    return run


def tasks_of(folder: Path) -> dict[str, Task]:
    return {t.id: t for t in run_of(folder).tasks}


def test_a_good_run_is_told_with_its_proof(tmp_path: Path) -> None:
    run = run_of(bundle(tmp_path))

    assert (run.system, run.version, run.id, run.user) == ("cwltool", "3.3.20260925135507", "run", "Ada Lovelace")
    assert run.state is State.SUCCEEDED
    assert run.proof == "metadata/logs/engine.ee63440f.txt line 15: Final process status is success"
    assert run.name == "campaign.cwl"
    assert run.parameters == {"seeds": "[1, 2]", "name": "demo"}
    assert run.gaps == ()


def test_scattered_jobs_are_tasks_of_one_step(tmp_path: Path) -> None:
    tasks = tasks_of(bundle(tmp_path))

    assert [(t.id, t.name, t.state) for t in tasks.values()] == [
        ("simulate", "simulate", State.SUCCEEDED),
        ("simulate_2", "simulate", State.SUCCEEDED),
        ("train", "train", State.SUCCEEDED),
    ]


def test_edges_come_from_who_made_what_was_used(tmp_path: Path) -> None:
    train = tasks_of(bundle(tmp_path))["train"]

    assert train.needs == ("simulate", "simulate_2")
    assert train.files == (
        File("r1/result.txt", "input", 2, (Digest("sha1", SHA1["one"]),)),
        File("r2/result.txt", "input", None, (Digest("sha1", SHA1["two"]),)),
        File("m/model.txt", "output", None, (Digest("sha1", SHA1["model"]),)),
    )


def test_a_step_that_takes_only_values_of_another_waits_for_all_of_its_jobs(tmp_path: Path) -> None:
    record = cwlbundle.prov()
    record["used"] = {}

    assert tasks_of(bundle(tmp_path, record=record))["train"].needs == ("simulate", "simulate_2")


def test_values_are_parameters(tmp_path: Path) -> None:
    assert tasks_of(bundle(tmp_path))["simulate"].parameters == {"seed": "7"}


def test_command_memory_and_times_are_of_the_log_whose_milliseconds_are_not_padded(tmp_path: Path) -> None:
    train = tasks_of(bundle(tmp_path))["train"]

    assert train.command == "cat /tmp/d/result.txt > /tmp/c/model.txt"
    assert (train.attempts[0].started, train.attempts[0].ended) == (
        "2026-11-23T21:24:15.915+00:00",
        "2026-11-23T21:24:16.004+00:00",
    )
    assert (train.used.seconds, train.used.memory) == (0.089, 12 << 20)


def test_the_record_of_a_failed_job_has_an_end_and_only_the_log_tells(tmp_path: Path) -> None:
    train = tasks_of(bundle(tmp_path, log=FAILED_LOG))["train"]

    assert (train.state, train.attempts[0].exit_code, train.attempts[0].reason) == (State.FAILED, 3, "exited with status: 3")


def test_without_the_log_nobody_knows_how_it_ended(tmp_path: Path) -> None:
    run = run_of(bundle(tmp_path, log=None))

    assert run.state is State.UNKNOWN
    assert {t.state for t in run.tasks if t.attempts} == {State.UNKNOWN}
    assert run.gaps == ("no engine log: how the jobs ended is not recorded anywhere else",)


def test_a_step_that_a_failure_left_out_was_not_run(tmp_path: Path) -> None:
    report = tasks_of(bundle(tmp_path, log=FAILED_LOG))["report"]

    assert (report.state, report.needs, report.attempts) == (State.NOT_RUN, ("train",), ())


def test_a_run_with_parallel_has_no_steps_in_its_record_and_the_log_and_the_plan_stand_in(tmp_path: Path) -> None:
    record = cwlbundle.prov()
    for kind in ("used", "wasGeneratedBy", "hadMember", "specializationOf", "entity"):
        record[kind] = {}
    record["activity"] = {"id:run": record["activity"]["id:run"]}

    run = run_of(bundle(tmp_path, record=record, log=LOG.replace("--no-container", "--no-container --parallel")))

    assert {t.id: t.needs for t in run.tasks} == {"simulate": (), "simulate_2": (), "train": ("simulate", "simulate_2")}
    assert run.workers is None


def test_without_parallel_one_job_runs_at_a_time(tmp_path: Path) -> None:
    run = run_of(bundle(tmp_path))

    assert run.workers == 1
    assert [c.text for c in run.constructs if c.what == "limit"] == ["one job at a time: no --parallel"]


def test_a_declared_container_is_refused_by_no_container(tmp_path: Path) -> None:
    (image,) = tasks_of(bundle(tmp_path))["simulate"].environments

    assert image == Environment(
        "container",
        "debian@sha256:" + "d" * 64,
        declared=Place("workflow/packed.cwl", "step simulate, tool #simulate.cwl"),
        refused=Place("metadata/logs/engine.ee63440f.txt", "line 1: --no-container"),
        digests=(Digest("sha256", "d" * 64),),
    )


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("docker run -i --mount=type=bind,source=/a,target=/b --rm --env=HOME=/x debian:12 sh -c true", ("docker", "debian:12")),
        ("podman run -i --userns=keep-id --rm quay.io/a/b@sha256:00 cat", ("podman", "quay.io/a/b@sha256:00")),
        (
            "/usr/bin/singularity --quiet run --contain --home /o:/h --bind /a:/b /img/debian:12.sif sh",
            ("singularity", "/img/debian:12.sif"),
        ),
        ("sh -c 'docker run debian:12'", ("", "")),
        ("", ("", "")),
    ],
)
def test_the_container_of_a_job_is_in_its_command(command: str, expected: tuple[str, str]) -> None:
    assert cwl_log.container(command) == expected


def test_a_container_that_ran_is_enacted(tmp_path: Path) -> None:
    image = "debian@sha256:" + "d" * 64
    log = LOG.replace("--no-container ", "").replace(
        "/tmp/a$ sh", f"/tmp/a$ docker \\\n    run \\\n    -i \\\n    --rm \\\n    {image}"
    )

    (found,) = tasks_of(bundle(tmp_path, log=log))["simulate"].environments

    assert (found.name, found.enacted, found.refused) == (image, Place("metadata/logs/engine.ee63440f.txt", "line 3"), None)


def test_the_tool_asks_before_the_workflow_and_an_expression_is_kept_as_text() -> None:
    steps = cwl_packed.parse(json.dumps(PACKED))

    assert steps["simulate"].asked == Asked(cpus=4, gpus=1, disk=15 << 20, seconds=60, other={"ramMin": "$(inputs.size)"})
    assert steps["train"].asked == Asked(cpus=2, memory=1 << 30)
    assert [e.name for e in steps["train"].environments] == ["samtools 1.3"]


def test_a_requirement_of_the_workflow_wins_over_a_hint_of_the_tool() -> None:
    tool = {"class": "CommandLineTool", "hints": [{"class": "ResourceRequirement", "coresMin": 8}]}
    asks = [{"class": "ResourceRequirement", "coresMin": 2}]
    packed = {"class": "Workflow", "id": "#main", "requirements": asks, "steps": [{"id": "#main/a", "run": tool}]}

    assert cwl_packed.parse(json.dumps(packed))["a"].asked == Asked(cpus=2)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        ({"loop": {"n": "o"}, "when": "$(inputs.n < 3)"}, "loop until not $(inputs.n < 3)"),
        (
            {"requirements": [{"class": "http://commonwl.org/cwltool#Loop", "loopWhen": "$(inputs.n < 3)"}]},
            "cwltool:Loop while $(inputs.n < 3)",
        ),
        ({}, ""),
    ],
)
def test_both_ways_to_iterate_are_known(step: dict[str, object], said: str) -> None:
    packed = {"class": "Workflow", "id": "#main", "steps": [{"id": "#main/improve", "run": {"class": "CommandLineTool"}, **step}]}

    assert cwl_packed.parse(json.dumps(packed))["improve"].loop == said


def test_steps_of_one_tool_are_called_by_it_where_their_names_agree() -> None:
    names = {
        "simulate": "simulate.cwl",
        "simulate_again": "simulate.cwl",
        "clean": "python.cwl",
        "plot": "python.cwl",
        "retrain": "train.cwl",
    }
    steps = [{"id": f"#main/{name}", "run": f"#{tool}"} for name, tool in names.items()]
    tools = [{"class": "CommandLineTool", "id": f"#{tool}"} for tool in set(names.values())]

    found = cwl_packed.parse(json.dumps({"$graph": [{"class": "Workflow", "id": "#main", "steps": steps}, *tools]}))

    assert {s.name: s.called for s in found.values()} == {
        "simulate": "simulate",
        "simulate_again": "simulate",
        "clean": "clean",
        "plot": "plot",
        "retrain": "retrain",
    }


def test_iterations_of_a_loop_are_events(tmp_path: Path) -> None:
    line = "[2026-11-23T21:24:15,914.000000Z] [step simulate] Iteration 2 completed success\n"
    run = run_of(bundle(tmp_path, log=LOG.replace("[2026-11-23T21:24:15,915", line + "[2026-11-23T21:24:15,915")))

    assert [(e.what, e.text) for e in run.events] == [("loop", "iteration 2 of step simulate")]


def test_a_nested_run_is_read_with_its_own_record(tmp_path: Path) -> None:
    record = cwlbundle.prov()
    record["activity"]["id:t"] = [
        record["activity"]["id:t"],
        {"prov:has_provenance": [{"$": "provenance:inner.cwlprov.nt"}, {"$": "provenance:inner.cwlprov.json"}]},
    ]
    inner = {
        "activity": {"id:deep": {"prov:label": "Run of workflow/packed.cwl#main/deep"}},
        "entity": {"id:r1": {"cwlprov:basename": "result.txt"}},
        "used": {"_:u": {"prov:activity": "id:deep", "prov:entity": "id:r1"}},
        "specializationOf": {"_:s": {"prov:specificEntity": "id:r1", "prov:generalEntity": f"data:{SHA1['one']}"}},
    }
    bundle(tmp_path, record=record, log=LOG.replace("[job train]", "[job deep]"))
    (tmp_path / "metadata/provenance/inner.cwlprov.json").write_text(json.dumps(inner))

    assert {t.id: t.needs for t in run_of(tmp_path).tasks} == {"simulate": (), "simulate_2": (), "deep": ("simulate",)}


@pytest.mark.parametrize("hours", [2, -14, 0])
def test_local_times_of_the_record_get_their_zone_from_the_log(tmp_path: Path, hours: int) -> None:
    run = run_of(bundle(tmp_path, record=cwlbundle.prov(hours)))

    assert (run.started, run.zone_assumed) == ("2026-11-23T21:24:15.600+00:00", False)


def test_definitions_carry_the_digests_that_the_bag_declares(tmp_path: Path) -> None:
    kinds = {d.path: (d.kind, d.digests) for d in run_of(bundle(tmp_path)).definitions}

    assert kinds == {
        "workflow/packed.cwl": ("workflow", (Digest("sha256", "a" * 64),)),
        "snapshot/campaign.cwl": ("workflow", ()),
        "workflow/primary-job.json": ("config", ()),
    }


def test_a_summary_of_outputs_tells_files_and_not_how_it_ended(tmp_path: Path) -> None:
    made = {"class": "File", "path": "/x/model.txt", "basename": "model.txt", "checksum": f"sha1${SHA1['model']}", "size": 4}
    (tmp_path / "cwl-summary.json").write_text(json.dumps({"model": made, "all": [made, None], "n": 3}))

    run = run_of(tmp_path)

    assert run.state is State.UNKNOWN
    assert run.outputs == (File("model.txt", "output", 4, (Digest("sha1", SHA1["model"]),)),) * 2


def test_other_files_called_a_summary_are_no_runs(tmp_path: Path) -> None:
    (tmp_path / "wandb-summary.json").write_text('{"loss": 0.1}')

    assert list(cwltool.READER.read(RealWorld(), str(tmp_path))) == []


def test_a_temporary_failure_is_a_failure(tmp_path: Path) -> None:
    log = LOG.replace("[job train] completed success", "[job train] completed temporaryFail").replace(
        "status is success", "status is temporaryFail"
    )
    told = run_of(bundle(tmp_path, log=log))

    assert (told.state, next(t.state for t in told.tasks if t.id == "train")) == (State.FAILED, State.FAILED)


NESTED = {
    "$graph": [
        {
            "class": "Workflow",
            "id": "#main",
            "steps": [
                {"id": "#main/draw", "run": "#t.cwl", "in": [], "out": []},
                {
                    "id": "#main/each",
                    "run": "#inner",
                    "scatter": "x",
                    "in": [{"id": "#main/each/word", "source": "#main/draw/out"}],
                },
                {"id": "#main/join", "run": "#t.cwl", "in": [{"id": "#main/join/fs", "source": "#main/each/made"}]},
            ],
        },
        {
            "class": "Workflow",
            "id": "#inner",
            "outputs": [{"id": "#inner/made", "outputSource": "#inner/shout/out"}],
            "steps": [
                {"id": "#inner/say", "run": "#t.cwl", "in": [{"id": "#inner/say/w", "source": "#inner/word"}]},
                {"id": "#inner/shout", "run": "#t.cwl", "in": [{"id": "#inner/shout/f", "source": "#inner/say/out"}]},
            ],
        },
        {"class": "CommandLineTool", "id": "#t.cwl"},
    ]
}


def test_steps_are_joined_through_the_doors_of_a_nested_workflow() -> None:
    assert {s.name: s.sources for s in cwl_packed.parse(json.dumps(NESTED)).values()} == {
        "draw": (),
        "each": ("draw",),
        "say": ("draw",),
        "shout": ("say",),
        "join": ("shout",),
    }


def test_a_plan_whose_workflows_call_themselves_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cwl_packed, "MAX_STEPS", 50)
    steps = [{"id": f"#main/{n}", "run": "#main", "in": [{"id": f"#main/{n}/p", "source": f"#main/{n}/made"}]} for n in range(9)]
    outputs = [{"id": "#main/made", "outputSource": [f"#main/{n}/made" for n in range(9)]}]
    told = cwl_packed.parse(json.dumps({"$graph": [{"class": "Workflow", "id": "#main", "outputs": outputs, "steps": steps}]}))

    assert [s.sources for s in told.values()] == [()] * 9


def test_a_nested_job_waits_for_the_one_of_its_own_nested_run(tmp_path: Path) -> None:
    """As --parallel leaves it: no step in the record, and a log that says which nested run started what."""
    started = [("each", "say"), ("each_2", "say_2"), ("each", "shout"), ("each_2", "shout_2"), ("", "join")]
    said = "".join(
        f"[2026-11-23T21:24:15,{n}.000000Z] [workflow {w}] starting step {s}\n[2026-11-23T21:24:15,{n}.000000Z] [job {s}] /t$ x\n"
        f"[2026-11-23T21:24:15,{n}.000000Z] [job {s}] completed success\n"
        for n, (w, s) in enumerate(started, 900)
    )
    bundle(tmp_path, record={"activity": {}}, log=LOG.splitlines()[0] + "\n" + said)
    (tmp_path / "workflow/packed.cwl").write_text(json.dumps(NESTED))

    needs = {t.id: t.needs for t in run_of(tmp_path).tasks}
    assert (needs["shout"], needs["shout_2"], needs["join"]) == (("say",), ("say_2",), ("shout", "shout_2"))
