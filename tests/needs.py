"""What happens to a test whose real part is not on this machine?"""

from __future__ import annotations

import os

import pytest


def need(*lacking: str) -> None:
    """Fail in CI, skip elsewhere, naming what is not there."""
    if lacking:
        say = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        say(f"not on this machine: {', '.join(lacking)}")
