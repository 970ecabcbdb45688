"""Are seeds, switches and random draws found in environment, arguments and code?"""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.model import Absent, Job
from auditor.world import RealWorld
from probes.script.randomness import signs
from probes.seeds import PROBE, Determinism, Switch
from tests.fakes import EmptyWorld, recorded


def python(text: str) -> list[tuple[str, str, str, int]]:
    return [(s.kind, s.name, s.value, s.line) for s in signs("python", text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import random\nrandom.seed(1)", [("seed", "random.seed", "1", 2)]),
        ("from random import seed as s\ns(1)", [("seed", "random.seed", "1", 2)]),
        ("import numpy as np\nr = np.random.default_rng(args.seed)", [("seed", "numpy.random.default_rng", "args.seed", 2)]),
        ("import numpy as np\nr = np.random.default_rng()", [("draw", "numpy.random.default_rng", "", 2)]),
        ("import random\nrandom.seed(None)", [("draw", "random.seed", "", 2)]),
        (
            "import torch\ntorch.manual_seed(0)\ntorch.randn(2)",
            [("seed", "torch.manual_seed", "0", 2), ("draw", "torch.randn", "", 3)],
        ),
        ("from lightning import seed_everything\nseed_everything(4)", [("seed", "lightning.seed_everything", "4", 2)]),
        ("import jax\njax.random.PRNGKey(7)", [("seed", "jax.random.PRNGKey", "7", 2)]),
        ("import tensorflow as tf\ntf.random.set_seed(2)", [("seed", "tensorflow.random.set_seed", "2", 2)]),
        ("Forest(random_state=5)", [("seed", "Forest(random_state=)", "5", 1)]),
        ("Forest(random_state=None)", []),
        (
            "import torch\ntorch.backends.cudnn.deterministic = True",
            [("switch", "torch.backends.cudnn.deterministic", "True", 2)],
        ),
        ("import torch\ntorch.use_deterministic_algorithms(True)", [("switch", "torch.use_deterministic_algorithms", "True", 2)]),
        ("DataLoader(x, shuffle=True)", [("draw", "DataLoader(shuffle=True)", "", 1)]),
        ("# random.seed(1)\n'''torch.manual_seed(1)'''", []),
        ("print 'python 2'\nrandom.seed(1)", [("seed", "random.seed", "1", 2)]),
    ],
)
def test_python_is_read_by_its_tree(text: str, expected: list[tuple[str, str, str, int]]) -> None:
    assert python(text) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("r", "set.seed(42)\nx <- rnorm(3)", [("seed", "set.seed", "42"), ("draw", "rnorm", "")]),
        ("julia", "Random.seed!(3)\nrand(2)", [("seed", "Random.seed!", "3"), ("draw", "rand", "")]),
        ("shell", "RANDOM=5\necho $RANDOM\nshuf x", [("seed", "RANDOM", "5"), ("draw", "$RANDOM", ""), ("draw", "shuf", "")]),
        (
            "input",
            "gen_seed = 9\nvelocity all create 300 4928459",
            [("seed", "gen_seed", "9"), ("seed", "velocity all create", "4928459")],
        ),
    ],
)
def test_other_languages_are_read_by_pattern(language: str, text: str, expected: list[tuple[str, str, str]]) -> None:
    assert [(s.kind, s.name, s.value) for s in signs(language, text)] == expected


def test_each_seed_says_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import random, os\nos.environ['PYTHONHASHSEED'] = '3'\nrandom.seed(1)\nrandom.random()\n")
    script = "export OMP_NUM_THREADS=2\nSEED=7\nsrun python train.py --seed $SEED --lr 1 seed=8 --deterministic\n"
    script += "python - <<E\nimport random\nrandom.seed(6)\nE\n"
    job = Job("slurm", "1", workdir=str(tmp_path), script=script, script_path=f"{tmp_path}/job.sh")
    seen = PROBE.collect(RealWorld(env={"PYTHONHASHSEED": "0", "MKL_CBWR": "AVX2", "HOME": "/h"}, cwd=str(tmp_path)), job)
    assert seen == Determinism(
        seeds=(
            Switch("PYTHONHASHSEED", "0", "environment", "PYTHONHASHSEED"),
            Switch("seed", "7", "argument", "job.sh:3"),
            Switch("seed", "8", "argument", "job.sh:3"),
            Switch("SEED", "7", "script", "job.sh:2"),
            Switch("PYTHONHASHSEED", "3", "called-file", "train.py:2"),
            Switch("random.seed", "1", "called-file", "train.py:3"),
            Switch("random.seed", "6", "script", "job.sh:6"),
        ),
        switches=(
            Switch("MKL_CBWR", "AVX2", "environment", "MKL_CBWR"),
            Switch("deterministic", "", "argument", "job.sh:3"),
            Switch("OMP_NUM_THREADS", "2", "script", "job.sh:1"),
        ),
        stochastic=("train.py:4 random.random",),
    )


def test_at_the_start_the_recorded_environment_is_enough() -> None:
    seen = PROBE.collect(recorded(env={"SEED": "5"}), Job("slurm", "1", workdir="/w", script="python gone.py --seed=2\n"))
    assert seen == Determinism(
        (Switch("SEED", "5", "environment", "SEED"), Switch("seed", "2", "argument", "batch script:1")), (), ()
    )


def test_nothing_known_is_absent() -> None:
    assert PROBE.collect(EmptyWorld(), Job("slurm", "1")) == Absent("neither a script nor an environment is known")
