"""A stranger's YAML becomes plain values or one line why not: nothing in it is made into an object, and none of it grows without an end."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.world import RealWorld, TooBig
from probes.records import yamlfile
from probes.records.yamlfile import NotYaml


def test_plain_values_are_read_with_their_types() -> None:
    assert yamlfile.load("a: [1, 2.5, yes, null]\nb: {c: text}\n") == {"a": [1, 2.5, True, None], "b": {"c": "text"}}


def test_asked_for_texts_nothing_is_a_number_a_time_or_a_truth() -> None:
    text = "mode: 0o100644\nstart: 2023-03-03T23:11:00.546-08:00\nratio: 1:30\nno: off\nnothing:\n"

    assert yamlfile.load(text, texts=True) == {
        "mode": "0o100644",
        "start": "2023-03-03T23:11:00.546-08:00",
        "ratio": "1:30",
        "no": "off",
        "nothing": "",
    }


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.system ['touch made']",
        "!!python/name:os.system",
        "a: !!python/object/new:subprocess.Popen [[touch, made]]",
    ],
)
def test_a_tag_that_asks_for_an_object_makes_none(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(NotYaml):
        yamlfile.load(text)
    yamlfile.load(text, texts=True)  # the tag is left aside

    assert not (tmp_path / "made").exists()


def test_aliases_that_would_multiply_are_refused() -> None:
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 200)}]" for n in range(8)]

    with pytest.raises(NotYaml, match="more than 1000 aliases"):
        yamlfile.load("\n".join(lines))


def test_a_star_in_a_text_is_no_alias() -> None:
    assert yamlfile.load("glob: '" + "*" * 2000 + "'") == {"glob": "*" * 2000}


@pytest.mark.parametrize("text", ["a: [1, 2", "a: b: c", "\x00", "- &x [*x", "{" * 5000, "a: 2026-13-45"])
def test_what_is_no_yaml_is_told_in_one_short_line(text: str) -> None:
    with pytest.raises(NotYaml) as raised:
        yamlfile.load(text)

    assert "\n" not in str(raised.value) and len(str(raised.value)) <= 200


def test_more_characters_than_the_limit_are_not_parsed() -> None:
    with pytest.raises(NotYaml, match="more than"):
        yamlfile.load(" " * (yamlfile.MAX_BYTES + 1))


def test_a_file_larger_than_the_limit_is_not_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge.yml"
    with huge.open("wb") as file:
        file.truncate(1 << 30)

    with pytest.raises(TooBig):
        yamlfile.read(RealWorld(), str(huge))


def test_an_empty_file_holds_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty.yml").write_text("")

    assert yamlfile.read(RealWorld(), str(tmp_path / "empty.yml")) is None
