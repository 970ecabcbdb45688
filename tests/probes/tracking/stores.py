"""How do tests write MLflow's stores by hand? Tables as MLflow 3.17 makes them (those that the reader looks at), folders as its file store has them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

SCHEMA = """
create table experiments (experiment_id integer primary key, name varchar(256), artifact_location varchar(256), lifecycle_stage varchar(32),
  creation_time bigint, last_update_time bigint, workspace varchar(63));
create table runs (run_uuid varchar(32) not null primary key, name varchar(250), source_type varchar(20), source_name varchar(500),
  entry_point_name varchar(50), user_id varchar(256), status varchar(9), start_time bigint, end_time bigint, source_version varchar(50),
  lifecycle_stage varchar(20), artifact_uri varchar(200), experiment_id integer, deleted_time bigint);
create table params ("key" varchar(250) not null, value varchar(8000) not null, run_uuid varchar(32) not null, primary key ("key", run_uuid));
create index index_params_run_uuid on params (run_uuid);
create table tags ("key" varchar(250) not null, value varchar(8000), run_uuid varchar(32) not null, primary key ("key", run_uuid));
create index index_tags_run_uuid on tags (run_uuid);
create table metrics ("key" varchar(250) not null, value float not null, timestamp bigint not null, run_uuid varchar(32) not null,
  step bigint default '0' not null, is_nan boolean default '0' not null, primary key ("key", timestamp, step, run_uuid, value, is_nan));
create index index_metrics_run_uuid on metrics (run_uuid);
create index index_metrics_run_uuid_key_step on metrics (run_uuid, "key", step);
create table latest_metrics ("key" varchar(250) not null, value float not null, timestamp bigint, step bigint not null, is_nan boolean not null,
  run_uuid varchar(32) not null, primary key ("key", run_uuid));
create table datasets (dataset_uuid varchar(36) not null, experiment_id integer not null, name varchar(500) not null, digest varchar(36) not null,
  dataset_source_type varchar(36) not null, dataset_source text not null, dataset_schema text, dataset_profile text);
create table inputs (input_uuid varchar(36) not null, source_type varchar(36) not null, source_id varchar(36) not null,
  destination_type varchar(36) not null, destination_id varchar(36) not null, step bigint default '0' not null);
create table input_tags (input_uuid varchar(36) not null, name varchar(255) not null, value varchar(500) not null);
create table logged_models (model_id varchar(34) not null primary key, experiment_id integer, name varchar(500), artifact_location varchar(1000),
  creation_timestamp_ms bigint, last_updated_timestamp_ms bigint, status integer, lifecycle_stage varchar(32), model_type varchar(500),
  source_run_id varchar(32), status_message varchar(1000));
create table model_versions (name varchar(256) not null, version integer not null, creation_time bigint, last_updated_time bigint,
  description varchar(5000), user_id varchar(256), current_stage varchar(20), source varchar(500), run_id varchar(32), status varchar(20),
  status_message varchar(500), run_link varchar(500), storage_location varchar(500), workspace varchar(63));
create table registered_model_aliases (alias varchar(256) not null, version integer not null, name varchar(256) not null, workspace varchar(63));
create table alembic_version (version_num varchar(32) not null primary key);
insert into alembic_version values ('dc11669786a5');
insert into experiments values (1, 'campaign', '/old/mlruns/1', 'active', 0, 0, 'default');
"""
START = 1_795_435_200_000
"""2026-11-23 12:00:00 UTC, in milliseconds."""


def database(path: Path, rows: Mapping[str, Iterable[Mapping[str, Any]]], schema: str = SCHEMA) -> Path:
    """A store with these rows by table; a column that is not named is null or its default."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript(schema)
        for table, each in rows.items():
            for row in each:
                names = ", ".join(f'"{name}"' for name in row)
                db.execute(f"insert into {table} ({names}) values ({', '.join('?' * len(row))})", tuple(row.values()))
        db.commit()
    return path


def run(uuid: str = "a1", **changes: Any) -> dict[str, Any]:
    """A finished run of one minute."""
    base = {
        "run_uuid": uuid,
        "name": "train",
        "user_id": "ada",
        "status": "FINISHED",
        "start_time": START,
        "end_time": START + 60_000,
        "lifecycle_stage": "active",
        "artifact_uri": f"/old/mlruns/1/{uuid}/artifacts",
        "experiment_id": 1,
    }
    return base | changes


def points(uuid: str, key: str, *values: float) -> dict[str, list[dict[str, Any]]]:
    """A series as both tables of metrics have it."""
    rows = [
        {"key": key, "value": v, "timestamp": START + n, "run_uuid": uuid, "step": n, "is_nan": 0} for n, v in enumerate(values)
    ]
    return {"metrics": rows, "latest_metrics": rows[-1:]}


def files(folder: Path, texts: Mapping[str, str]) -> Path:
    """Relative path -> text, below the folder."""
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


META = (
    "artifact_uri: file:///old/mlruns/7/a1/artifacts\nend_time: 1795435260000\nexperiment_id: '7'\nlifecycle_stage: active\nrun_id: a1\n"
    "run_name: train\nsource_name: ''\nsource_type: 4\nstart_time: 1795435200000\nstatus: 3\ntags: []\nuser_id: ada\n"
)
EXPERIMENT = "artifact_location: file:///old/mlruns/7\nexperiment_id: '7'\nlifecycle_stage: active\nname: campaign\n"
