"""Are several bundles replayed in the order of what they read, and does each get what the one before it made?"""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.model import AuditError
from auditor.replay.chain import bundles, chain, resumed, run_all
from auditor.replay.journal import NAME
from auditor.verdict import ChainVerdict, Sameness
from tests.chained import ADD, MAKE, NUMBERS, bundled, three


def replayed(paths: list[Path], folder: Path, **options: object) -> ChainVerdict:
    return run_all(chain(paths, **options), folder, yes=True)


def names(ready: object) -> list[str]:
    return [p.recipe.name for p in getattr(ready, "plans").values()]  # noqa: B009


def test_the_order_follows_from_the_digests_of_what_passes_between_them(tmp_path: Path) -> None:
    ready = chain(three(tmp_path))
    assert names(ready) == ["step11", "step12", "step13"]
    assert sorted(link.why for link in ready.graph.links) == [
        "numbers.txt was its output numbers.txt",
        "sum.txt was its output sum.txt",
    ]


def test_each_gets_what_the_replay_before_it_made_and_all_have_one_verdict(tmp_path: Path) -> None:
    found = replayed(three(tmp_path), tmp_path / "again")
    assert (found.sameness, found.reason) == (Sameness.IDENTICAL, "of 3 runs 3 identical")
    assert [[(f.place, f.same) for f in v.fed] for v in found.verdicts] == [[], [("numbers.txt", True)], [("sum.txt", True)]]


def test_that_a_replay_read_something_else_than_the_run_is_said(tmp_path: Path) -> None:
    found = replayed(three(tmp_path, MAKE.replace("1 5", "1 6")), tmp_path / "again")
    first, second, third = found.verdicts
    assert (found.sameness, found.reason) == (Sameness.DIFFERENT, "of 3 runs 3 different")
    told = f"it read what other replays made, and that was not the recorded content: numbers.txt of run {first.run_id}"
    assert second.reason.endswith(told)
    assert [o.detail.split("\n")[0] for o in third.outputs] == ["line 1: 30 became 42"]


def test_what_was_not_made_again_stops_those_that_read_it_with_the_reason(tmp_path: Path) -> None:
    found = replayed(three(tmp_path, add="#!/bin/bash\nexit 3\n"), tmp_path / "again")
    assert [v.sameness for v in found.verdicts] == [Sameness.IDENTICAL, Sameness.DIFFERENT, Sameness.NOT_RUN]
    assert found.verdicts[2].reason == f"input sum.txt: the replay of run {found.verdicts[1].run_id} did not make it"
    assert found.sameness is Sameness.DIFFERENT


def test_a_link_out_of_the_folder_is_not_handed_on(tmp_path: Path) -> None:
    (tmp_path / "private").write_text("1\n")
    found = replayed(three(tmp_path, f"#!/bin/bash\nln -s {tmp_path}/private numbers.txt\n"), tmp_path / "again", sandbox=False)
    assert "left a link in its place, which is not followed" in found.verdicts[1].reason


def test_an_input_that_no_bundle_carries_comes_from_the_replay_that_makes_it(tmp_path: Path) -> None:
    one = bundled(tmp_path, "21", MAKE, {}, {"numbers.txt": NUMBERS})
    two = bundled(tmp_path, "22", ADD, {"numbers.txt": NUMBERS}, {"sum.txt": "15\n"}, payload="none")
    assert chain([two]).plans[chain([two]).graph.order[0]].stops[0].startswith("input numbers.txt: not found")
    assert replayed([two, one], tmp_path / "again").sameness is Sameness.IDENTICAL


def test_a_recorded_dependency_is_an_order_too(tmp_path: Path) -> None:
    late = bundled(tmp_path, "31", "#!/bin/bash\necho b >b\n", {}, {"b": "b\n"}, options=("--dependency=afterok:32",))
    early = bundled(tmp_path, "32", "#!/bin/bash\necho a >a\n", {}, {"a": "a\n"})
    ready = chain([late, early])
    assert names(ready) == ["step32", "step31"]
    assert [link.why for link in ready.graph.links] == ["its job asked for afterok:32"]


def test_a_task_of_an_array_waits_for_the_task_of_its_number(tmp_path: Path) -> None:
    tasks = [bundled(tmp_path, f"41_{n}", f"#!/bin/bash\necho {n} >o\n", {}, {"o": f"{n}\n"}) for n in (1, 2)]
    then = bundled(tmp_path, "42_2", "#!/bin/bash\necho x >x\n", {}, {"x": "x\n"}, options=("-d", "aftercorr:41"))
    ready = chain([then, *tasks])
    before = {ready.plans[k.before].recipe.job_id for k in ready.graph.links}
    assert before == {"41_2"}


