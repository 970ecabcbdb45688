"""Where does a check begin and end to say something? Each case stands just beside another one that is judged the other way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from auditor.campaign import Campaign
from auditor.model import Evidence
from probes.containers import ContainerReferences
from probes.data import Reference
from probes.filesystem import FileSystems, Mount
from probes.folder import FolderState
from probes.git import GitState
from probes.packages import PythonPackages
from probes.tracing import FileTrace
from probes.tracking import TrackedRun
from probes.tracking.record import Experiments
from probes.workflow import SystemsUsed, Use
from probes.workflows import Construct, State
from tests.calibration.made import GIB, campaign, engine, kernel, link, run, start, task, together, tracked
from tests.calibration.made import member as one
from tests.factory import accounting, at, attempt, file, git_state, manifest, seen, submission, unseen
from tests.reports.ask import FAILED, NO_ENGINE, NO_TRACKER, NOT_APPLICABLE, PASSED, UNKNOWN, WEAK, advised, declared, later, said
from tests.reports.test_campaign_checks import said as of_campaign

TYPED = seen(submission("#!/bin/bash\npython train.py\n"))
NOTHING_SEEN = declared(SystemsUsed((), {}, (), (), ()))
WGET = declared(SystemsUsed((Use("wget", "download", "command", "train.sh:2"),), {}, (), (), ()))
TRAINS = declared(
    SystemsUsed((Use("torch", "framework", "import", "train.py:1"),), {"train": ("run.sh:2 train.py",)}, (), (), ())
)


def local(**changes: Any) -> Evidence:
    base: dict[str, Any] = {
        "asked_memory": None,
        "asked_seconds": None,
        "asked_gpus": None,
        "asked_cpus": None,
        "used_cpus": None,
    }
    return later(accounting(scheduler="local", **{**base, **changes}))


def test_what_was_asked_of_a_local_executor_is_judged_and_what_was_not_is_not() -> None:
    assert said("idle-memory", local())[0] == NOT_APPLICABLE
    assert said("idle-memory", local(asked_memory=64 * GIB, used_memory=GIB))[0] == FAILED
    assert said("oversized-limit", local())[0] == NOT_APPLICABLE
    assert said("oversized-limit", local(asked_seconds=86400))[0] == FAILED
    assert said("idle-gpu", local()) == (
        NOT_APPLICABLE,
        "no GPU was asked for: the local executor grants what the machine has",
    )
    assert said("idle-gpu", later(accounting(asked_gpus=None)))[0] == UNKNOWN
    filled = engine("snakemake", task("train", 1, (1, 11), cpus=1))
    assert said("unfilled-allocation", filled, local(used_cpus=1))[0] == PASSED
    assert said("unfilled-allocation", filled, later(accounting(used_seconds=20.0)))[0] == UNKNOWN


def test_a_cache_beside_a_download_command_names_the_command() -> None:
    wrote = later(FileTrace("strace", (), True, (), ("/home/ada/.cache/huggingface/hub/m.bin",), (), 0, 9, 99))

    assert said("download-in-job", WGET, TYPED, wrote)[1] == "the job downloads while it holds its nodes: wget (train.sh:2)"


def test_a_name_is_borne_out_by_a_framework_a_model_or_a_tracked_run() -> None:
    named = declared(SystemsUsed((), {"train": ("run.sh:2 train.py",)}, (), (), ()))
    model = later(manifest(file("model.pt", "output")))

    assert said("hidden-ai", named, NO_ENGINE, NO_TRACKER)[0] == UNKNOWN
    assert said("hidden-ai", named, model, NO_ENGINE, NO_TRACKER)[1].startswith("the scripts name it, and it left model.pt")


def test_gpus_without_a_phase_are_nobodys_fault() -> None:
    assert said("gpu-held-by-cpu-phase", NOTHING_SEEN, later(accounting(asked_gpus=2)), TYPED) == (
        UNKNOWN,
        "2 GPUs allocated, and nothing in the scripts tells for which phase",
    )


def test_many_large_files_are_no_small_files() -> None:
    far = (Mount("/home/ada/train", "workdir", "/home", "nfs4", "network"), Mount("/tmp", "tmp", "/tmp", "ext4", "local"))
    places = start(FileSystems(far, ()))
    small, large = (later(manifest(*(file(f"{n}.bin", size=s) for n in range(1000)))) for s in (1000, 3 << 20))

    assert said("unstaged-inputs", small, places, TYPED, kernel())[0] == FAILED
    assert said("unstaged-inputs", large, places, TYPED, kernel(read=GIB))[0] == PASSED
    assert said("unstaged-inputs", large, places, TYPED, kernel(read=9 * GIB))[0] == FAILED


def test_a_registered_data_set_ties_data_to_a_run() -> None:
    known = Reference("/data/iris", "iris", "", f"sha256:{'a' * 64}", "unchanged", 150, 1)

    assert said("unidentified-data", later(manifest(datasets=(known,))), TYPED, NO_TRACKER) == (
        PASSED,
        "1 input of this run known by content: /data/iris",
    )
    assert said("unidentified-data", later(manifest()), TYPED, NO_TRACKER)[0] == WEAK


def test_another_runs_model_or_one_without_a_digest_has_no_known_maker() -> None:
    model = later(manifest(file("model.pt")))
    unread = later(manifest(replace(file("model.pt"), sha256="")))
    nameless = replace(link("a", "me"), sha256="")

    assert said("unpinned-model", model, campaign(run("a"), links=(link("a", "me"),)), TYPED)[0] == PASSED
    assert said("unpinned-model", model, campaign(run("a"), links=(link("a", "other"),)), TYPED)[0] == WEAK
    assert said("unpinned-model", unread, campaign(run("a"), links=(nameless,)), TYPED)[0] == WEAK


def test_what_engines_write_of_themselves_is_no_result() -> None:
    for name in ("trace-20261123.csv", "report.json", ".snakemake/metadata.json", "runinfo/000/x.json", "FW.json"):
        assert said("lost-metrics", later(manifest(file(name, "output"))), NOTHING_SEEN, TYPED, NO_TRACKER)[0] == FAILED
    assert said("lost-metrics", later(manifest(file("reported.json", "output"))), NOTHING_SEEN, TYPED)[0] == PASSED


def test_ranks_are_told_from_a_run_that_does_not_say_when_it_began() -> None:
    first = TrackedRun("mlflow", "a", "/w", State.SUCCEEDED, "FINISHED", started=at(1), parameters={"lr": "1"})
    timeless = replace(first, id="b", started="")

    assert said("rank-duplicates", tracked(first, timeless))[0] == PASSED
    assert said("rank-duplicates", tracked(first, replace(first, id="b", started=at(1, 30))))[0] == FAILED
    assert said("rank-duplicates", tracked(first, replace(first, id="b", started=at(3))))[0] == PASSED


def test_no_repository_is_a_fault_only_where_the_folder_was_looked_at_too() -> None:
    no_git, no_folder = unseen(GitState, "no git repository"), unseen(FolderState, "no source file")

    assert said("unversioned-code", no_git) == (
        UNKNOWN,
        "neither a git repository nor a folder of source files was seen at submission",
    )
    assert said("unversioned-code", no_git, no_folder)[0] == FAILED


def test_a_clean_tree_with_data_in_it_is_the_commit_and_one_with_code_is_not() -> None:
    here = seen(git_state(dirty=True, changed=("train.py",)))
    tagged = tracked(TrackedRun("mlflow", "1f", "/w", State.SUCCEEDED, "FINISHED", started=at(1), commit="a" * 40))
    data = seen(replace(git_state(), dirty=True, changed=(), untracked=(), untracked_count=0))

    assert said("wrong-commit", tagged, data)[0] == PASSED
    assert said("wrong-commit", tagged, here)[0] == FAILED


def test_a_wait_without_a_start_is_not_known() -> None:
    never = attempt(started="", eligible="", submitted="", ended="")

    assert said("long-wait", later(accounting("1", never)))[0] == UNKNOWN


def test_rounds_are_files_handed_from_one_to_another_and_not_to_strangers() -> None:
    alike = (run("a", 1, 2, submitted=0), run("b", 4, 5, submitted=3))
    inside = Campaign("me", ("label",), alike, (link("a", "b"), link("b", "me")), 0, 0, 0, (), ("a", "b"))
    foreign = replace(inside, links=(link("x", "a"), link("x", "b")))

    assert said("handmade-rounds", later(inside), TYPED, NO_ENGINE)[0] == FAILED
    assert said("handmade-rounds", later(foreign), TYPED, NO_ENGINE)[0] == NOT_APPLICABLE


def test_waits_of_no_run_are_no_short_wait() -> None:
    assert of_campaign("long-queue", together(one("a"), one("b"), one("c")))[0] == UNKNOWN


def test_an_engine_named_and_never_seen_is_less_than_one_at_work() -> None:
    named = declared(SystemsUsed((Use("snakemake", "engine", "command", "run.sh:2"),), {}, (), (), ()))
    other = engine("snakemake", task("train"), relation="folder", started="2026-11-22T09:00:00+00:00")

    assert said("unseen-engine", named, other, TYPED)[0] == WEAK
    assert said("unseen-engine", NOTHING_SEEN, other, TYPED)[0] == NOT_APPLICABLE
    assert said("unseen-engine", named, engine("snakemake", task("train")), TYPED)[0] == PASSED


def test_a_quick_run_says_nothing_of_its_cores() -> None:
    quick = later(accounting(used_seconds=59.0, used_cpu_seconds=1.0))

    assert said("idle-cores", quick)[0] == UNKNOWN
    assert said("idle-cores", later(accounting(used_seconds=61.0, used_cpu_seconds=1.0)))[0] == WEAK


def test_places_to_work_bound_how_many_tasks_can_run_at_once() -> None:
    sims = [task("sim", n, (1 + n // 2, 2 + n // 2)) for n in range(8)]

    assert said("unreached-width", engine("snakemake", *sims, workers=2))[0] == PASSED
    assert said("unreached-width", engine("snakemake", *sims, workers=8))[0] == WEAK
    assert said("unreached-width", engine("snakemake", *sims))[0] == WEAK


def test_waste_is_mended_by_what_it_was_lost_to() -> None:
    def lost(state: str) -> str:
        others = (run("a", 1, 11, core_hours=1), run("b", 1, 61, core_hours=5, state=state))
        return advised("wasted-campaign", campaign(*others), later(accounting()))[1]

    assert lost("OUT_OF_MEMORY") == "sacct -j 9b -o JobID,MaxRSS,ReqMem   # then #SBATCH --mem= the peak and a fifth more"
    assert lost("TIMEOUT").startswith("#SBATCH --time=01:30:00\n#SBATCH --signal")
    assert lost("FAILED").startswith("sacct -j 9b -o JobID,State,ExitCode,Reason")


def test_phases_of_an_engine_without_jobs_of_its_own_get_a_chain_of_those_that_there_are() -> None:
    dask = engine("dask", task("simulate"), task("train", 1, (2, 5)))

    assert advised("mixed-phases", NOTHING_SEEN, TYPED, dask)[1] == (
        "jid=$(sbatch --parsable simulate.sh)\njid=$(sbatch --parsable --dependency=afterok:$jid train.sh)"
    )


def test_metrics_may_lie_on_a_server_that_is_not_asked() -> None:
    named = declared(SystemsUsed((Use("mlflow", "tracker", "import", "train.py:1"),), {}, (), (), ()))
    far = later(Experiments((), 0, (), (), ("http://tracker:5000",), True))
    here = tracked(TrackedRun("mlflow", "1f", "/w", State.SUCCEEDED, "FINISHED", started=at(1)))
    nothing = later(manifest())

    assert said("lost-metrics", nothing, named, TYPED, far)[0] == UNKNOWN
    assert said("lost-metrics", nothing, named, TYPED, here)[0] == WEAK


def test_a_task_that_also_fetches_is_what_it_does_with_it() -> None:
    predict = task("step", command="wget -q https://example.org/a.csv && python predict.py a.csv")
    fetch = task("step", command="wget -q https://example.org/a.csv")
    engine_named = declared(SystemsUsed((Use("snakemake", "engine", "command", "run.sh:2"),), {}, (), (), ()))

    assert said("hidden-ai", engine_named, engine("snakemake", predict))[0] == PASSED
    assert said("hidden-ai", engine_named, engine("snakemake", fetch))[0] == NOT_APPLICABLE


def test_a_loop_that_only_an_engine_holds_and_that_went_once_has_no_rounds_to_count() -> None:
    once = engine("snakemake", task("predict"), constructs=(Construct("loop", "checkpoint predict"),))
    alone = later(Campaign("me", (), (), (), 0, 0, 0, (), ()))
    in_script = declared(SystemsUsed((), {}, ("run.sh:3 for i in 1 2; do",), (), ()))

    assert said("uncounted-iterations", NOTHING_SEEN, alone, TYPED, once) == (
        UNKNOWN,
        "checkpoint predict in snakemake 9.1 in /home/ada/train: its record shows no second round",
    )
    assert said("uncounted-iterations", in_script, alone, TYPED, once)[0] == FAILED


def test_an_image_may_be_named_in_what_could_not_be_read() -> None:
    unread = declared(ContainerReferences((), ("rules.smk: no such file",)))
    no_python = unseen(PythonPackages, "nothing speaks of Python")

    assert said("unnamed-environment", unread, no_python, TYPED) == (
        UNKNOWN,
        "no image is named in what could be read, and not all could: rules.smk: no such file",
    )
    assert said("unnamed-environment", unseen(ContainerReferences, "no image"), no_python, TYPED)[0] == FAILED


def test_tasks_that_begin_and_end_in_one_second_tell_nothing_of_their_number_at_once() -> None:
    instant = engine("snakemake", *(task("sim", n, (1, 1)) for n in range(8)), workers=8)

    assert said("unreached-width", instant)[0] == UNKNOWN


def test_inputs_on_a_disk_that_nobody_knows_are_neither_near_nor_far() -> None:
    nowhere = start(FileSystems((Mount("/tmp", "tmp", "/tmp", "ext4", "local"),), ()))

    assert said("unstaged-inputs", later(manifest(file("a.bin"))), nowhere, TYPED, kernel())[0] == UNKNOWN


def test_the_work_of_a_job_whose_cpu_time_is_not_known_is_not_small() -> None:
    uncounted = replace(kernel(), data={**dict(kernel().data or {}), "cpu_seconds": None})

    assert said("data-dragging", uncounted, TYPED)[0] == UNKNOWN


def test_a_loops_fix_keeps_what_was_declared() -> None:
    loop = declared(SystemsUsed((), {}, ("run.sh:3 for i in 1 2; do",), (), ()))
    alone = later(Campaign("me", (), (), (), 0, 0, 0, (), ()))
    mine = seen(submission(declared_inputs=("r/0.csv",), declared_outputs=("r/*",)))

    assert advised("uncounted-iterations", loop, alone, mine, NO_ENGINE)[1] == (
        "auditor sbatch --auditor-label=LOOP --auditor-input=r/0.csv --auditor-output='r/*' train.sh   # every round so"
    )
