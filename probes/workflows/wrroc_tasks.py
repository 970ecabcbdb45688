"""Which actions does a crate record, as tasks: how did each end, what did it read and make, and what does it wait for?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from probes.records import times
from probes.records.lines import one_line
from probes.workflows import Attempt, File, State, Task, wrroc_facts
from probes.workflows.wrroc_graph import Entity, Graph, ids, text

_STATES = {
    "CompletedActionStatus": State.SUCCEEDED,
    "FailedActionStatus": State.FAILED,
    "ActiveActionStatus": State.RUNNING,
    "PotentialActionStatus": State.NOT_RUN,
}


def steps(graph: Graph) -> dict[str, tuple[str, Entity]]:
    """Action → the name of the step that it carried out, by the ControlAction between them."""
    found: dict[str, tuple[str, Entity]] = {}
    for control in graph.of("ControlAction"):
        step = graph.get(text(control.get("instrument")))
        name = text(step.get("name")) or text(step.get("@id"))
        for action in ids(control.get("object")):
            if name:
                found[action] = (one_line(re.split("[#/]", name)[-1] or name, 200), control)
    return found


def task(graph: Graph, action: Entity, steps: dict[str, tuple[str, Entity]]) -> Task:
    ident = text(action.get("@id"))
    tool = graph.get(text(action.get("instrument")))
    ended_as = status(action)
    place = graph.place(action)
    started, ended = moment(action, "startTime"), moment(action, "endTime")
    attempt = Attempt(
        1,
        ended_as,
        started=started,
        ended=ended,
        reason=one_line(text(action.get("error"))) if ended_as is State.FAILED else "",
        place=place,
    )
    name = steps[ident][0] if ident in steps else text(tool.get("name")) or re.split("[#/]", text(tool.get("@id")) or ident)[-1]
    return Task(
        ident,
        one_line(name, 200),
        ended_as,
        () if ended_as is State.NOT_RUN else (attempt,),
        files=(*wrroc_facts.files(graph, action, "object", "input"), *wrroc_facts.files(graph, action, "result", "output")),
        used=wrroc_facts.used(graph, action, times.between(started, ended)),
        environments=tuple(wrroc_facts.environments(graph, action, tool)),
        command=one_line(text(action.get("description")), 2000) if is_command(text(action.get("description"))) else "",
        parameters=wrroc_facts.parameters(graph, action),
        place=place,
    )


def bound(tasks: tuple[Task, ...]) -> tuple[Task, ...]:
    """With what each waits for: who made the files that it reads."""
    makers: dict[str, str] = {}
    for task in tasks:
        for file in task.files:
            if file.role == "output":
                makers.setdefault(file.path, task.id)
    return tuple(replace(t, needs=tuple(dict.fromkeys(_makers(t.id, t.files, makers)))) for t in tasks)


def _makers(own: str, files: tuple[File, ...], makers: dict[str, str]) -> Iterator[str]:
    for file in files:
        if file.role == "input" and makers.get(file.path, own) != own:
            yield makers[file.path]


def status(action: Entity) -> State:
    """As declared; an action with an `error` failed, whatever else it says, and one without a status is unknown."""
    said = re.split("[/#]", text(action.get("actionStatus")))[-1]
    if "error" in action and said != "CompletedActionStatus":
        return State.FAILED
    return _STATES.get(said, State.UNKNOWN)


def moment(action: Entity | None, key: str) -> str:
    return times.local(text(action.get(key)).replace("Z", "+00:00"), None) if action else ""


def is_command(description: str) -> bool:
    """Many writers put the command line there, others a sentence or the output of uname."""
    first = description.split(" ", 1)[0]
    return bool(re.fullmatch(r"[\w./+-]{1,200}", first)) and not first[:1].isupper() and not description.rstrip().endswith(".")
