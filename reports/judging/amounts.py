"""How are amounts written in messages, and how in lines that sbatch reads?"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable

MIB = 1 << 20
GIB = 1 << 30

# room above the peak seen: sampled peaks miss what happens between two samples (sacct(1), JobAcctGatherFrequency)
HEADROOM = 1.2
# room above the time seen: the next node may be slower, the next file system busier
TIME_HEADROOM = 1.5


def size(count: float) -> str:
    """`512 bytes`, `2.4 GiB`: binary units, as Slurm counts."""
    if count < 1024:
        return f"{count:.0f} bytes"
    power = min(4, (int(count).bit_length() - 1) // 10)
    return f"{count / 1024**power:.1f} {('', 'KiB', 'MiB', 'GiB', 'TiB')[power]}"


def duration(seconds: float) -> str:
    """`42 s`, `12 min`, `3.5 h`, `2.1 days`."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 2 * 3600:
        return f"{seconds / 60:.0f} min"
    if seconds < 2 * 86400:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"


def core_hours(seconds: float) -> str:
    """`10.5`, `0.333`: three digits, so that shares can be redone by hand."""
    return f"{seconds / 3600:.3g}"


def percent(share: float) -> str:
    """`7 %`; below one, with a digit."""
    return f"{100 * share:.0f} %" if share >= 0.01 or share == 0 else f"{100 * share:.1f} %"


def memory_option(peak: int, headroom: float = HEADROOM) -> str:
    """What to ask after this peak (bytes): `300M`, `3G`; rounded up to 100M below 1 GiB, to 1G above (sbatch(1) --mem)."""
    need = peak * headroom
    if need <= 900 * MIB:
        return f"{max(1, math.ceil(need / (100 * MIB))) * 100}M"
    return f"{math.ceil(need / GIB)}G"


def time_option(seconds: float, headroom: float = TIME_HEADROOM) -> str:
    """What to ask after this run time: `00:15:00`, `1-06:00:00`; rounded up to 5 minutes (sbatch(1) --time)."""
    minutes = max(1, math.ceil(seconds * headroom / 300)) * 5
    days, rest = divmod(minutes, 24 * 60)
    return f"{f'{days}-' if days else ''}{rest // 60:02d}:{rest % 60:02d}:00"


def several(count: int, noun: str) -> str:
    """`1 file`, `3 files`."""
    return f"{count:,} {noun}" + ("" if count == 1 else "es" if noun.endswith(("s", "ch")) else "s")


def some(items: Iterable[str], limit: int = 3) -> str:
    """`a, b, c and 4 more`."""
    listed = list(items)
    more = len(listed) - limit
    return ", ".join(listed[:limit]) + (f" and {more} more" if more > 0 else "")


def line(text: str, limit: int = 200) -> str:
    """One line of text that came from elsewhere, so that nothing of it steps out of the comment or command it stands in."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= limit else f"{flat[:limit]} …"


def words(items: Iterable[str], limit: int = 10) -> str:
    """Paths and patterns as shell words, quoted where the shell would read them otherwise."""
    return " ".join(shlex.quote(line(item, 4096)) for item in list(items)[:limit])
