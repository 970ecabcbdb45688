"""Does every probe keep its promises? A new file is covered unasked."""

from __future__ import annotations

import dataclasses
import re
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor import codec
from auditor.capture import observe
from auditor.model import Grade, Job, Phase, Probe, Status
from auditor.redact import Redactor
from auditor.registry import kinds, probes
from auditor.world import RealWorld
from tests.fakes import EmptyWorld

st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))  # our JSON has neither
PROBES = list(probes().values())
KINDS = list(kinds().values())
SCRIPT = "#!/bin/bash\n#SBATCH -n 2\nmodule load gcc\nsource env.sh\nsrun python train.py --seed 1\napptainer exec x.sif ./prog\n"
JOB = Job(
    "slurm", "123", workdir="/home/ada/run", script=SCRIPT, script_path="/home/ada/run/job.sh", argv=("job.sh",), inputs=("in/*",)
)


def named(probe: Probe[Any]) -> str:
    return probe.name


@pytest.mark.parametrize("probe", PROBES, ids=named)
def test_a_probe_is_called_as_its_file(probe: Probe[Any]) -> None:
    module = probe.collect.__module__.split(".")
    file = module[-1].replace("_", "-")
    family = module[-2].removesuffix("s")
    assert probe.name in {file, f"{family}-{file}"}


@pytest.mark.parametrize("probe", PROBES, ids=named)
def test_a_probe_asks_one_question_in_its_first_line(probe: Probe[Any]) -> None:
    first = (sys.modules[probe.collect.__module__].__doc__ or "").split("\n")[0]
    assert "?" in first


@pytest.mark.parametrize("probe", PROBES, ids=named)
def test_a_probe_has_phases_a_source_and_a_version(probe: Probe[Any]) -> None:
    assert probe.phases
    assert probe.source
    assert probe.version >= 1
    assert probe.grade in Grade


@pytest.mark.parametrize("probe", PROBES, ids=named)
@pytest.mark.parametrize("job", [JOB, Job("slurm", "1"), Job("local", "Labcdef01")], ids=["script", "adopted", "local"])
def test_an_empty_machine_gives_absent_or_ok_and_never_failed(probe: Probe[Any], job: Job) -> None:
    for phase in sorted(probe.phases):
        evidence = observe(probe, EmptyWorld(), job, phase, Redactor())
        assert evidence.status in {Status.OK, Status.ABSENT}, evidence.reason
        assert bool(evidence.reason) == (evidence.status is Status.ABSENT)


@pytest.mark.parametrize("probe", [p for p in PROBES if p.guest], ids=named)
def test_a_guest_is_asked_at_start(probe: Probe[Any]) -> None:
    assert Phase.START in probe.phases


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_a_data_type_is_frozen_and_documented_down_to_the_last_part(kind: type) -> None:
    for part in parts(kind):
        assert part.__dataclass_params__.frozen, part  # type: ignore[attr-defined]
        assert part.__doc__ and not part.__doc__.startswith(f"{part.__name__}("), part


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
@settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_data_type_survives_json(kind: type, data: st.DataObject) -> None:
    value = data.draw(st.from_type(kind))
    assert codec.loads(codec.dumps(value), kind) == value


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.__name__)
def test_strict_reading_refuses_another_shape(kind: type) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(["not", "an", "object"], kind, strict=True)


@pytest.mark.parametrize("kind", [p.kind for p in PROBES], ids=lambda k: k.__name__)
def test_no_evidence_is_collected_that_nothing_reads(kind: type) -> None:
    reports = Path(__file__).parents[1] / "reports"
    readers = [path.name for path in reports.rglob("*.py") if re.search(rf"\b{kind.__name__}\b", path.read_text())]
    assert readers


def test_importing_every_probe_loads_nothing_but_the_standard_library(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import auditor.registry as r, pkgutil, importlib, probes\n"
        "[importlib.import_module(m.name) for m in pkgutil.walk_packages(probes.__path__, 'probes.')]\n"
        "own = {'auditor', 'probes', '__main__'}\n"
        "print(sorted({n.split('.')[0] for n in sys.modules} - own - set(sys.stdlib_module_names)))\n"
    )
    root = str(Path(__file__).parents[1])
    ran = RealWorld().run(sys.executable, "-I", "-S", "-c", code, root, cwd=str(tmp_path), timeout=60)
    assert (ran.out.strip(), ran.code) == ("[]", 0), ran.err


def parts(kind: type, seen: set[type] | None = None) -> set[type]:
    """The dataclass and every dataclass in its fields."""
    seen = set() if seen is None else seen
    if dataclasses.is_dataclass(kind) and kind not in seen:
        seen.add(kind)
        for hint in __import__("typing").get_type_hints(kind).values():
            for inner in flat(hint):
                parts(inner, seen)
    return seen


def flat(hint: Any) -> list[Any]:
    arguments = [a for argument in getattr(hint, "__args__", ()) for a in flat(argument)]
    return arguments or [hint]
