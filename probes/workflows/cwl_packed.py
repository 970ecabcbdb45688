"""What does a packed CWL document declare for each step: tool, container, software, resources, loop? https://www.commonwl.org/v1.2/Workflow.html

`workflow/packed.cwl` of a CWLProv bundle: one process, or a `$graph` of them. Expressions are text here; nothing is evaluated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from auditor.world import World
from probes.records.lines import one_line, why
from probes.workflows import Asked, Digest, Environment, Place, Unreadable

MAX_BYTES = 32 << 20
PACKED = "workflow/packed.cwl"
_DEEPEST = 10
_MIB = 1 << 20


@dataclass(frozen=True)
class Step:
    """name: of the step; tool: the process it runs; nested: it is a workflow; sources: names of steps whose outputs it takes.

    called: what its like are called: `simulate` for the steps `simulate` and `simulate_again` of one tool `simulate.cwl`, else the step's name.
    CWL 1.2 has no loop, so a workflow that goes around has its steps written out; a tool that is in no name (`python.cwl`) binds nothing.
    """

    name: str
    tool: str
    nested: bool
    sources: tuple[str, ...]
    scatter: bool
    loop: str
    environments: tuple[Environment, ...]
    asked: Asked
    called: str = ""


def read(world: World, path: str) -> dict[str, Step]:
    """Raises Unreadable, OSError."""
    return parse(world.text(path, MAX_BYTES))


def parse(text: str) -> dict[str, Step]:
    """Steps by their name, those of nested workflows included; a single tool is a step `main`."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"packed.cwl: {why(error)}") from None
    graph = document.get("$graph", [document]) if isinstance(document, dict) else []
    processes = {str(p.get("id", "#main")): p for p in graph if isinstance(p, dict)}
    main = processes.get("#main") or next(iter(processes.values()), None)
    if main is None:
        raise Unreadable("packed.cwl: no process in it")
    if main.get("class") != "Workflow":
        return {"main": _step({"id": "#main", "run": main}, main, ())}
    return {step.name: step for step in _called(tuple(_steps(main, processes, (), 0)))}


def _called(steps: tuple[Step, ...]) -> Iterator[Step]:
    users: dict[str, int] = {}
    for step in steps:
        users[step.tool] = users.get(step.tool, 0) + 1
    for step in steps:
        stem = re.sub(r"\.cwl$", "", step.tool.rsplit("/", 1)[-1])
        shared = users[step.tool] > 1 and len(stem) > 2 and stem in step.name
        yield replace(step, called=stem if shared else step.name)


def _steps(
    workflow: Mapping[str, Any], processes: Mapping[str, Any], above: tuple[Mapping[str, Any], ...], depth: int
) -> Iterator[Step]:
    for step in workflow.get("steps", ()) if isinstance(workflow.get("steps"), list) else ():
        if not isinstance(step, dict):
            continue
        run = step.get("run")
        tool = run if isinstance(run, dict) else processes.get(str(run), {})
        inherited = (*above, workflow)
        yield _step(step, tool, inherited)
        if tool.get("class") == "Workflow" and depth < _DEEPEST:
            yield from _steps(tool, processes, (*inherited, step), depth + 1)


def _step(step: Mapping[str, Any], tool: Mapping[str, Any], above: tuple[Mapping[str, Any], ...]) -> Step:
    name = _last(step.get("id"))
    run = step.get("run")
    tool_id = str(run if isinstance(run, str) else tool.get("id", f"#{name}"))
    wanted = _requirements((*above, step, tool))
    place = Place(PACKED, f"step {name}, tool {one_line(tool_id)}")
    return Step(
        name,
        one_line(tool_id).lstrip("#"),
        tool.get("class") == "Workflow",
        tuple(dict.fromkeys(_sources(step))),
        "scatter" in step,
        _loop(step, wanted),
        tuple(_environments(wanted, place)),
        _asked(wanted),
    )


