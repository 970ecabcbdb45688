"""How is each kind of fact written in a Process Run Crate? Software, images, environment, resource usage, times."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from auditor import __version__
from reports.archive.known import Known
from reports.archive.recipe import Recipe, RecipeImage

Entity = dict[str, Any]
SACCT = "https://slurm.schedmd.com/sacct.html#OPT_"
UNIT = "https://qudt.org/vocab/unit/"
TERMS = "https://w3id.org/ro/terms/workflow-run#"
FAILED = {"FAILED", "TIMEOUT", "OUT_OF_MEMORY", "CANCELLED", "NODE_FAIL", "BOOT_FAIL", "DEADLINE", "PREEMPTED"}
# slurm.schedmd.com/squeue.html#lbAG: JOB STATE CODES


def mark(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def tool_id(known: Known, recipe: Recipe) -> str:
    """The batch script as software: at its commit in a public repository, else by content.

    The profile wants an http URI; without a repository it is RFC 6920's form at a host that cannot exist (RFC 2606).
    """
    if known.git and known.git.commit and (url := _web(known.git.remote)):
        return f"{url}/tree/{known.git.commit}"
    return f"http://script.invalid/.well-known/ni/sha-256/{_script_digest(known)}"


def _script_digest(known: Known) -> str:
    text = known.job.script.encode("utf-8", "surrogateescape")
    return known.submission.script_sha256 if known.submission else hashlib.sha256(text).hexdigest()


def _web(remote: str) -> str:
    match = re.fullmatch(r"https://[\w.:-]+/[\w./~-]+?(?:\.git)?/?", remote)
    return match[0].removesuffix("/").removesuffix(".git") if match else ""


def software(known: Known, recipe: Recipe) -> Iterator[Entity]:
    """The script, and the interpreter of its packages."""
    git = known.git
    version = (git.commit + ("-dirty" if git.dirty else "") if git else "") or f"sha256:{_script_digest(known)}"
    url = _web(git.remote) if git else ""
    tool: Entity = {
        "@id": tool_id(known, recipe),
        "@type": "SoftwareApplication",
        "name": recipe.script or recipe.name,
        "url": url or next((f.carried for f in recipe.files if f.carried and f.place == recipe.script), "replay.json"),
        "softwareVersion": version,
    }
    if recipe.python:
        python = interpreter(recipe)
        yield tool | {"softwareRequirements": {"@id": python}}
        yield {"@id": python, "@type": "SoftwareApplication", "name": "Python", "url": python, "softwareVersion": recipe.python}
    else:
        yield tool


def interpreter(recipe: Recipe) -> str:
    return f"https://www.python.org/downloads/release/python-{recipe.python.replace('.', '')}/"


def images(recipe: Recipe) -> Iterator[Entity]:
    """Each digest that is known: the SIF file's hash and the OCI manifest's are two different things."""
    for image in recipe.images:
        name, _, digest = image.pull.partition("@sha256:")
        head, _, tail = (name or image.reference).rpartition("/")
        entity: Entity = {
            "@id": f"#image-{mark(image.reference)}",
            "@type": "ContainerImage",
            "additionalType": {"@id": TERMS + ("SIFImage" if image.sha256 and not digest else "DockerImage")},
            "registry": head or "local",
            "name": tail.partition(":")[0],
            "tag": tail.partition(":")[2] or "none",
            "description": f"{image.runtime} {image.reference}; image id {image.image_id or 'not known'}",
        }
        yield entity | _digest(digest or image.sha256) | _links(image)


def _digest(value: str) -> Entity:
    return {"sha256": value} if value else {}


def _links(image: RecipeImage) -> Entity:
    """Where in the bundle its content lies, and what it was built from."""
    content = f"{image.carried}/index.json" if image.form == "oci-layout" else image.carried
    links = {"encoding": content, "isBasedOn": image.definition}
    return {name: {"@id": path} for name, path in links.items() if path}


def environment(recipe: Recipe) -> Iterator[Entity]:
    for name, value in recipe.environment.items():
        yield {"@id": f"#env-{name}", "@type": "PropertyValue", "name": name, "value": value}


def resources(known: Known) -> Iterator[Entity]:
    """What the scheduler counted, each named by its anchor in sacct's manual; values are strings, units QUDT."""
    a = known.accounting
    if not a:
        return
    rows = (
        ("Elapsed", "elapsed wall time", a.used_seconds, "SEC"),
        ("TotalCPU", "user plus system CPU time", a.used_cpu_seconds, "SEC"),
        ("MaxRSS", "peak resident memory", a.used_memory, "BYTE"),
        ("AllocCPUS", "allocated CPUs", a.used_cpus, "NUM"),
        ("ReqMem", "memory asked for", a.asked_memory, "BYTE"),
        ("Timelimit", "time asked for", a.asked_seconds, "SEC"),
    )
    for field, name, value, unit in rows:
        if value is not None:
            number = f"{value:.3f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
            yield {
                "@id": f"#use-{field}",
                "@type": "PropertyValue",
                "name": name,
                "propertyID": SACCT + field,
                "unitCode": UNIT + unit,
                "value": number,
            }


def times_and_state(known: Known) -> Entity:
    """startTime, endTime, actionStatus; `error` only of a failed run."""
    a = known.accounting
    last = a.attempts[-1] if a and a.attempts else None
    if not last:
        return {"endTime": known.when}
    made: Entity = {"endTime": stamp(last.ended) or known.when}
    if start := stamp(last.started):
        made["startTime"] = start
    if last.succeeded is False or last.state in FAILED:
        made |= {
            "actionStatus": "http://schema.org/FailedActionStatus",
            "error": f"{last.state_text or last.state}, exit code {last.exit_code}",
        }
    elif last.final:
        made["actionStatus"] = "http://schema.org/CompletedActionStatus"
    return made


def stamp(text: str) -> str:
    """`2026-11-20T09:00:00+00:00`: the validator's pattern takes no `Z` and no fractions."""
    try:
        return datetime.fromisoformat(text).isoformat(timespec="seconds") if text else ""
    except ValueError:
        return ""


def maker() -> str:
    """Who wrote the bundle, for bag-info.txt."""
    return f"run-auditor {__version__}"
