"""Which data sets and models does MLflow's SQLite store bind to runs? Tables of 2.4 and later (data), 3.0 and later (models), and the registry's."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from probes.records.lines import one_line
from probes.records.sqlite import Database
from probes.tracking import DataSet
from probes.tracking.mlflow_model import Logged, Registered
from probes.tracking.mlflow_run import dataset


def datasets(db: Database, runs: tuple[str, ...]) -> dict[str, tuple[DataSet, ...]]:
    """Run -> what it says it used, with the role from the tag `mlflow.data.context`."""
    inputs = db.among("inputs", "destination_id", runs, "destination_id", "source_id", "input_uuid", "source_type")
    rows = [row for row in inputs if row[3] == "DATASET"]
    tags = db.among("input_tags", "input_uuid", tuple({r[2] for r in rows}), "input_uuid", "name", "value")
    roles = {use: str(value or "") for use, name, value in tags if name == "mlflow.data.context"}
    columns = ("dataset_uuid", "name", "digest", "dataset_source_type", "dataset_source")
    sets = {key: rest for key, *rest in db.among("datasets", "dataset_uuid", tuple({r[1] for r in rows}), *columns)}
    found: dict[str, tuple[DataSet, ...]] = defaultdict(tuple)
    for run, key, use, _ in rows:
        if key in sets:
            name, digest, kind, source = sets[key]
            found[run] += (dataset(name, digest, kind, source, roles.get(use, "")),)
    return found


def logged(db: Database, runs: tuple[str, ...]) -> dict[str, tuple[Logged, ...]]:
    """Run -> models it made and used."""
    links = db.among("inputs", "source_id", runs, "source_id", "destination_type", "destination_id")
    bound = [(run, kind == "MODEL_OUTPUT", model) for run, kind, model in links if kind in {"MODEL_OUTPUT", "MODEL_INPUT"}]
    columns = ("model_id", "name", "artifact_location", "source_run_id")
    known = {row[0]: row for row in db.among("logged_models", "source_run_id", runs, *columns)}
    bound += [(row[3], True, model) for model, row in known.items()]
    others = tuple({model for _, _, model in bound} - known.keys())
    known |= {row[0]: row for row in db.among("logged_models", "model_id", others, *columns)}
    found: dict[str, tuple[Logged, ...]] = defaultdict(tuple)
    for run, made, model in dict.fromkeys(bound):
        _, name, location, _ = known.get(model, (model, "", "", ""))
        found[run] += (Logged("made" if made else "used", str(model), str(name or model), str(location or "")),)
    return found


def registered(db: Database, runs: tuple[str, ...]) -> dict[str, tuple[Registered, ...]]:
    """Run -> versions in the registry that came from it."""
    aliases: dict[tuple[Any, Any], list[str]] = defaultdict(list)
    for name, version, alias in db.rows("registered_model_aliases", "name", "version", "alias"):
        aliases[name, version].append(str(alias))
    found: dict[str, tuple[Registered, ...]] = defaultdict(tuple)
    for run, name, version, source in db.among("model_versions", "run_id", runs, "run_id", "name", "version", "source"):
        found[run] += (version_of(name, version, source, aliases[name, version]),)
    return found


def version_of(name: Any, version: Any, source: Any, aliases: list[str]) -> Registered:
    """source: `models:/m-...` since 3.0, the model's folder before."""
    at = f"@{','.join(sorted(aliases))}" if aliases else ""
    location = str(source or "")
    model = location.removeprefix("models:/") if location.startswith("models:/m-") else ""
    return Registered(model, "" if model else location, one_line(f"{name}/{version}{at}", 200))
