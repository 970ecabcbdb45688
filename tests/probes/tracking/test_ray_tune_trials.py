"""Are Tune's trials tracked runs too? Files after its documented format; Ray itself runs in a slow test of the workflow readers."""

from __future__ import annotations

import json
import os
from pathlib import Path

from auditor.world import RealWorld
from probes.tracking import Metric
from probes.tracking.ray_tune import READER
from probes.workflows import State
from tests.probes.tracking.stores import files


def search(tmp_path: Path) -> Path:
    about = {"trainable_name": "train", "relative_logdir": "train_a", "config": {"lr": 0.1, "seed": 3}}
    trials = [
        [
            json.dumps({**about, "trial_id": "a", "status": "TERMINATED"}),
            json.dumps({"start_time": 1795435200.0, "last_result_time": 1795435260.0}),
        ],
        [
            json.dumps({**about, "trial_id": "b", "status": "RUNNING", "relative_logdir": "train_b"}),
            json.dumps({"start_time": 1795435200.0}),
        ],
    ]
    rows = "".join(json.dumps({"loss": 1 / n, "training_iteration": n, "hostname": "node1"}) + "\n" for n in (1, 2))
    folder = files(
        tmp_path / "search",
        {
            "experiment_state-2026-11-23_12-00-00.json": json.dumps(
                {"trial_data": trials, "stats": {"start_time": 1795435200.0}}
            ),
            "train_a/result.json": rows,
            "train_a/checkpoint_000001/model.pt": "",
        },
    )
    os.utime(folder / "experiment_state-2026-11-23_12-00-00.json", (1_700_000_000,) * 2)
    return folder


def test_a_trial_has_its_parameters_last_results_seed_and_checkpoint(tmp_path: Path) -> None:
    done, killed = READER.read(RealWorld(), str(search(tmp_path)))

    assert (done.id, done.experiment, done.state, done.host, done.source) == ("a", "search", State.SUCCEEDED, "node1", "train")
    assert (dict(done.parameters), done.seeds) == ({"lr": "0.1", "seed": "3"}, {"seed": "3"})
    assert done.metrics == (Metric("loss", 0.5, 2),)
    assert (done.started, done.ended) == ("2026-11-23T12:00:00+00:00", "2026-11-23T12:01:00+00:00")
    assert [(m.role, m.path, m.flavour) for m in done.models] == [("made", "train_a/checkpoint_000001", "checkpoint")]
    assert (killed.id, killed.state, killed.metrics) == ("b", State.KILLED, ())
