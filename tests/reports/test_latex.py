"""Can a stranger's text act in a LaTeX document of ours? It is shown, in ASCII, and does nothing; a real TeX sets what we write."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.registry import formats
from auditor.scorecard import Owner
from auditor.world import RealWorld
from reports.formats.texcode import code, comment, tex
from tests.needs import need
from tests.reports import sample
from tests.reports.hostile import RUN

OURS = re.compile(
    r"""\\(?:[{}$&\#%_]|text(?:backslash|asciitilde|asciicircum|less|greater|bar|quote(?:dbl)?(?:left|right))\{\}|char(?:34|39|96)\{\}|(?:dots|ss|[oOlL]|ae|AE|oe|OE)\{\}
    |[`'^~"rvc=u.H]\{[A-Za-z]\}|auditchar\{[0-9A-F]{4,6}\}|allowbreak\{\})|\$\\(?:times|leq|geq|rightarrow|approx|mu|pm|cdot)\$|\{\}|~""",
    re.VERBOSE,
)
"""All that our escaping writes beside plain characters."""
EVIL = (
    r"\input{/etc/passwd}\write18{rm -rf ~} $x_1^2$ %&# {\def\x{}} ^^5c ~ \end{document} \\ `` '' -- ?` !` <<>> "
    + "\x1b\u202e\ud800漢é😀"
)


def test_each_special_character_is_written_by_name() -> None:
    assert tex(r"\{}$&#%_~^") == r"\textbackslash{}\{\}\$\&\#\%\_\textasciitilde{}\textasciicircum{}"
    assert tex("a--b, ,, 'x' \"y\" `z`") == r"a-{}-b, ,{}, \char39{}x\char39{} \char34{}y\char34{} \char96{}z\char96{}"
    assert tex("Müller, Erdős, Łukasz, 漢, 48–82") == r"M\"{u}ller, Erd\H{o}s, \L{}ukasz, \auditchar{6F22}, 48--82"
    assert tex("a\nb\x1b") == r"a\textbackslash{}nb\textbackslash{}x1b"


def test_paths_and_digests_may_be_broken_where_words_of_their_kind_can() -> None:
    assert code("a/b_c") == r"\texttt{a/\allowbreak{}b\_\allowbreak{}c}"
    assert code("f" * 20) == rf"\texttt{{{'f' * 16}\allowbreak{{}}ffff}}"
    assert code("") == ""


@settings(max_examples=400, deadline=None, derandomize=True, database=None)
@given(st.text())
def test_no_text_leaves_anything_that_acts(text: str) -> None:
    rest = OURS.sub("", tex(text, 10_000))

    assert rest.isascii()
    assert not set(rest) & set("\\{}$&#%_~^<>|\"`'\n\r\t\x00")
    inner = OURS.sub("", code(text, 10_000).removeprefix(r"\texttt{")[:-1])
    assert not set(inner) & set("\\{}$&#%_~^<>|\"`'\n\r\t\x00")
    assert "\n" not in comment(text) and comment(text).isascii()


@pytest.mark.parametrize("name", sample.everyone())
def test_a_page_is_ascii_and_its_groups_are_closed(name: str) -> None:
    raw = formats()["latex"].render(sample.everyone()[name]).decode("ascii")

    assert balance(raw) == 0
    assert raw.count(r"\begin{longtable}") == raw.count(r"\end{longtable}") > 0
    assert not re.findall(r"\\(?:input|write|def|csname|openout|catcode)\b", raw.replace(r"\textbackslash{}", ""))


def balance(text: str) -> int:
    bare = re.sub(r"(?m)^%.*$", "", text).replace(r"\{", "").replace(r"\}", "")
    return bare.count("{") - bare.count("}")


def documents() -> dict[str, bytes]:
    pages = {f"latex-{name}": formats()["latex"].render(card) for name, card in sample.everyone().items()}
    evil = Owner(EVIL, EVIL, "", "")
    drafts = {name: formats()[name].of_deposit for name in ("adae", "neurips")}
    return {**pages, **{name: draft(*RUN, evil) for name, draft in drafts.items() if draft}}


def test_a_real_tex_sets_every_page_and_draft(tmp_path: Path) -> None:
    if not shutil.which("pdflatex"):
        need("pdflatex (texlive-latex-base)")
    for name, raw in documents().items():
        (tmp_path / f"{name}.tex").write_bytes(raw)
        (tmp_path / "whole.tex").write_text(
            rf"\documentclass{{article}}\usepackage{{longtable}}\begin{{document}}\input{{{name}}}\end{{document}}"
        )
        ran = RealWorld(cwd=str(tmp_path)).run(
            "pdflatex", "-halt-on-error", "-interaction=nonstopmode", "-no-shell-escape", "whole", timeout=120
        )
        assert (name, ran.code) == (name, 0), ran.out[-3000:]
        assert "passwd" not in "".join(re.findall(r"\(/\S+", ran.out))
