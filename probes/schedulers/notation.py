"""How does Slurm write times, sizes, exit codes, states, host lists and file name patterns?

Sources: sacct(1), scontrol(1), sbatch(1) "filename pattern", and output of 22.05.8 and 24.11.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

TERMINAL = frozenset(
    """BOOT_FAIL CANCELLED COMPLETED DEADLINE FAILED LAUNCH_FAILED NODE_FAIL OUT_OF_MEMORY PREEMPTED RECONFIG_FAIL
    REVOKED TIMEOUT""".split()
)
"""States after which nothing runs any more. An attempt may also end as REQUEUED; the job goes on."""

MAX_TASKS = 100_000
_NOTHING = frozenset({"", "(null)", "None", "Unknown", "N/A", "None assigned", "unknown"})
_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40, "P": 1 << 50}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGTP]?)B?[cn]?", re.IGNORECASE)
_DURATION = re.compile(r"(?:(\d+)-)?(?:(\d+):)?(?:(\d+):)?(\d+(?:\.\d+)?)")
_SPAN = re.compile(r"(\d{1,9})(?:-(\d{1,9})(?::(\d{1,9}))?)?")
_PATTERN = re.compile(r"%(\d*)([%AaJjNnstux])")


def text(value: str) -> str:
    """Slurm's words for nothing become an empty text."""
    return "" if value in _NOTHING else value


def when(value: str) -> str:
    """Epoch seconds (SLURM_TIME_FORMAT=%s) or local ISO time as ISO 8601 UTC; empty when there is none."""
    if text(value) == "":
        return ""
    try:
        moment = datetime.fromtimestamp(int(value), UTC) if value.isdigit() else datetime.fromisoformat(value).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return ""
    return moment.isoformat(timespec="seconds") if moment.timestamp() > 0 else ""


def number(value: str) -> int | None:
    return int(value) if value.isdecimal() else None


def size(value: str) -> int | None:
    """Bytes from `256M`, `1.5G`, `107151360`, and the `4Gn` of before 21.08; None for anything else and for 0."""
    match = _SIZE.fullmatch(value)
    return (round(float(match[1]) * _SIZES[match[2].upper()]) or None) if match else None


def duration(value: str) -> float | None:
    """Seconds from `1-02:03:04`, `02:03:04`, `03:04.567`; None for UNLIMITED and the like."""
    match = _DURATION.fullmatch(value)
    if not match:
        return None
    days, first, second, last = match.groups()
    hours, minutes = (first, second) if second is not None else (None, first)
    return int(days or 0) * 86400 + int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(last)


def limit(value: str) -> int | None:
    """`--time` in seconds: `M`, `M:S`, `H:M:S`, `D-H`, `D-H:M`, `D-H:M:S` (sbatch(1)); None: no limit, or not one."""
    days, dash, rest = value.partition("-")
    parts = (rest if dash else value).split(":")
    if not all(p.isdecimal() for p in (*parts, *((days,) if dash else ()))) or len(parts) > 3:
        return None
    numbers = [int(p) for p in parts]
    if dash:
        hours, minutes, seconds = (*numbers, 0, 0)[:3]
        return int(days) * 86400 + hours * 3600 + minutes * 60 + seconds
    hours, minutes, seconds = numbers if len(numbers) == 3 else (0, *(*numbers, 0)[:2])
    return hours * 3600 + minutes * 60 + seconds


def exit_pair(value: str) -> tuple[int, int] | None:
    """Exit code and signal from `17:0`."""
    code, colon, signal = value.partition(":")
    return (int(code), int(signal)) if colon and code.isdecimal() and signal.isdecimal() else None


def state(value: str) -> str:
    """The first word: `CANCELLED by 5001` is CANCELLED."""
    return value.split(maxsplit=1)[0].rstrip("+") if value.split() else ""


def tres(value: str) -> dict[str, str]:
    """`cpu=1,mem=256M,gres/gpu:a100=2` by name."""
    return {k: v for k, eq, v in (part.partition("=") for part in value.split(",")) if eq}


def gpus(counts: Mapping[str, str]) -> tuple[int | None, str]:
    """How many GPUs and of which type; the type is empty when none or several were named."""
    typed = {k.partition(":")[2]: number(v) or 0 for k, v in counts.items() if k.startswith("gres/gpu:")}
    total = number(counts.get("gres/gpu", ""))
    return (total if total is not None else sum(typed.values()) or None), next(iter(typed)) if len(typed) == 1 else ""


def spans(value: str) -> Iterator[int]:
    """Numbers of `0-9:2,15`; a throttle (`%4`) is left out. Raises ValueError for what is not a list of numbers."""
    count = 0
    for part in value.partition("%")[0].split(","):
        match = _SPAN.fullmatch(part)
        if not match:
            raise ValueError(f"{part[:40]!r} is no number and no range")
        low, high, step = match.groups()
        for n in range(int(low), int(high or low) + 1, int(step or 1)):
            count += 1
            if count > MAX_TASKS:
                raise ValueError(f"more than {MAX_TASKS} numbers in {value[:40]!r}")
            yield n


def throttle(value: str) -> int | None:
    """The 2 of `0-9%2`."""
    return number(value.partition("%")[2])


def hosts(value: str) -> tuple[str, ...]:
    """`cpu[1-2,07],gpu1` as names. What does not read as such a list is kept as it is."""
    found: list[str] = []
    for part in re.split(r",(?![^\[]*\])", text(value)):
        head, bracket, rest = part.partition("[")
        inner, _, tail = rest.partition("]")
        if not bracket:
            found.extend([part] if part else [])
            continue
        for span in inner.split(","):
            low, _, high = span.partition("-")
            if not low.isdecimal() or not (high or low).isdecimal() or int(high or low) - int(low) > MAX_TASKS:
                return (text(value),)
            found.extend(f"{head}{n:0{len(low)}d}{tail}" for n in range(int(low), int(high or low) + 1))
    return tuple(found)


def filename(pattern: str, values: Mapping[str, str]) -> str:
    """Fill `%j`, `%5a` and friends (sbatch(1), "filename pattern"); a backslash anywhere switches filling off.

    values: by letter. A letter we know no value for stays as it is written.
    """
    if "\\" in pattern:
        return pattern.replace("\\", "")

    def fill(match: re.Match[str]) -> str:
        width, letter = match.groups()
        if letter == "%":
            return "%"
        value = values.get(letter)
        if value is None:
            return match[0]
        return value.zfill(min(int(width), 10)) if width and value.isdecimal() else value

    return _PATTERN.sub(fill, pattern)
