"""May work be shared between processes here, and between how many?"""

from __future__ import annotations

import os
import threading


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0))


def worth(workers: int) -> bool:
    """Several, and none of our threads beside this one: a fork would copy their locks."""
    return workers > 1 and threading.active_count() == 1
