"""Do strangers find anything wrong with our pages? The Nu checker, html-validate and axe-core, on the samples and the golden pages."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.needs import need

ROOT = Path(__file__).parents[2]
TOOLS = ("node", "npm", "java", "chromium")


@pytest.mark.browser
def test_the_checkers_find_nothing_on_our_pages() -> None:
    need(*(tool for tool in TOOLS if not shutil.which(tool)))
    done = _pages()
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.browser
def test_each_checker_finds_what_was_broken_on_purpose(tmp_path: Path) -> None:
    need(*(tool for tool in TOOLS if not shutil.which(tool)))
    page = (ROOT / "tests/golden/ml_job/report.html").read_text("utf-8")
    page = page.replace('<h2 id="h-tips">', '<h2 id="h-verdict">').replace("--soft: #5c574f", "--soft: #d8d4cc")
    (tmp_path / "broken.html").write_text(page, "utf-8")
    done = _pages(str(tmp_path / "broken.html"))
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert [words for words in ("Duplicate ID “h-verdict”", "no-dup-id", "axe: ", "color-contrast") if words not in said] == []


def _pages(*files: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "AUDITOR_VENV": str(Path(sys.executable).parents[1])}
    return subprocess.run([str(ROOT / "ci/pages"), *files], capture_output=True, text=True, env=environment, timeout=280)
