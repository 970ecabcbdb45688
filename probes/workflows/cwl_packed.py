"""What does a packed CWL document declare for each step: tool, container, software, resources, loop? https://www.commonwl.org/v1.2/Workflow.html

`workflow/packed.cwl` of a CWLProv bundle: one process, or a `$graph` of them. Expressions are text here; nothing is evaluated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from auditor.world import World
from probes.records.lines import one_line, why
from probes.workflows import Asked, Digest, Environment, Place, Unreadable

MAX_BYTES = 32 << 20
PACKED = "workflow/packed.cwl"
MAX_STEPS = 20_000
_DEEPEST = 10
_MIB = 1 << 20
_Json = Mapping[str, Any]


@dataclass(frozen=True)
class Step:
    """name: of the step; tool: the process it runs; nested: it is a workflow; sources: names of steps whose outputs it takes, through the
    doors of nested workflows: those of tools, which are the ones that jobs are of.

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
        return {"main": _step({"id": "#main", "run": main}, main, (), ())}
    return {step.name: step for step in _called(tuple(islice(_steps(main, processes, (), {}), MAX_STEPS)))}


def _called(steps: tuple[Step, ...]) -> Iterator[Step]:
    users: dict[str, int] = {}
    for step in steps:
        users[step.tool] = users.get(step.tool, 0) + 1
    for step in steps:
        stem = re.sub(r"\.cwl$", "", step.tool.rsplit("/", 1)[-1])
        shared = users[step.tool] > 1 and len(stem) > 2 and stem in step.name
        yield replace(step, called=stem if shared else step.name)


def _steps(
    workflow: _Json, processes: Mapping[str, Any], above: tuple[_Json, ...], given: Mapping[str, tuple[str, ...]]
) -> Iterator[Step]:
    """given: names of steps from which the inputs of this workflow come, where it is nested."""
    for step in _dicts(workflow.get("steps")):
        tool = _tool(step, processes)
        taken = {
            _last(port.get("id")): tuple(dict.fromkeys(_made(workflow, processes, _list(port.get("source")), given, set())))
            for port in _dicts(step.get("in"))
        }
        inherited = (*above, workflow)
        yield _step(step, tool, inherited, tuple(dict.fromkeys(name for names in taken.values() for name in names)))
        if tool.get("class") == "Workflow" and len(above) < 2 * _DEEPEST:
            yield from _steps(tool, processes, (*inherited, step), taken)


def _made(
    workflow: _Json, processes: Mapping[str, Any], sources: list[Any], given: Mapping[str, tuple[str, ...]], seen: set[str]
) -> Iterator[str]:
    """Names of the tools' steps that make this: `#main/step/port`, or `#main/port`, an input of the workflow."""
    steps = {_last(s.get("id")): s for s in _dicts(workflow.get("steps"))}
    for source in (str(one) for one in sources):
        *_, name, port = ("", *source.split("/"))
        step = steps.get(name) if source not in seen else None
        seen.add(source)
        if step is None:
            yield from given.get(port, ()) if name not in steps else ()
        elif (tool := _tool(step, processes)).get("class") == "Workflow":
            behind = [
                o for out in _dicts(tool.get("outputs")) if _last(out.get("id")) == port for o in _list(out.get("outputSource"))
            ]
            yield from _made(tool, processes, behind, {}, seen)
        else:
            yield name


def _tool(step: _Json, processes: Mapping[str, Any]) -> _Json:
    run = step.get("run")
    found = run if isinstance(run, dict) else processes.get(str(run), {})
    return found if isinstance(found, dict) else {}


def _dicts(value: Any) -> list[_Json]:
    return [v for v in value if isinstance(v, dict)] if isinstance(value, list) else []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _step(step: _Json, tool: _Json, above: tuple[_Json, ...], sources: tuple[str, ...]) -> Step:
    name = _last(step.get("id"))
    run = step.get("run")
    tool_id = str(run if isinstance(run, str) else tool.get("id", f"#{name}"))
    wanted = _requirements((*above, step, tool))
    place = Place(PACKED, f"step {name}, tool {one_line(tool_id)}")
    return Step(
        name,
        one_line(tool_id).lstrip("#"),
        tool.get("class") == "Workflow",
        sources,
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


def _last(name: Any) -> str:
    return one_line(str(name or "main")).rsplit("/", 1)[-1].lstrip("#")
