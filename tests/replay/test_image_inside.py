"""What does a script see that runs again inside of its image? Its work directory and the recorded settings; nothing of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.model import Evidence, Phase
from auditor.replay import execute, plan
from auditor.replay.images.container import command
from auditor.replay.sandbox import Inside
from auditor.verdict import Sameness
from probes.containers import ContainerIdentities, ContainerReferences, ImageFacts, ImageIdentity, RanImage, RanImages, Reference
from tests import factory
from tests.factory import seen
from tests.replay.test_replay import made

SCRIPT = "#!/bin/bash\n#SBATCH --container-image=./fit.sqsh\npython3 fit.py in.csv out.csv metrics.json $1\n"


def pyxis(line: int) -> tuple[Evidence, Evidence]:
    named = ContainerReferences((Reference("pyxis", "./fit.sqsh", "./fit.sqsh", "file", "", "./fit.sqsh", "", "", line),))
    was = ContainerIdentities((ImageIdentity("./fit.sqsh", "ok", "", sha256=factory.sha("image"), size=5),))
    return seen(named), seen(was, phase=Phase.START)


def test_settings_pass_and_what_belongs_to_the_image_or_this_machine_does_not() -> None:
    inside = Inside(
        [("/replay/work", "/home/ada/a,b:c")],
        [("/data/in", "/in")],
        "/home/ada",
        {"OMP_NUM_THREADS": "4,2", "PATH": "/x", "HOME": "/y"},
    )
    host = {"APPTAINER_DROP_CAPS": "CAP_X", "MY_SECRET": "hunter2", "APPTAINERENV_EVIL": "1", "HOME": "/root"}
    argv = command("/usr/bin/apptainer", "/x.sif", ("sh", "job.sh"), inside, host)
    assert argv == [
        "/usr/bin/env", "-i", "PATH=/bin:/usr/bin", "APPTAINER_DROP_CAPS=CAP_X", "APPTAINERENV_OMP_NUM_THREADS=4,2",
        "/usr/bin/apptainer", "--silent", "exec", "--containall",
        "--bind", "/data/in:/in:ro", "--bind", "/replay/work:/home/ada/a\\,b\\:c",
        "--pwd", "/home/ada", "/x.sif", "sh", "job.sh",
    ]  # fmt: skip


def test_what_sbatch_starts_in_an_image_takes_apptainer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "fit.sqsh").write_text("image")
    bundle = made(tmp_path, None, *pyxis(2), script=SCRIPT)
    monkeypatch.setenv("PATH", "/nowhere")
    ready = plan(bundle, inputs_dir=tmp_path / "images")
    assert ready.sandbox.kind == "none"
    assert (
        "the script ran inside of ./fit.sqsh: that takes Apptainer (neither apptainer nor singularity is on this machine)"
        in ready.stops
    )


def test_what_a_step_of_the_script_starts_in_an_image_is_another_thing(tmp_path: Path) -> None:
    script = "#!/bin/bash\necho\nsrun --container-image=./fit.sqsh true\n"
    assert plan(made(tmp_path, None, *pyxis(3), script=script)).sandbox.kind == "none"


def test_without_a_sandbox_a_script_is_not_run_outside_of_its_image(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "fit.sqsh").write_text("image")
    bundle = made(tmp_path, None, *pyxis(2), script=SCRIPT)
    verdict = execute(plan(bundle, inputs_dir=tmp_path / "images", sandbox=False), tmp_path / "again", yes=True)
    assert verdict.sameness is Sameness.NOT_RUN
    assert verdict.reason == "the script ran inside of ./fit.sqsh: that takes Apptainer (switched off)"


def test_an_image_file_that_the_whole_job_was_started_in_is_asked_for_by_its_content(tmp_path: Path) -> None:
    facts = ImageFacts("/shared/fit.sif", file=f"sha256:{factory.sha('image')}")
    ran = seen(RanImages((RanImage("apptainer", "inside", "/shared/fit.sif", facts, "markers"),)), phase=Phase.START)
    ready = plan(made(tmp_path, None, ran))
    assert [(c.image.reference, c.image.whole, c.image.sha256) for c in ready.images] == [
        ("/shared/fit.sif", True, factory.sha("image"))
    ]
