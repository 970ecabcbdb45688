"""What does a person see before and after a replay?"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console, RenderableType

from auditor.replay import plan
from auditor.replay.view import plan_view, verdict_view
from auditor.verdict import ImageVerdict, OutputVerdict, Sameness
from tests import archived
from tests.replay.test_evidence import verdict


def shown(view: RenderableType) -> str:
    out = Console(file=io.StringIO(), width=200, force_terminal=False)
    out.print(view)
    assert isinstance(out.file, io.StringIO)
    return "\n".join(line.rstrip() for line in out.file.getvalue().splitlines())


def test_the_plan_says_what_will_run_before_anybody_says_yes(tmp_path: Path) -> None:
    archived.bundle(tmp_path)
    text = shown(plan_view(plan(tmp_path / "fit.crate.zip", sandbox=False)))
    assert "  - run /bin/bash job.sh 7 on this machine" in text
    assert "  - WITHOUT a sandbox (switched off): it can do what you can do" in text
    assert text.endswith("Cost: the original took 600 s, 540 s of CPU, 256 MiB of memory, 1 core")


def test_a_plan_that_cannot_run_promises_nothing(tmp_path: Path) -> None:
    archived.bundle(tmp_path, payload="none")
    (tmp_path / "work").rename(tmp_path / "moved")
    text = shown(plan_view(plan(tmp_path / "fit.crate.zip")))
    assert "  - input in.csv: not found; name its folder with --inputs" in text
    assert "Will" not in text
    assert text.endswith("It cannot run here: the bundle is only checked and unpacked.")


def test_the_verdict_comes_first() -> None:
    text = shown(verdict_view(verdict("r1")))
    assert text.splitlines()[0] == "identical: of 1 output 1 identical"
    assert text.splitlines()[-1] == "run: done, exit code 0"


def test_each_image_is_told_with_the_way_it_was_had_and_how_far_it_is_the_same() -> None:
    image = ImageVerdict("lab/fit:\x1b[2J1", "rebuilt", "same-files", "the same files, by one tree hash: sha256:00")
    text = shown(verdict_view(replace(verdict("r1"), images=(image,))))
    assert "image lab/fit: [2J1: rebuilt, same files: the same files, by one tree hash: sha256:00" in text.splitlines()


def test_names_of_a_stranger_are_shown_as_they_are_never_as_markup_or_control() -> None:
    base = verdict("r1", sameness=Sameness.DIFFERENT)
    evil = OutputVerdict(
        "[bold red]x[/]\x1b[2J\u202egnp.sh",
        Sameness.DIFFERENT,
        "text",
        "line 1: [link=https://evil.example]a[/link] became \x07b",
    )
    text = shown(verdict_view(type(base)(**{**vars(base), "outputs": (evil,)})))
    assert "[bold red]x[/] [2J gnp.sh" in text
    assert "[link=https://evil.example]a[/link] became  b" in text
    assert not {"\x1b", "\x07", "\u202e"} & set(text)
