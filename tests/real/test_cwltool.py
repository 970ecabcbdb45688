"""Is what cwltool really left read rightly? The demo campaign: good, failing, in parallel, nested, in a loop, moved, in another zone, in a container."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from datetime import datetime
from pathlib import Path

import pytest
from containers_lab import Engine
from engines import called, engine

from auditor.world import RealWorld
from probes.workflows import State, WorkflowRun, cwltool
from probes.workflows.summary import summary

pytestmark = pytest.mark.engine
CAMPAIGN = Path(__file__).parent / "campaigns/cwltool"
NESTED = """
cwlVersion: v1.2
class: Workflow
requirements: {SubworkflowFeatureRequirement: {}, MultipleInputFeatureRequirement: {}}
inputs: {seed: int}
outputs: {model: {type: File, outputSource: use/model}}
steps:
  inner:
    in: {seed: seed}
    out: [result]
    run:
      class: Workflow
      inputs: {seed: int}
      outputs: {result: {type: File, outputSource: deep/result}}
      steps:
        deep: {run: CAMPAIGN/simulate.cwl, in: {seed: seed}, out: [result]}
  use: {run: CAMPAIGN/train.cwl, in: {results: {source: [inner/result], linkMerge: merge_flattened}}, out: [model]}
"""
LOOP = """
cwlVersion: v1.3.0-dev1
class: Workflow
requirements: {InlineJavascriptRequirement: {}}
inputs: {n: int}
outputs: {o: {type: int, outputSource: improve/o}}
steps:
  improve:
    when: $(inputs.n < 3)
    loop: {n: o}
    outputMethod: last_iteration
    in: {n: n}
    out: [o]
    run:
      class: CommandLineTool
      baseCommand: [echo]
      arguments: [$(inputs.n + 1)]
      stdout: out.txt
      inputs: {n: int}
      outputs: {o: {type: int, outputBinding: {glob: out.txt, loadContents: true, outputEval: '$(parseInt(self[0].contents))'}}}
"""

SCATTERED = """
cwlVersion: v1.2
class: Workflow
requirements: {ScatterFeatureRequirement: {}, SubworkflowFeatureRequirement: {}}
inputs: {words: "string[]"}
outputs: {out: {type: File, outputSource: join/out}}
steps:
  each:
    scatter: word
    in: {word: words}
    out: [out]
    run:
      class: Workflow
      inputs: {word: string}
      outputs: {out: {type: File, outputSource: shout/out}}
      steps:
        say:
          in: {word: word}
          out: [out]
          run: {class: CommandLineTool, baseCommand: echo, inputs: {word: {type: string, inputBinding: {}}}, stdout: said, outputs: {out: stdout}}
        shout:
          in: {f: say/out}
          out: [out]
          run: {class: CommandLineTool, baseCommand: [tr, a-z, A-Z], inputs: {f: File}, stdin: $(inputs.f.path), stdout: loud, outputs: {out: stdout}}
  join:
    in: {fs: each/out}
    out: [out]
    run: {class: CommandLineTool, baseCommand: cat, inputs: {fs: {type: "File[]", inputBinding: {}}}, stdout: all, outputs: {out: stdout}}
