"""Which environment variables did the job have?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Environment:
    """Allowed variables with their values; of all others the names only."""

    values: Mapping[str, str]
    withheld: tuple[str, ...]
