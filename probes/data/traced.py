"""What is in the files that a trace of the job saw?"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace

from auditor.model import Job
from auditor.world import World
from probes.data.ours import excluded, kept_out, not_ours
from probes.data.part import Part, by_content, real, without
from probes.data.since import Since
from probes.manifest.build import Limits
from probes.tracing.roles import Roles


def traced(
    world: World, root: str, job: Job, seen: Roles, limits: Limits, declared: Iterable[Part], since: Since | None
) -> tuple[Part, Part]:
    """Inputs and outputs, but for what is kept out of manifests and what was declared."""
    apart = excluded(world, root)
    known = {key for part in declared for key in real(part)}

    def wanted(role: str, paths: Sequence[str]) -> list[str]:
        here = (p for p in paths if os.path.lexists(p) and not kept_out(p, apart) and not not_ours(p, root, job))
        return [p for p in here if (role, os.path.realpath(p)) not in known]

    inputs, outputs = wanted("input", seen.inputs), wanted("output", seen.outputs)
    left = since.split(inputs) if since else ()
    gone = {one.path for one in left}
    made = by_content(world, root, "output", "traced", limits, files=outputs)
    folders = len({os.path.dirname(p) for p in outputs})
    return (
        without(by_content(world, root, "input", "traced", limits, files=[p for p in inputs if p not in gone]), left),
        replace(made, found=made.found._replace(directories=folders)),
    )
