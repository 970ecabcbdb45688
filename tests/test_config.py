"""Settings: which file or variable wins, and what a wrong one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.config import Config, load, toml, user_file, write
from auditor.model import AuditError


def test_nothing_set_gives_the_defaults(tmp_path: Path) -> None:
    settings = load(str(tmp_path), {"HOME": str(tmp_path)})
    assert settings.config == Config()
    assert set(settings.origin.values()) == {"default"}


def test_the_project_beats_the_user_and_a_variable_beats_both(tmp_path: Path) -> None:
    user = tmp_path / ".config/auditor/config.toml"
    user.parent.mkdir(parents=True)
    user.write_text('label = "mine"\npayload = "none"\nhash_seconds = 5\n')
    work = tmp_path / "project/sub"
    work.mkdir(parents=True)
    (tmp_path / "project/.auditor.toml").write_text('label = "project"\ninputs = ["in/*.csv"]\n')
    settings = load(str(work), {"HOME": str(tmp_path), "AUDITOR_PAYLOAD": "all", "AUDITOR_OUTPUTS": "a:b"})
    assert settings.config == Config(label="project", payload="all", inputs=("in/*.csv",), outputs=("a", "b"), hash_seconds=5.0)
    assert settings.origin["label"] == str(tmp_path / "project/.auditor.toml")
    assert settings.origin["payload"] == "$AUDITOR_PAYLOAD"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label = 3", "`label` has the value 3"),
        ("colour = 'red'", "there is no setting `colour`"),
        ("label = ", "is not TOML"),
        ("payload = 'some'", "`payload` has the value 'some'"),
    ],
)
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / ".auditor.toml").write_text(text)
    with pytest.raises(AuditError, match=message):
        load(str(tmp_path), {"HOME": str(tmp_path)})


def test_a_switch_in_the_environment_takes_1_or_0(tmp_path: Path) -> None:
    assert load(str(tmp_path), {"AUDITOR_HOOK": "0"}).config.hook is False
    with pytest.raises(AuditError, match="AUDITOR_HOOK has the value 'maybe'"):
        load(str(tmp_path), {"AUDITOR_HOOK": "maybe"})


def test_no_home_means_no_user_file() -> None:
    assert user_file({}) == ""


def test_setting_a_key_keeps_the_other_lines(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('# mine\nlabel = "a"\n')
    write(str(path), "label", "b c")
    write(str(path), "hook", "0")
    assert path.read_text() == '# mine\nlabel = "b c"\nhook = false\n'


def test_phases_are_a_table_of_patterns_and_another_key_is_written_above_it(tmp_path: Path) -> None:
    file = tmp_path / ".auditor.toml"
    file.write_text('[phases]\n"relax*" = "simulate"\n')

    write(str(file), "label", "paper")

    found = load(str(tmp_path), {"AUDITOR_CONFIG": "/nonexistent"}).config
    assert (found.label, dict(found.phases)) == ("paper", {"relax*": "simulate"})
    assert file.read_text() == 'label = "paper"\n[phases]\n"relax*" = "simulate"\n'
    with pytest.raises(AuditError, match="has a table"):
        write(str(file), "phases", "dock*=infer")


def test_phases_from_a_variable_and_as_toml(tmp_path: Path) -> None:
    found = load(str(tmp_path), {"AUDITOR_CONFIG": "/nonexistent", "AUDITOR_PHASES": "relax*=simulate:dock*=infer"}).config

    assert toml(found.phases) == '{"relax*" = "simulate", "dock*" = "infer"}'


def test_phases_of_another_shape_are_refused(tmp_path: Path) -> None:
    (tmp_path / ".auditor.toml").write_text("phases = ['train']\n")

    with pytest.raises(AuditError) as error:
        load(str(tmp_path), {"AUDITOR_CONFIG": "/nonexistent"})

    assert error.value.hint == 'it takes a table: [phases] and lines like "relax*" = "simulate"'


def test_an_orcid_is_checked_by_its_last_digit(tmp_path: Path) -> None:
    """The two examples of support.orcid.org, Structure of the ORCID Identifier."""
    for orcid in ("0000-0002-1825-0097", "0000-0002-1694-233X", ""):
        assert load(str(tmp_path), {"AUDITOR_ORCID": orcid}).config.orcid == orcid
    for wrong in (
        "0000-0002-1825-0098",
        "https://orcid.org/0000-0002-1825-0097",
        "0000000218250097",
        "0000-0002-1825-009",
        "----",
    ):
        with pytest.raises(AuditError, match="`orcid` has the value"):
            load(str(tmp_path), {"AUDITOR_ORCID": wrong})
