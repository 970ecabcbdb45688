"""What is a run of Nextflow said to be: its workflow and revision, its parameters, the numbers that it kept?"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from auditor.redact import MARK, SECRET_NAME, Redactor
from auditor.world import World
from probes.records.inside import Outside, inside
from probes.records.lines import one_line
from probes.records.within import relative
from probes.workflows import Definition, Digest, Metric, Place
from probes.workflows.nextflow_files import units
from probes.workflows.nextflow_files.lineage import parameters as resolved
from probes.workflows.nextflow_files.log import Log


def definitions(
    world: World, folder: str, revision: str, command: str, log: Log, spec: Mapping[str, object]
) -> Iterator[Definition]:
    launching = log.facts.get("launching", {})
    place = Place(log.path, f"line {log.all('launching')[0][0]}") if launching and log.all("launching") else None
    script = launching.get("script", "") or _script(command)
    revision = revision or launching.get("revision", "")
    workflow = spec.get("workflow")
    commit = str(workflow.get("commitId") or "") if isinstance(workflow, dict) else ""
    if re.fullmatch("[0-9a-f]{40}", commit or revision):
        yield Definition(one_line(script), "workflow", revision=commit or revision, place=place)
    elif script:
        sums = (Digest("md5", revision),) if re.fullmatch("[0-9a-f]{32}", revision) else ()
        yield Definition(relative(folder, one_line(script)), "workflow", sums, place=place)
    for name in ("nextflow.config",):
        try:
            inside(world, folder, name)
            yield Definition(name, "config", place=Place(name))
        except (FileNotFoundError, Outside):
            continue


def _script(command: str) -> str:
    found = re.search(r"\brun\s+(?:-\S+\s+)*([^-\s]\S*)", command)
    return found[1] if found else ""


def parameters(redactor: Redactor, command: str, spec: Mapping[str, object]) -> dict[str, str]:
    """`--name value` of the command line, and what the lineage resolved."""
    given = {
        m[1]: m[2] or m[3] or "true" for m in re.finditer(r"(?:^| )--([\w.-]{1,100})(?:[ =](?:'([^']*)'|([^-\s]\S*)))?", command)
    }
    every = {**given, **resolved(spec.get("params"))}
    return {k: MARK if SECRET_NAME.search(k) else redactor.text(one_line(v)) for k, v in every.items()}


def metrics(log: Log) -> Iterator[Metric]:
    """Counts of WorkflowStats; memory in bytes, durations in seconds."""
    place = Place(log.path, f"line {log.stats_line}")
    for name, text in log.stats.items():
        value = (
            units.seconds(text)
            if name.endswith("Duration")
            else units.size(text)
            if name.endswith("Memory")
            else units.number(text)
        )
        if value is not None:
            yield Metric(name, float(value), place=place)
