"""What do the pictures and the head of the report show?"""

from __future__ import annotations

from dataclasses import replace

from auditor.campaign import Campaign, Link, Sibling
from auditor.model import Phase
from auditor.scorecard import Edge, Gauge, Node, RunCard, Span
from probes.data import Reference, Skipped
from probes.kernel import KernelAccounting
from probes.submission import Directive
from reports.judging.card import run_card
from reports.judging.cited import cut
from reports.judging.record import record
from reports.judging.story import MAX_FILES, story
from tests.factory import NOON, accounting, at, attempt, file, job, manifest, seen, sha, submission
from tests.reports.ask import end, later

GIB = 1 << 30
ME, OTHER = "1111111111111111", "2222222222222222"


def test_each_attempt_is_a_bar_from_queue_to_end() -> None:
    runs = accounting("123", attempt(0, "NODE_FAIL", ended=at(5)), attempt(1, eligible=at(6), started=at(8), ended=at(20)))

    assert story(record([later(runs)], 1)).attempts == (
        Span("attempt 1", "NODE_FAIL", NOON, at(1), at(5), 0),
        Span("attempt 2", "COMPLETED", at(6), at(8), at(20), 1),
    )


def test_gauges_put_what_was_asked_beside_what_was_used() -> None:
    used = accounting(used_cpus=4, used_cpu_seconds=1200.0, used_seconds=600.0, asked_gpus=1, rungs={"used_memory": "sacct"})

    assert story(record([later(used)], 0)).gauges == (
        Gauge("cores", "core", 4.0, 2.0, "sacct"),
        Gauge("memory", "byte", float(GIB), float(GIB // 4), "sacct"),
        Gauge("time", "s", 3600.0, 600.0, "sacct"),
        Gauge("gpus", "gpu", 1.0, None, "sacct"),
    )


def test_the_kernels_higher_peak_is_shown_with_its_source() -> None:
    kernel = end(KernelAccounting("job", "/job", GIB // 2, None, None, None, None, None))

    memory = story(record([later(accounting()), kernel], 0)).gauges[1]

    assert (memory.used, memory.source) == (float(GIB // 2), "kernel")


def test_what_is_not_known_is_left_blank_and_an_unasked_gpu_left_out() -> None:
    nothing = accounting(asked_memory=None, used_memory=None, used_cpu_seconds=None, asked_gpus=0)

    assert [(g.name, g.used) for g in story(record([later(nothing)], 0)).gauges] == [("cores", None), ("time", 600.0)]


def test_a_registered_data_set_is_one_box_by_its_name() -> None:
    digest = f"sha256:{'a' * 64}"
    known = Reference("/data/iris", "iris", "", digest, "unchanged", 150, 1, "3")
    seen_story = story(record([later(manifest(datasets=(known,)))], 0))
    assert seen_story.nodes[1:] == (Node(digest, "dataset", "iris 3"),)
    assert seen_story.edges == (Edge(digest, "this"),)


def test_lineage_joins_runs_by_the_files_between_them() -> None:
    data = sha("data.csv")
    before = Sibling(OTHER, "122", "simulate", "COMPLETED", "s122", "simulate.sh", at(0), at(1), at(2))
    campaign = later(Campaign(ME, ("data",), (before,), (Link(OTHER, ME, "out/data.csv", data),), 0, 0, 0, (), ()))
    model = later(manifest(file("data.csv"), file("model.pt", "output")))

    seen_story = story(record([campaign, model], 0))

    assert seen_story.nodes == (
        Node(ME, "this-run", "this run"),
        Node(OTHER, "run", "simulate 122"),
        Node(data, "file", "data.csv"),
        Node(sha("model.pt"), "file", "model.pt"),
    )
    assert seen_story.edges == (Edge(OTHER, data), Edge(data, ME), Edge(ME, sha("model.pt")))


def test_files_of_equal_content_keep_their_own_names() -> None:
    zero = sha("0")
    found = story(record([later(manifest(*(file(name, "output", "0") for name in ("a/one.txt", "b/two.txt"))))], 0))
    assert found.nodes[1:] == (Node(zero, "file", "one.txt"), Node(f"{zero}-b/two.txt", "file", "two.txt"))
    assert found.edges == (Edge("this", zero), Edge("this", f"{zero}-b/two.txt"))


def test_what_another_run_reads_as_a_copy_is_drawn_beside_what_this_one_made() -> None:
    after = Sibling(OTHER, "124", "train", "COMPLETED", "s124", "train.sh", at(20), at(21), at(22))
    campaign = later(Campaign(ME, ("data",), (after,), (Link(ME, OTHER, "in/copy.csv", sha("x")),), 0, 0, 0, (), ()))
    found = story(record([campaign, later(manifest(file("made.csv", "output", "x")))], 0))
    own = f"{sha('x')}-made.csv"
    assert [(n.id, n.label) for n in found.nodes if n.kind == "file"] == [(sha("x"), "copy.csv"), (own, "made.csv")]
    assert set(found.edges) == {Edge(ME, own), Edge(own, sha("x")), Edge(sha("x"), OTHER)}


def test_an_input_that_was_written_over_is_shown_as_it_was_before() -> None:
    before = seen(manifest(file("model", content="old")), phase=Phase.START)
    after = later(manifest(file("model", "output", "new"), skipped=(Skipped("model", "input", "written-meanwhile", 3),)))
    found = story(record([before, after], 0))
    assert set(found.edges) == {Edge(sha("old"), "this"), Edge("this", sha("new"))}


def test_a_picture_is_bounded_whatever_was_written() -> None:
    many = later(manifest(*(file(f"{n}.txt", "output") for n in range(500))))

    assert len(story(record([many], 0)).nodes) == MAX_FILES + 1


def test_the_head_says_who_and_what() -> None:
    evidence = [seen(submission()), later(accounting("123", attempt(0, "TIMEOUT")))]

    assert run_card(job("123", label="paper"), record(evidence, 0)) == RunCard(
        id=job("123").run_id,
        name="train",
        job_id="123",
        cluster="lab",
        scheduler="slurm",
        user="ada",
        state="TIMEOUT",
        command="sbatch train.sh",
        workdir="/home/ada/train",
        submitted_at=NOON,
        started_at=at(1),
        ended_at=at(11),
        attempts=1,
        label="paper",
    )


def test_before_the_record_is_there_the_name_is_the_scripts_or_the_one_it_gives_itself() -> None:
    named = seen(submission(directives=(Directive("--job-name", "fit", 2),)))

    assert run_card(job(), record([], 0)).name == "train.sh"
    assert run_card(job(), record([named], 0)).name == "fit"
    assert run_card(job(), record([], 0)).state == ""


def test_an_adopted_job_shows_the_line_that_the_scheduler_kept() -> None:
    adopted = replace(job(submission=""), argv=())

    assert run_card(adopted, record([later(accounting())], 0)).command == "sbatch train.sh"
    assert (
        run_card(replace(job(), scheduler="local", argv=("--", "python", "fit.py")), record([], 0)).command
        == "auditor run -- python fit.py"
    )


def test_long_lists_texts_and_maps_are_cut_and_say_so() -> None:
    assert cut(list(range(23))) == [*range(20), "… 3 more"]
    assert cut("x" * 2005) == "x" * 2000 + " … 5 characters more"
    assert cut({f"{n:03d}": n for n in range(102)})["…"] == "2 more"
    assert cut({"a": [1, {"b": None}]}) == {"a": [1, {"b": None}]}
    deep: object = "end"
    for _ in range(12):
        deep = [deep]
    assert "…" in str(cut(deep))
