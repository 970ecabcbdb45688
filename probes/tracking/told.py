"""What do parameters and tags of any tracker tell: seeds, the scheduler's job numbers, what may be kept? Bounded, one clean line each."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from auditor.redact import MARK, SECRET_NAME
from probes.records.lines import one_line
from probes.tracking.series import number

MAX_PARAMETERS = 500
MAX_TAGS = 50
MAX_VALUE = 500
MAX_NAME = 200
_DEPTH = 8
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_RUN_TOGETHER = frozenset("randomstate randomseed rngseed globalseed npseed torchseed".split())
_JOB = re.compile(r"(?i)(?:^|[._-])(?:slurm|pbs|lsf|sge|lsb)[._-]?(?:array[._-]?)?job[._-]?id$|^slurm$|^job[._]?id$")
_NUMBER = re.compile(r"\d+(?:[_.+]\d+|\[[\d,:%-]+\])?(?:\.[A-Za-z][\w.-]*)?")
_KEPT = re.compile(
    r"(?i)mlflow\.(source\.(name|type|git\.(commit|branch|repoURL|dirty))|parentRunId|runName|gitRepoURL|gitBranchName|project\.(env|entryPoint|backend)"
    r"|docker\.image\.(uri|id)|note\.content)|audit\.[\w.-]+|.*slurm.*job.*|.*job[._]?id|phase|stage|step|task|iteration|generation|campaign|workflow|role|kind"
)


def seeds(parameters: Mapping[str, str]) -> dict[str, str]:
    """Those that are seeds by their own name: `seed`, `model.random_state`, `dataSeed`, `seed_everything`; one that is set to nothing is none."""
    return {k: v for k, v in parameters.items() if _is_seed(k) and v.strip().lower() not in {"", "none", "null", "nan", "false"}}


def _is_seed(name: str) -> bool:
    last = re.split(r"[./]", name)[-1]
    words = [w.lower() for w in _WORD.findall(last)]
    while words and words[-1].isdecimal():
        words.pop()  # seed_1
    ends = words[-1:] in (["seed"], ["seeds"]) or words[-2:] in (["random", "state"], ["rng", "state"], ["seed", "everything"])
    return ends or "".join(words) in _RUN_TOGETHER


def job_ids(tags: Mapping[str, str]) -> tuple[str, ...]:
    """Scheduler's job numbers that tags name (`slurm.job_id`, `SLURM_JOB_ID`): only what looks like one."""
    found = (v.strip() for k, v in tags.items() if _JOB.search(k))
    return tuple(dict.fromkeys(v for v in found if _NUMBER.fullmatch(v)))[:20]


def kept(tags: Mapping[str, str]) -> dict[str, str]:
    """Tags on the list; all others may hold anything about anybody."""
    return dict([(k, one_line(v, MAX_VALUE)) for k, v in sorted(tags.items()) if _KEPT.fullmatch(k)][:MAX_TAGS])


def bounded(values: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> dict[str, str]:
    """Parameters as text, one line each, at most MAX_PARAMETERS of them."""
    pairs = values.items() if isinstance(values, Mapping) else values
    found: dict[str, str] = {}
    for key, value in pairs:
        if len(found) >= MAX_PARAMETERS:
            break
        name = one_line(str(key), MAX_NAME)
        found[name] = _withheld(name, one_line(text(value), MAX_VALUE))
    return found


def _withheld(name: str, value: str) -> str:
    """A password among parameters is none of ours; `max_tokens: 4096` is a number, and stays."""
    words = "_".join(_WORD.findall(name))
    plain = len(value) < 4 or number(value) is not None or value.lower() in {"true", "false", "null", "none"}
    return value if plain or not SECRET_NAME.search(words) else MARK


def text(value: Any) -> str:
    """As a person writes it: text as it is, all else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(too deep to be written down)"
    except (TypeError, ValueError):
        return str(value)


def flat(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """(dotted name, value) of a tree of mappings, as configurations are."""
    if isinstance(value, Mapping) and value and depth < _DEPTH:
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else str(key), depth + 1)
    elif name:
        yield name, value
