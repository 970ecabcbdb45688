"""What does a bundle carry, what only by reference, what not at all, and is it the same when made twice?"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import packaging.pylock
import pytest

from auditor import codec
from auditor.model import AuditError, Evidence, Phase
from auditor.world import RealWorld
from reports.archive.bundle import build
from reports.archive.recipe import Recipe
from tests import archived, factory
from tests.factory import at, seen, sha
from tests.wheels import wheel

ROOT = Path(__file__).parents[2]
TOKEN = "hf_abcdefghijklmnopqrstuvwx"


def text(path: Path, name: str) -> str:
    return zipfile.ZipFile(path).read(f"data/{name}").decode()


def recipe(path: Path) -> Recipe:
    return codec.loads(text(path, "replay.json").encode(), Recipe)


def names(path: Path) -> set[str]:
    return set(zipfile.ZipFile(path).namelist())


def test_a_bundle_holds_evidence_audit_code_small_data_and_how_to_run_it_again(tmp_path: Path) -> None:
    info = archived.bundle(tmp_path)
    assert names(Path(info.path)) >= {
        "data/ro-crate-metadata.json",
        "data/ro-crate-preview.html",
        "data/evidence/evidence.json",
        "data/evidence/redactions.json",
        "data/job.json",
        "data/scorecard.json",
        "data/report.html",
        "data/manifests/inputs.sha256",
        "data/manifests/outputs.sha256",
        "data/code/job.sh",
        "data/code/fit.py",
        "data/inputs/in.csv",
        "data/expected/out.csv",
        "data/replay.json",
        "data/REPLAY.md",
        "data/verify.py",
    }
    assert (info.carried, info.referenced, info.redactions) == (("metrics.json", "out.csv", "in.csv", "slurm-123.out"), (), 0)


def test_the_same_evidence_gives_the_same_bytes(tmp_path: Path) -> None:
    job, evidence = archived.run(tmp_path / "work")
    card = archived.card(job, evidence)
    one = build(job, evidence, card, tmp_path / "one.zip", objects=archived.nothing)
    two = build(job, evidence[::-1], card, tmp_path / "two.zip", objects=archived.nothing)
    assert Path(one.path).read_bytes() == Path(two.path).read_bytes()


BUILD = """
import sys
from pathlib import Path
from tests import archived
job, evidence = archived.run(Path(sys.argv[1]) / "work")
archived.build(job, evidence, archived.card(job, evidence), Path(sys.argv[2]), objects=archived.nothing)
"""


def test_processes_of_other_hash_seeds_time_zones_and_languages_write_the_same_bytes(tmp_path: Path) -> None:
    archived.run(tmp_path / "work")
    made = []
    for seed, zone, language in (("1", "Asia/Tokyo", "C"), ("2", "America/New_York", "C.UTF-8")):
        path = tmp_path / f"{seed}.zip"
        env = {**os.environ, "PYTHONHASHSEED": seed, "TZ": zone, "LC_ALL": language}
        subprocess.run([sys.executable, "-c", BUILD, str(tmp_path), str(path)], env=env, cwd=ROOT, check=True, timeout=60)
        made.append(path.read_bytes())
    assert made[0] == made[1]


def test_the_instructions_can_be_pasted_whatever_the_job_was_called_with(tmp_path: Path) -> None:
    job, evidence = archived.run(tmp_path / "work")
    typed = factory.submission(archived.SCRIPT, "job.sh", "x|y z", script_path=f"{job.workdir}/job.sh", cwd=job.workdir)
    evidence = (seen(typed), *evidence[1:])
    build(job, evidence, archived.card(job, evidence), tmp_path / "x.zip", objects=archived.nothing)
    lines = text(tmp_path / "x.zip", "REPLAY.md").splitlines()
    assert "4. Run `/bin/bash job.sh 'x|y z'` in that folder." in lines
    assert next(line for line in lines if line.startswith("   - `export ")) == "   - `export PYTHONHASHSEED=0`"


def test_a_build_date_may_be_set_from_outside(tmp_path: Path) -> None:
    archived.bundle(tmp_path, world=RealWorld({"SOURCE_DATE_EPOCH": "1700000000"}))
    assert b"Bagging-Date: 2023-11-14\n" in zipfile.ZipFile(tmp_path / "fit.crate.zip").read("bag-info.txt")


def test_without_payload_data_goes_by_checksum_and_code_is_still_there(tmp_path: Path) -> None:
    info = archived.bundle(tmp_path, payload="none")
    assert (info.carried, info.referenced) == ((), ("metrics.json", "out.csv", "in.csv", "slurm-123.out"))
    files = {f.place: (f.carried, f.sha256, f.reason) for f in recipe(tmp_path / "fit.crate.zip").files}
    assert files["out.csv"] == ("", sha(archived.OUTPUT), "by reference, as asked")
    assert files["fit.py"] == ("code/fit.py", sha(archived.PROGRAM), "")


def test_a_file_over_the_limit_is_carried_only_when_asked_for(tmp_path: Path) -> None:
    big = "x" * 70_000
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "big.txt").write_text(big)
    more = seen(
        factory.manifest(factory.file("big.txt", content=big), root=str(tmp_path / "work")), phase=Phase.START, taken_at=at(2)
    )
    assert archived.bundle(tmp_path, more).referenced == ("big.txt",)
    assert "big.txt" in archived.bundle(tmp_path, more, payload="all").carried
    assert "big.txt" in archived.bundle(tmp_path, more, payload="all", limit=60_000).referenced


def test_a_file_that_changed_after_the_run_goes_by_reference(tmp_path: Path) -> None:
    job, evidence = archived.run(tmp_path / "work")
    (tmp_path / "work" / "out.csv").write_text("somebody was here")
    build(job, evidence, archived.card(job, evidence), tmp_path / "x.zip", objects=archived.nothing)
    assert [f.reason for f in recipe(tmp_path / "x.zip").files if f.place == "out.csv"] == ["it has changed since the run"]


def test_code_that_changed_after_the_run_comes_from_the_kept_objects(tmp_path: Path) -> None:
    job, evidence = archived.run(tmp_path / "work")
    (tmp_path / "work" / "fit.py").write_text("edited")
    kept = {sha(archived.PROGRAM): archived.PROGRAM.encode()}
    build(job, evidence, archived.card(job, evidence), tmp_path / "x.zip", objects=kept.get)
    assert text(tmp_path / "x.zip", "code/fit.py") == archived.PROGRAM


def test_a_secret_in_code_is_taken_out_and_the_copy_is_marked(tmp_path: Path) -> None:
    files = {**archived.FILES, "fit.py": archived.PROGRAM + f"# export HF_TOKEN={TOKEN}\n"}
    job, evidence = archived.run(tmp_path / "work", files)
    info = build(job, evidence, archived.card(job, evidence), tmp_path / "x.zip", objects=archived.nothing)
    assert info.redactions == 1
    assert [(f.place, f.redacted) for f in recipe(tmp_path / "x.zip").files if f.redacted] == [("fit.py", True)]
    assert json.loads(text(tmp_path / "x.zip", "evidence/redactions.json")) == [
        {"action": "replaced", "count": 1, "file": "code/fit.py", "rule": "secret"}
    ]


def test_data_with_a_secret_is_not_carried_at_all(tmp_path: Path) -> None:
    files = {**archived.FILES, "metrics.json": '{"api_key": "' + TOKEN + '"}'}
    job, evidence = archived.run(tmp_path / "work", files)
    info = build(job, evidence, archived.card(job, evidence), tmp_path / "x.zip", objects=archived.nothing)
    assert info.referenced == ("metrics.json",)


def test_a_canary_reaches_no_byte_of_the_bundle(tmp_path: Path) -> None:
    """The value of a secret variable, and a token by its shape: in the script, a program, an output, the log, the command line."""
    canary = "correct-horse-battery"
    files = {name: body + f"\n# {canary} {TOKEN}\n" for name, body in archived.FILES.items()}
    job, evidence = archived.run(tmp_path / "work", files, files["job.sh"])
    job = dataclasses.replace(job, argv=("job.sh", canary, TOKEN))
    diff = seen(factory.git_state(diff=f"+{canary} {TOKEN}"))
    everything: tuple[Evidence, ...] = (*evidence, diff)
    world = RealWorld({"MY_PASSWORD": canary})
    build(
        job, everything, archived.card(job, everything), tmp_path / "x.zip", objects=archived.nothing, payload="all", world=world
    )
    archive = zipfile.ZipFile(tmp_path / "x.zip")
    found = [n for n in archive.namelist() if canary.encode() in archive.read(n) or TOKEN.encode() in archive.read(n)]
    assert found == []


def test_the_lock_pins_what_was_installed_and_nothing_else(tmp_path: Path) -> None:
    installed = factory.packages("numpy==2.4.6", "Jinja2==3.1.6", "pip==26.3")
    local = dataclasses.replace(installed.packages[0], name="mine", version="0.1", source="editable", reference="/home/ada/mine")
    evil = dataclasses.replace(installed.packages[0], name="x\n--index-url https://evil.example", version="1")
    archived.bundle(
        tmp_path, seen(dataclasses.replace(installed, packages=(*installed.packages, local, evil)), phase=Phase.START)
    )
    lines = text(tmp_path / "fit.crate.zip", "environment/requirements.txt").splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["Jinja2==3.1.6", "numpy==2.4.6"]
    assert "# mine==0.1  # an editable install, on no index" in lines


def test_a_commit_is_a_pin_too(tmp_path: Path) -> None:
    installed = factory.packages("fit==1.0")
    reference = "https://example.org/ada/fit.git@" + "a" * 40
    vcs = dataclasses.replace(installed.packages[0], source="vcs", reference=reference)
    archived.bundle(tmp_path, seen(dataclasses.replace(installed, packages=(vcs,)), phase=Phase.START))
    assert text(tmp_path / "fit.crate.zip", "environment/requirements.txt").splitlines()[1] == f"fit @ git+{reference}"


def test_with_wheels_there_is_a_lock_by_hash_that_packaging_accepts(tmp_path: Path) -> None:
    house = tmp_path / "wheels"
    tiny = wheel(house, "tiny", "1.0", {"tiny.py": "answer = 42\n"})
    wheel(house, "other", "2.0", {"other.py": ""})
    installed = factory.packages("tiny==1.0")
    unread = dataclasses.replace(installed.packages[0], record_sha256="")
    packages = seen(dataclasses.replace(installed, packages=(unread,)), phase=Phase.START)
    info = archived.bundle(tmp_path, packages, wheels=str(house))
    lock = packaging.pylock.Pylock.from_dict(tomllib.loads(text(Path(info.path), "environment/pylock.toml")))
    assert [(p.name, str(p.version), w.path, w.hashes["sha256"]) for p in lock.packages for w in p.wheels or ()] == [
        ("tiny", "1.0", "wheels/tiny-1.0-py3-none-any.whl", hashlib.sha256(tiny.read_bytes()).hexdigest())
    ]
    assert "data/environment/wheels/other-2.0-py3-none-any.whl" not in names(Path(info.path))


def test_without_hashes_no_lock_by_hash_is_invented(tmp_path: Path) -> None:
    archived.bundle(tmp_path, seen(factory.packages("tiny==1.0"), phase=Phase.START))
    assert "data/environment/pylock.toml" not in names(tmp_path / "fit.crate.zip")


def test_the_verifier_inside_runs_alone(tmp_path: Path) -> None:
    archived.bundle(tmp_path)
    zipfile.ZipFile(tmp_path / "fit.crate.zip").extractall(tmp_path / "bag")
    told = subprocess.run(
        [sys.executable, "-I", "-S", tmp_path / "bag/data/verify.py"], capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout.split(":")[0], told.stderr) == (0, "whole", "")


def test_checksum_lists_are_read_by_sha256sum(tmp_path: Path) -> None:
    archived.bundle(tmp_path)
    (tmp_path / "outputs.sha256").write_text(text(tmp_path / "fit.crate.zip", "manifests/outputs.sha256"))
    told = subprocess.run(
        ["sha256sum", "-c", "../outputs.sha256"], cwd=tmp_path / "work", capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout) == (0, "metrics.json: OK\nout.csv: OK\nslurm-123.out: OK\n")


def test_hostile_names_become_plain_ones_and_the_real_name_stays_in_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    hostile = ["a b\n.csv", "CON", "x" * 200, "é.csv", "<script>.csv"]
    for name in hostile:
        (tmp_path / "work" / name).write_text(name)
    manifest = factory.manifest(*(factory.file(n, content=n, size=len(n.encode())) for n in hostile), root=str(tmp_path / "work"))
    archived.bundle(tmp_path, seen(manifest, phase=Phase.START, taken_at=at(2)))
    files = {f.place: f.carried for f in recipe(tmp_path / "fit.crate.zip").files}
    assert set(hostile) <= set(files)
    assert all(c.isascii() and " " not in c and "<" not in c and len(c) < 120 for c in files.values())


def test_two_names_that_some_systems_confuse_stay_two_files(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    for name in ("A.csv", "a.csv"):
        (tmp_path / "work" / name).write_text(name)
    manifest = factory.manifest(*(factory.file(n, content=n) for n in ("A.csv", "a.csv")), root=str(tmp_path / "work"))
    archived.bundle(tmp_path, seen(manifest, phase=Phase.START, taken_at=at(2)))
    carried = {f.place: f.carried for f in recipe(tmp_path / "fit.crate.zip").files if f.place.lower() == "a.csv"}
    assert carried == {"A.csv": "inputs/A.csv", "a.csv": "inputs/a~2.csv"}


def test_an_array_task_knows_its_number(tmp_path: Path) -> None:
    task = archived.accounting(tmp_path / "work", array_task_id="4", array_job_id="123")
    archived.bundle(tmp_path, seen(task, phase=Phase.LATER, taken_at=at(13)))
    made = recipe(tmp_path / "fit.crate.zip")
    assert (made.array_task, made.environment["SLURM_ARRAY_TASK_ID"]) == ("4", "4")


@pytest.mark.parametrize(
    ("options", "message"), [({"payload": "everything"}, "none of auto, none, all"), ({"wheels": "/nowhere"}, "holds no wheel")]
)
def test_a_wrong_wish_is_one_line_with_a_hint(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(AuditError, match=message) as caught:
        archived.bundle(tmp_path, **options)
    assert caught.value.hint


def test_a_run_of_which_little_is_known_is_still_bundled_and_says_what_is_missing(tmp_path: Path) -> None:
    job = factory.job(script="", script_path="", workdir="")
    build(job, (), archived.card(job, ()), tmp_path / "x.zip", objects=archived.nothing)
    assert recipe(tmp_path / "x.zip").gaps == (
        "the submission was not seen: the script may be missing",
        "which files the script calls was not seen",
        "which Python packages the job had was not seen",
        "no output is known by content: a replay has nothing to compare",
    )