def _requirements(holders: tuple[Mapping[str, Any], ...]) -> dict[str, Mapping[str, Any]]:
    """By class: what is nearer to the tool wins, and a requirement wins over a hint."""
    found: dict[str, Mapping[str, Any]] = {}
    for kind in ("hints", "requirements"):
        for holder in holders:
            for wanted in holder.get(kind, ()) if isinstance(holder.get(kind), list) else ():
                if isinstance(wanted, dict):
                    found[re.split(r"[#/:]", str(wanted.get("class", "")))[-1]] = wanted
    return found


def _environments(wanted: Mapping[str, Mapping[str, Any]], place: Place) -> Iterator[Environment]:
    docker = wanted.get("DockerRequirement", {})
    image = next((docker[k] for k in ("dockerPull", "dockerImageId", "dockerLoad", "dockerImport") if docker.get(k)), "")
    if not image and docker.get("dockerFile"):
        image = "built from a dockerFile text"
    if image:
        name = one_line(str(image))
        yield Environment("container", name, declared=place, digests=image_digests(name))
    packages = wanted.get("SoftwareRequirement", {}).get("packages", ())
    for package in packages if isinstance(packages, list) else ():
        if isinstance(package, dict) and package.get("package"):
            versions = ", ".join(str(v) for v in package.get("version") or () if isinstance(v, str))
            yield Environment("software", one_line(f"{package['package']} {versions}".strip()), declared=place)


def image_digests(name: str) -> tuple[Digest, ...]:
    """The digest in an image's name, where it is pinned by one."""
    found = re.search(r"@sha256:([0-9a-f]{64})", name)
    return (Digest("sha256", found[1]),) if found else ()


def _asked(wanted: Mapping[str, Mapping[str, Any]]) -> Asked:
    resources = wanted.get("ResourceRequirement", {})
    disk = [_number(resources.get(k)) for k in ("outdirMin", "tmpdirMin")]
    known = [d for d in disk if d is not None]
    memory = _number(resources.get("ramMin"), resources.get("ramMax"))
    ranks = _number(wanted.get("MPIRequirement", {}).get("processes"))
    written = {k: one_line(str(v)) for k, v in resources.items() if k != "class" and _number(v) is None}
    return Asked(
        cpus=_number(resources.get("coresMin"), resources.get("coresMax")),
        gpus=_number(wanted.get("CUDARequirement", {}).get("cudaDeviceCountMin")),
        memory=int(memory * _MIB) if memory is not None else None,
        disk=int(sum(known) * _MIB) if known else None,
        seconds=_number(wanted.get("ToolTimeLimit", {}).get("timelimit")),
        tasks=int(ranks) if ranks is not None else None,
        other=dict(sorted(written.items())[:20]),
    )


def _number(*values: Any) -> float | None:
    """The first that is a number; an expression is none."""
    for value in values:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e18:
            return float(value)
    return None


def _loop(step: Mapping[str, Any], wanted: Mapping[str, Mapping[str, Any]]) -> str:
    """How the step is told to iterate: `loop` of CWL 1.3 or cwltool's own extension; empty where it is not."""
    own = _requirements((step,)).get("Loop")
    if "loop" in step:
        return one_line(f"loop until not {step.get('when', 'told')}")
    return one_line(f"cwltool:Loop while {(own or wanted.get('Loop') or {}).get('loopWhen', '?')}") if own else ""


def _sources(step: Mapping[str, Any]) -> Iterator[str]:
    prefix = str(step.get("id", "")).rsplit("/", 1)[0]
    for port in step.get("in", ()) if isinstance(step.get("in"), list) else ():
        source = port.get("source", ()) if isinstance(port, dict) else ()
        for one in source if isinstance(source, list) else [source]:
            parts = str(one).removeprefix(prefix + "/").split("/")
            if str(one).startswith(prefix + "/") and len(parts) == 2:
                yield parts[0]


def _last(name: Any) -> str:
    return one_line(str(name or "main")).rsplit("/", 1)[-1].lstrip("#")
