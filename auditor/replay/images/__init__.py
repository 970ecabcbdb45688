"""How does a replay get exactly the image that ran, and how does its script come to use it?

`choices` looks (before the yes), `obtain` does (after it), `shim` lets the script see it under the name it types.
"""

from __future__ import annotations

from auditor.replay.images.choices import Choice, Step, Way, choices
from auditor.replay.images.obtain import Had, obtain
from auditor.replay.images.places import Place

__all__ = ["Choice", "Had", "Place", "Step", "Way", "choices", "obtain"]