"""


def run(folder: Path, *words: str, zone: str = "UTC", **extra: str) -> int:
    """The exit status of cwltool with a provenance bundle in FOLDER/bundle."""
    argv = [str(engine("cwltool") / "cwltool"), "--provenance", "bundle", "--outdir", "out", *words]
    folder.mkdir(parents=True, exist_ok=True)
    made = subprocess.run(
        argv, cwd=folder, env={**called("cwltool"), "TZ": zone, **extra}, capture_output=True, text=True, timeout=200
    )
    (folder / "err").write_text(made.stderr)
    return made.returncode


def read(folder: Path) -> WorkflowRun:
    (found,) = cwltool.READER.read(RealWorld(), str(folder))
    return found


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    assert run(folder, "--no-container", str(CAMPAIGN / "campaign.cwl"), str(CAMPAIGN / "job.yml"), zone="Asia/Kathmandu") == 0
    return folder / "bundle"


def test_the_campaign_is_told_with_its_two_turns(good: Path) -> None:
    told = read(good)

    assert (told.state, told.gaps, told.zone_assumed) == (State.SUCCEEDED, (), False)
    assert {t.id: t.needs for t in told.tasks} == {
        "simulate": (),
        "simulate_2": (),
        "train": ("simulate", "simulate_2"),
        "predict": ("train",),
        "simulate_again": ("predict",),
        "retrain": ("simulate_again",),
    }
    assert {t.state for t in told.tasks} == {State.SUCCEEDED}
    assert (summary(told).loops, summary(told).iterations) == ((("simulate", "train", "predict"),), (2,))


def test_the_declared_container_was_refused(good: Path) -> None:
    images = [e for t in read(good).tasks for e in t.environments if e.kind == "container"]

    assert len(images) == 5
    assert all(e.declared and e.refused and not e.enacted for e in images)


def test_times_of_a_far_zone_are_those_of_the_log(good: Path) -> None:
    told = read(good)
    first = min(a.started for t in told.tasks for a in t.attempts)

    assert told.started <= first <= told.ended
    assert abs(datetime.fromisoformat(told.ended).timestamp() - (good / "bagit.txt").stat().st_mtime) < 900


def test_a_moved_bundle_tells_the_same(good: Path, tmp_path: Path) -> None:
    shutil.copytree(good, tmp_path / "moved")

    assert read(tmp_path / "moved").tasks == read(good).tasks


def test_a_failing_campaign_names_the_job_and_its_exit_code(tmp_path: Path) -> None:
    status = run(tmp_path, "--no-container", "--parallel", str(CAMPAIGN / "fails.cwl"), "--seed", "4")

    told = read(tmp_path / "bundle")
    assert (status, told.state) == (1, State.FAILED)
    assert {t.id: (t.state, t.needs, t.attempts[0].exit_code) for t in told.tasks} == {
        "simulate": (State.SUCCEEDED, (), 0),
        "explode": (State.FAILED, ("simulate",), 3),
    }


def test_a_nested_workflow_is_joined_across_its_records(tmp_path: Path) -> None:
    (tmp_path / "nested.cwl").write_text(NESTED.replace("CAMPAIGN", str(CAMPAIGN)))

    assert run(tmp_path, "--no-container", "nested.cwl", "--seed", "7") == 0
    assert {t.id: t.needs for t in read(tmp_path / "bundle").tasks} == {"use": ("deep",), "deep": ()}


def test_a_nested_workflow_that_is_scattered_side_by_side_joins_each_of_its_own(tmp_path: Path) -> None:
    """With --parallel cwltool records no step at all: the plan says who follows whom, and the log which nested run a job is of."""
    (tmp_path / "scattered.cwl").write_text(SCATTERED)
    (tmp_path / "words.yml").write_text("words: [ab, cd, ef]\n")

    assert run(tmp_path, "--no-container", "--parallel", "scattered.cwl", "words.yml") == 0
    needs = {t.id: t.needs for t in read(tmp_path / "bundle").tasks}
    assert {len(needs[f"shout{n}"]) for n in ("", "_2", "_3")} == {1}
    assert {needs[f"shout{n}"][0] for n in ("", "_2", "_3")} == {"say", "say_2", "say_3"}
    assert set(needs["join"]) == {"shout", "shout_2", "shout_3"}


def test_a_loop_is_a_construct_and_its_turns_are_events(tmp_path: Path) -> None:
    (tmp_path / "loop.cwl").write_text(LOOP)
    (tmp_path / "n.yml").write_text("n: 0\n")

    assert run(tmp_path, "--enable-dev", "--no-container", "loop.cwl", "n.yml") == 0
    told = read(tmp_path / "bundle")
    assert [c.text for c in told.constructs if c.what == "loop"] == ["step improve: loop until not $(inputs.n < 3)"]
    assert len([e for e in told.events if e.what == "loop"]) == 3


def test_a_summary_alone_lists_the_outputs(tmp_path: Path) -> None:
    argv = [str(engine("cwltool") / "cwltool"), "--no-container", "--outdir", "out", "--write-summary", "cwl-summary.json"]
    subprocess.run(
        [*argv, str(CAMPAIGN / "campaign.cwl"), str(CAMPAIGN / "job.yml")],
        cwd=tmp_path,
        env=called("cwltool"),
        capture_output=True,
        check=True,
        timeout=200,
    )

    told = read(tmp_path)
    digest = subprocess.run(["sha1sum", "out/model.txt"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout[:40]
    assert told.state is State.UNKNOWN
    assert [(f.path, f.digests[0].value) for f in told.outputs] == [("model.txt", digest)]


def test_a_killed_run_leaves_no_bundle_at_all(tmp_path: Path) -> None:
    (tmp_path / "slow.cwl").write_text(
        "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: [sh, -c, 'touch $0; sleep 300']\n"
        f"arguments: ['{tmp_path}/begun']\ninputs: {{}}\noutputs: {{}}\n"
    )
    argv = [str(engine("cwltool") / "cwltool"), "--no-container", "--provenance", "bundle", "slow.cwl"]
    child = subprocess.Popen(argv, cwd=tmp_path, env=called("cwltool"), stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        deadline = time.monotonic() + 60
        while not (tmp_path / "begun").exists() and time.monotonic() < deadline:
            time.sleep(0.1)
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    assert not (tmp_path / "bundle").exists()


@pytest.mark.docker
def test_a_container_that_docker_ran_is_enacted(tmp_path: Path, docker_engine: Engine) -> None:
    docker_engine.make("lab/cwl:1", {})
    (tmp_path / "tool.cwl").write_text(
        "cwlVersion: v1.2\nclass: CommandLineTool\nbaseCommand: [cat]\nhints: {DockerRequirement: {dockerPull: 'lab/cwl:1'}}\n"
        "inputs: {given: {type: File, inputBinding: {position: 1}}}\nstdout: o.txt\noutputs: {o: stdout}\n"
    )
    (tmp_path / "in.txt").write_text("x")

    status = run(tmp_path, "--disable-pull", "tool.cwl", "--given", "in.txt", DOCKER_HOST=docker_engine.host)

    told = read(tmp_path / "bundle")
    assert (status, told.state) == (0, State.SUCCEEDED), (tmp_path / "err").read_text()
    (image,) = [e for t in told.tasks for e in t.environments]
    assert (image.name, bool(image.declared), bool(image.enacted), image.refused) == ("lab/cwl:1", True, True, None)
    assert json.loads((tmp_path / "bundle/workflow/primary-output.json").read_text())["o"]["size"] == 1
