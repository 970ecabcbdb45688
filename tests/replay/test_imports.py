"""Which packages carried code needs, as far as its syntax tells."""

from __future__ import annotations

import pytest

from auditor.replay.imports import outside

JOB = "#!/bin/bash\npython3 train.py data.csv\n"


@pytest.mark.parametrize(
    ("train", "needs"),
    [
        ("import csv, json\nfrom pathlib import Path\nimport tools\n", frozenset()),
        ("import numpy as np\nfrom torch.nn import Linear\n", frozenset({"numpy", "torch"})),
        ("def later():\n    import yaml\n", frozenset({"yaml"})),
        ("from . import sibling\nfrom __future__ import annotations\n", frozenset()),
        ("import importlib\nimportlib.import_module(name)\n", None),
        ("__import__('numpy')\n", None),
        ("print 'two'\n", None),
    ],
)
def test_imports_are_read_and_what_is_dynamic_is_not_known(train: str, needs: frozenset[str] | None) -> None:
    assert outside({"job.sh": JOB, "train.py": train, "tools.py": "import os\n"}, "job.sh") == needs


@pytest.mark.parametrize(
    ("job", "needs"),
    [
        ("#!/bin/bash\npython3 -m http.server\n", frozenset()),
        ("#!/bin/bash\npython -u -m torch.distributed.run train.py\n", frozenset({"torch"})),
        ("#!/bin/bash\npython3 -c 'import numpy'\n", None),
        ("#!/bin/bash\npython3 - <<E\nimport numpy\nE\n", None),
        ("#!/bin/bash\nRscript fit.R\npython3 train.py\n", None),
        ("#!/bin/bash\n# pip was used once\npython3 train.py\n", frozenset()),
    ],
)
def test_a_script_may_call_more_than_its_files(job: str, needs: frozenset[str] | None) -> None:
    assert outside({"job.sh": job, "train.py": "import csv\n"}, "job.sh") == needs


def test_without_python_code_nothing_is_known() -> None:
    assert outside({"job.sh": "#!/bin/bash\n./prog\n"}, "job.sh") is None