def test_a_smoke_run_of_an_array_is_one_task_of_it(tmp_path: Path) -> None:
    tasks = [bundled(tmp_path, f"41_{n}", f"#!/bin/bash\necho {n} >o\n", {}, {"o": f"{n}\n"}) for n in (2, 1)]
    ready = chain(tasks, level="smoke")
    assert [p.recipe.job_id for p in ready.plans.values()] == ["41_1"]
    assert ready.left_out == (f"{tasks[0]}: another task of the same array, left out of a smoke run",)
    found = run_all(ready, tmp_path / "again", yes=True)
    assert (found.sameness, found.reason) == (Sameness.NOT_COMPARED, "of 1 run 1 not-compared")


def test_runs_that_wait_for_each_other_are_refused_and_named(tmp_path: Path) -> None:
    one = bundled(tmp_path, "51", "#!/bin/bash\necho b >b\n", {"a": "a\n"}, {"b": "b\n"})
    two = bundled(tmp_path, "52", "#!/bin/bash\necho a >a\n", {"b": "b\n"}, {"a": "a\n"})
    with pytest.raises(AuditError, match=r"in a circle: step5\d \(job 5\d\) -> step5\d \(job 5\d\) -> step5\d"):
        chain([one, two])


def test_two_bundles_of_the_same_run_are_refused_and_the_same_one_twice_runs_once(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    one = bundled(tmp_path, "61", MAKE, {}, {"numbers.txt": NUMBERS})
    other = bundled(tmp_path / "b", "61", MAKE, {}, {"numbers.txt": NUMBERS})
    with pytest.raises(AuditError, match="two bundles of the same run"):
        chain([one, other])
    (tmp_path / "copy.zip").write_bytes(one.read_bytes())
    ready = chain([one, tmp_path / "copy.zip"])
    assert (len(ready.plans), ready.left_out) == (1, (f"{tmp_path}/copy.zip: the same bundle as {one}, replayed once",))


def test_empty_files_join_no_runs(tmp_path: Path) -> None:
    one = bundled(tmp_path, "71", "#!/bin/bash\n", {}, {"a": ""})
    two = bundled(tmp_path, "72", "#!/bin/bash\necho b >b\n", {"c": ""}, {"b": "b\n"})
    assert chain([one, two]).graph.links == ()


def test_a_folder_of_bundles_stands_for_all_in_it(tmp_path: Path) -> None:
    made = three(tmp_path)
    assert bundles([tmp_path]) == tuple(sorted(made))
    (tmp_path / "none").mkdir()
    with pytest.raises(AuditError, match="is no bundle and holds none"):
        bundles([tmp_path / "none"])


def test_an_interrupted_chain_goes_on_and_runs_nothing_twice(tmp_path: Path) -> None:
    ready = chain(three(tmp_path, MAKE + "date +%N\n"))
    whole = run_all(ready, tmp_path / "again", yes=True)
    first, second, third = ready.graph.order
    before = (tmp_path / "again" / first / "stdout.txt").read_text()
    kept = [line for line in (tmp_path / "again" / second / NAME).read_text().splitlines(True) if '"round-1"' not in line]
    (tmp_path / "again" / second / NAME).write_text("".join(kept))
    (tmp_path / "again" / third / NAME).unlink()
    for left in ("bundle", "work"):
        (tmp_path / "again" / third / left).rename(tmp_path / f"away-{left}")
    (tmp_path / "again" / third / "stdout.txt").unlink()
    (tmp_path / "again" / third / "stderr.txt").unlink()
    again = run_all(resumed(tmp_path / "again"), tmp_path / "again", yes=True, resume=True)
    assert [v.sameness for v in again.verdicts] == [v.sameness for v in whole.verdicts]
    assert (tmp_path / "again" / first / "stdout.txt").read_text() == before


def test_nothing_runs_without_a_yes_nor_in_a_folder_in_use(tmp_path: Path) -> None:
    ready = chain(three(tmp_path))
    with pytest.raises(AuditError, match="nobody said yes"):
        run_all(ready, tmp_path / "again")
    with pytest.raises(AuditError, match="already there"):
        run_all(ready, tmp_path, yes=True)
