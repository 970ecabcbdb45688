"""Does somebody else's `probes` or `reports` stand where ours should? Two of our packages have common names."""

from __future__ import annotations

import os
from importlib.util import find_spec


def foreign() -> str:
    """A message when another package of that name would be imported; it is not run. Empty: all is well."""
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    for name in ("probes", "reports"):
        spec = find_spec(name)
        found = (spec.origin or "a namespace package") if spec else "nowhere"
        ours = os.path.join(root, name, "__init__.py")
        if not (os.path.exists(found) and os.path.samefile(found, ours)):
            return (
                f"auditor: `{name}` is found in {found}, but auditor's own lies in {os.path.dirname(ours)}\n"
                f"  remove or rename the other one, or install auditor by itself: pipx install run-auditor\n"
            )
    return ""
