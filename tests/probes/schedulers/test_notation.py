from __future__ import annotations

import pytest

from probes.schedulers import notation as n


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("00:00.003", 0.003), ("01:02.345", 62.345), ("02:03:04", 7384.0), ("1-00:00:01", 86401.0), ("UNLIMITED", None), ("", None)],
)
def test_a_duration_is_read_in_seconds(written: str, seconds: float | None) -> None:
    assert n.duration(written) == seconds


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("10", 600),
        ("0:01", 1),
        ("1:30:00", 5400),
        ("2-12", 216000),
        ("1-0:30", 88200),
        ("1-00:00:05", 86405),
        ("soon", None),
        ("", None),
    ],
)
def test_a_time_limit_is_read_as_sbatch_reads_it(written: str, seconds: int | None) -> None:
    assert n.limit(written) == seconds


@pytest.mark.parametrize(
    ("written", "size"),
    [("256M", 268435456), ("1.5G", 1610612736), ("4Gn", 4294967296), ("107151360", 107151360), ("0", None), ("?", None)],
)
def test_a_size_is_read_in_bytes_and_zero_is_not_known(written: str, size: int | None) -> None:
    assert n.size(written) == size


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("1795446267", "2026-11-23T15:04:27+00:00"),
        ("Unknown", ""),
        ("None", ""),
        ("0", ""),
        ("99999999999999999999", ""),
        ("yesterday", ""),
    ],
)
def test_a_moment_is_read_in_utc_and_nonsense_is_no_moment(written: str, utc: str) -> None:
    assert n.when(written) == utc


@pytest.mark.parametrize(
    ("written", "names"),
    [
        ("cpu[1-2,07],gpu1", ("cpu1", "cpu2", "cpu07", "gpu1")),
        ("n[008-010]-ib", ("n008-ib", "n009-ib", "n010-ib")),
        ("None assigned", ()),
        ("a[1-999999999]", ("a[1-999999999]",)),
    ],
)
def test_a_list_of_hosts_is_spelt_out_unless_it_is_absurd(written: str, names: tuple[str, ...]) -> None:
    assert n.hosts(written) == names


def test_an_array_is_spelt_out_without_its_throttle() -> None:
    assert tuple(n.spans("0-6:3,9%2")) == (0, 3, 6, 9)
    assert n.throttle("0-6:3,9%2") == 2


@pytest.mark.parametrize("written", ["", "a-b", "1-", "0-99999999"])
def test_what_is_no_array_or_far_too_large_is_refused(written: str) -> None:
    with pytest.raises(ValueError):
        tuple(n.spans(written))


@pytest.mark.parametrize(
    ("pattern", "path"),
    [("slurm-%A_%a.out", "slurm-14_3.out"), ("%x-%4j.%%", "train-0014.%"), ("%q", "%q"), ("%N.log", "%N.log"), (r"\%j", "%j")],
)
def test_a_file_name_pattern_is_filled_as_far_as_it_is_known(pattern: str, path: str) -> None:
    assert n.filename(pattern, {"A": "14", "a": "3", "j": "14", "x": "train"}) == path


def test_gpus_are_counted_and_named() -> None:
    assert n.gpus(n.tres("billing=1,cpu=1,gres/gpu:a100=2,gres/gpu=2,mem=100M,node=1")) == (2, "a100")
    assert n.gpus(n.tres("cpu=1,mem=100M")) == (None, "")
