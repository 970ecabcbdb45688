"""Clock readings of other programs become ISO 8601 in UTC; what cannot be one becomes empty."""

from __future__ import annotations

from datetime import UTC

import pytest

from probes.records.times import between, epoch, local, offset, zone


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (1795469015, "2026-11-23T21:23:35+00:00"),
        (1795469015.5, "2026-11-23T21:23:35.500+00:00"),
        ("1795469015", "2026-11-23T21:23:35+00:00"),
        (None, ""), (0, ""), (-5, ""), ("soon", ""), (float("nan"), ""), (float("inf"), ""), (1e300, ""), (1795469015000, ""),
    ],
)  # fmt: skip
def test_epochs_are_told_in_utc_and_nonsense_is_empty(seconds: float | str | None, told: str) -> None:
    assert epoch(seconds) == told


def test_a_local_time_is_placed_in_its_zone_and_one_with_a_zone_keeps_it() -> None:
    assert local("2026-11-23T21:23:35", offset(2)) == "2026-11-23T19:23:35+00:00"
    assert local("2026-11-23T21:23:35+01:00", offset(2)) == "2026-11-23T20:23:35+00:00"
    assert local("23/11/26 21:23", UTC, "%d/%m/%y %H:%M") == "2026-11-23T21:23:00+00:00"


@pytest.mark.parametrize("text", [None, "", "yesterday", "2026-13-40T00:00:00", "0001-01-01T00:00:00"])
def test_what_is_no_time_is_empty(text: str | None) -> None:
    assert local(text, offset(5)) == ""


def test_a_zone_has_its_summer_and_an_unknown_one_is_none() -> None:
    assert local("2026-07-01T12:00:00", zone("Europe/London")) == "2026-07-01T11:00:00+00:00"
    assert (zone(""), zone("Nowhere/Else"), zone("../../etc/passwd")) == (None, None, None)


def test_seconds_between_two_times_need_both() -> None:
    assert between("2026-11-23T21:23:35+00:00", "2026-11-23T21:24:35.500+00:00") == 60.5
    assert between("", "2026-11-23T21:24:35+00:00") is None
