"""With which configuration did Hydra start a program here? `.hydra/` of a run or of one job of a sweep. hydra.cc, "Output/Working directory".

Values are kept as they are written: references (`${...}`) are resolved by Hydra only while the program runs, and it keeps no exit status.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from auditor.world import World
from probes.records.inside import there
from probes.records.lines import one_line
from probes.records.times import local
from probes.records.yamlfile import NotYaml
from probes.records.yamlfile import read as read_yaml
from probes.tracking import Reader, TrackedRun
from probes.tracking.told import bounded, flat, seeds
from probes.workflows import Place, State, Unreadable

_TIMED = "${now:%Y-%m-%d}/${now:%H-%M-%S}"
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)/(\d\d)-(\d\d)-(\d\d)(?:/|$)")
_JOB = re.compile(r"\d+(?:_\d+)?")


def read(world: World, folder: str) -> Iterator[TrackedRun]:
    """The run whose folder this is. Raises Unreadable where neither configuration nor overrides can be read."""
    gaps: list[str] = []
    config = _part(world, folder, "config.yaml", gaps)
    own = _part(world, folder, "hydra.yaml", gaps)
    overrides = _part(world, folder, "overrides.yaml", gaps)
    if config is None and own is None and overrides is None:
        raise Unreadable("; ".join(gaps))
    yield _run(folder, config, _mapping(_mapping(own).get("hydra")), overrides, gaps)


def _part(world: World, folder: str, name: str, gaps: list[str]) -> Any:
    path = there(world, folder, f".hydra/{name}")
    try:
        return read_yaml(world, path, texts=True) if path else gaps.append(f".hydra/{name} is not there")
    except (NotYaml, OSError) as error:
        return gaps.append(f".hydra/{name}: {one_line(str(error), 160)}")


def _run(folder: str, config: Any, own: Mapping[str, Any], overrides: Any, gaps: list[str]) -> TrackedRun:
    job, runtime = _mapping(own.get("job")), _mapping(own.get("runtime"))
    at = str(runtime.get("output_dir") or folder)
    parameters = bounded(flat(config))
    references = sum("${" in v for v in parameters.values())
    told = [f"{references} values are references, as written: Hydra resolves them while the program runs"] if references else []
    sweep = own.get("mode") in {"MULTIRUN", "RunMode.MULTIRUN"}
    started = _started(own, at)
    return TrackedRun(
        system="hydra",
        id=one_line(at, 500),
        folder=folder,
        state=State.UNKNOWN,
        proof="Hydra keeps no exit status",
        version=one_line(str(runtime.get("version") or ""), 40),
        name=one_line(str(job.get("override_dirname") or "") or os.path.basename(folder), 200),
        experiment=one_line(str(job.get("name") or ""), 200),
        parent=one_line(os.path.dirname(at), 500) if sweep else "",
        started=started,
        zone_assumed=bool(started),
        source=one_line(str(job.get("name") or ""), 200),
        parameters=parameters,
        seeds=seeds(parameters),
        job_ids=_job_ids(own, job),
        tags=_tags(own, runtime, overrides),
        place=Place(".hydra/config.yaml"),
        gaps=(*gaps, *told),
    )


def _started(own: Mapping[str, Any], at: str) -> str:
    """From the folder's name, where Hydra was left to name folders by the time: local, without a zone."""
    side = "sweep" if own.get("mode") in {"MULTIRUN", "RunMode.MULTIRUN"} else "run"
    timed = str(_mapping(own.get(side)).get("dir") or "").endswith(_TIMED)
    found = list(_TIME.finditer(at)) if timed else []
    return local(f"{found[-1][1]}T{found[-1][2]}:{found[-1][3]}:{found[-1][4]}", None) if found else ""


def _job_ids(own: Mapping[str, Any], job: Mapping[str, Any]) -> tuple[str, ...]:
    """The submitit launcher sets the job's id to the scheduler's number; the others count from zero."""
    number = str(job.get("id") or "")
    slurm = "submitit" in str(_mapping(own.get("launcher")).get("_target_")) and "Slurm" in str(own["launcher"]["_target_"])
    return (number,) if slurm and _JOB.fullmatch(number) else ()


def _tags(own: Mapping[str, Any], runtime: Mapping[str, Any], overrides: Any) -> dict[str, str]:
    """What was chosen: overrides of the command line, groups of the configuration, launcher and sweeper."""
    words = [str(o) for o in overrides] if isinstance(overrides, list) else []
    given = bounded((name, value) for name, mark, value in (w.lstrip("+~").partition("=") for w in words) if mark)
    chosen = {k: v for k, v in _mapping(runtime.get("choices")).items() if not str(k).startswith("hydra/")}
    found = {
        "hydra.overrides": " ".join(f"{k}={v}" for k, v in given.items()),
        "hydra.choices": " ".join(f"{k}={v}" for k, v in chosen.items()),
        "hydra.mode": str(own.get("mode") or ""),
        "hydra.launcher": str(_mapping(own.get("launcher")).get("_target_") or ""),
        "hydra.sweeper": str(_mapping(own.get("sweeper")).get("_target_") or ""),
    }
    return {k: one_line(v, 500) for k, v in found.items() if v}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


READER = Reader("hydra", (".hydra",), read)
