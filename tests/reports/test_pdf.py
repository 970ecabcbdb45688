"""Is the printed report one that a screen reader can read, the same each time, with the audit inside? And what if it cannot be made?"""

from __future__ import annotations

import re
import sys
import zlib
from dataclasses import replace

import pytest

from auditor import codec
from auditor.model import AuditError
from auditor.registry import formats
from auditor.scorecard import Scorecard
from tests.needs import need
from tests.reports import sample


def small(card: Scorecard) -> Scorecard:
    """Typesetting takes a second for each two pages."""
    return replace(card, tips=card.tips[:1], evidence=card.evidence[:3])


def made(card: Scorecard) -> bytes:
    try:
        return formats()["pdf"].render(card)
    except AuditError as error:
        if "Pango" not in error.message:
            raise
        need("Pango (libpangoft2-1.0-0)")
        raise


def streams(raw: bytes) -> list[bytes]:
    """Every stream of a PDF, unpacked where it is deflated."""
    found = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", raw, re.DOTALL)
    return [zlib.decompress(one) if one[:1] == b"x" else one for one in found]


@pytest.fixture(scope="module")
def good() -> bytes:
    return made(small(sample.good()))


def test_it_is_tagged_in_english_and_names_its_standard(good: bytes) -> None:
    """ISO 14289-1: the catalog says that it is marked, in which language, and that its title is shown."""
    whole = good + b"".join(streams(good))

    assert good.startswith(b"%PDF-1.7")
    assert b"/MarkInfo" in whole and b"/StructTreeRoot" in whole
    assert b"/Lang (en)" in whole
    assert b"/DisplayDocTitle true" in whole
    assert re.search(rb"pdfuaid:part[^0-9]*1", whole)


def test_the_audit_is_attached_whole(good: bytes) -> None:
    (attached,) = [one for one in streams(good) if one.startswith(b"{") and b'"ruleset"' in one]

    assert codec.loads(attached, Scorecard) == small(sample.good())
    assert b"audit.json" in good + b"".join(streams(good))


def test_the_same_scorecard_gives_the_same_bytes_whatever_the_clock_says(good: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")

    assert made(small(sample.good())) == good


def test_hostile_text_fetches_nothing_and_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    evil = f'<img src="http://example.org/x.png"><link rel=stylesheet href="file:///etc/passwd">{sample.EVIL}'
    card = small(sample.good())
    first = replace(card.tips[0], title=evil, findings=tuple(replace(f, message=evil, fix=evil) for f in card.tips[0].findings))
    raw = made(replace(card, tips=(first,), run=replace(card.run, name=evil, command=evil)))

    assert raw.startswith(b"%PDF-1.7")
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


@pytest.mark.parametrize(("problem", "said"), [(ImportError, "not installed"), (OSError, "finds no Pango library here")])
def test_without_its_typesetter_there_is_one_clear_line(
    problem: type[Exception], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        """What the import of a package that is not there, or lacks its library, does."""

        def find_spec(self, name: str, *_: object) -> None:
            if name == "weasyprint":
                raise problem("libpango-1.0-0")

    monkeypatch.delitem(sys.modules, "weasyprint", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Gone(), *sys.meta_path])
    with pytest.raises(AuditError, match=said) as caught:
        formats()["pdf"].render(sample.good())

    assert "run-auditor[pdf]" in caught.value.hint
