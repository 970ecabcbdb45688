"""Are the packages of the Python that the job runs told, and edits to them found?"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import sys
import zipapp
from pathlib import Path

import pytest

from auditor.capture import observe
from auditor.model import Absent, Found, Grade, Job, Phase
from auditor.redact import Redactor
from auditor.world import RealWorld
from probes.packages import PROBE, PythonPackages
from probes.python.distributions import origin
from probes.python.record import parse as parse_record

MINOR = f"{sys.version_info[0]}.{sys.version_info[1]}"


def venv(root: Path, name: str = "venv") -> Path:
    """What `python -m venv --without-pip` writes, without its second of work."""
    prefix = root / name
    (prefix / "bin").mkdir(parents=True)
    (prefix / "bin/python").symlink_to(sys.executable)
    (prefix / "pyvenv.cfg").write_text(f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {MINOR}.4\n")
    site(prefix).mkdir(parents=True)
    return prefix


def site(prefix: Path) -> Path:
    return prefix / f"lib/python{MINOR}/site-packages"


def install(prefix: Path, name: str, version: str, files: dict[str, str], direct_url: object = None) -> None:
    """An installed wheel by hand: files, METADATA, INSTALLER, RECORD."""
    info = site(prefix) / f"{name}-{version}.dist-info"
    info.mkdir()
    rows = []
    for path, text in files.items():
        (site(prefix) / path).parent.mkdir(exist_ok=True)
        (site(prefix) / path).write_text(text)
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        rows.append(f"{path},sha256={digest},{len(text)}")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nVersion: no\n")
    (info / "INSTALLER").write_text("pip\n")
    if direct_url:
        (info / "direct_url.json").write_text(json.dumps(direct_url))
    (info / "RECORD").write_text("\n".join((*rows, f"{info.name}/RECORD,,")) + "\n")


def collect(folder: Path, script: str, **env: str) -> Found[PythonPackages] | Absent:
    world = RealWorld(env={"PATH": "/usr/bin:/bin", **env}, cwd=str(folder))
    return PROBE.collect(world, Job("slurm", "1", workdir=str(folder), script=f"#!/bin/bash\n{script}\n"))  # type: ignore[return-value]


def seen(folder: Path, script: str, **env: str) -> PythonPackages:
    answer = collect(folder, script, **env)
    assert isinstance(answer, Found), answer
    return answer.value


@pytest.mark.parametrize(
    ("script", "env", "by"),
    [
        ("source venv/bin/activate\npython x.py", {}, "script line 2"),
        (". ./venv/bin/activate && srun python x.py", {}, "script line 2"),
        ("\nvenv/bin/python x.py", {}, "script line 3"),
        ("conda activate envs/../venv\npython x.py", {}, "script line 2"),
        ("export PATH=$PWD/venv/bin:$PATH\npython x.py", {}, "PATH"),
        ("python x.py", {"PATH": "{}/venv/bin", "VIRTUAL_ENV": "{}/venv"}, "VIRTUAL_ENV"),
        ("./simulate", {"VIRTUAL_ENV": "{}/venv"}, "VIRTUAL_ENV"),
        ("torchrun --nproc_per_node 2 x.py", {"PATH": "{}/venv/bin"}, "PATH"),
        ("module load Python/3.11\npython x.py", {"PATH": "{}/venv/bin"}, "PATH, before `module load Python/3.11`"),
    ],
)
def test_the_jobs_own_environment_is_chosen_and_we_say_how(tmp_path: Path, script: str, env: dict[str, str], by: str) -> None:
    prefix = venv(tmp_path)
    install(prefix, "Some_Thing", "1.2", {"some/__init__.py": "a = 1\n"})
    packages = seen(tmp_path, script, **{k: v.format(tmp_path) for k, v in env.items()})
    assert (packages.prefix, packages.chosen_by, packages.version) == (str(prefix), by, f"{MINOR}.4")
    assert [(p.name, p.version, p.source, p.installer, p.modified) for p in packages.packages] == [
        ("Some_Thing", "1.2", "index", "pip", ())
    ]


def test_a_console_script_leads_to_its_environment(tmp_path: Path) -> None:
    (venv(tmp_path) / "bin/my-train").write_text("")
    packages = seen(tmp_path, "srun my-train --lr 1", PATH=f"{tmp_path}/venv/bin:/usr/bin")
    assert (packages.prefix, packages.chosen_by) == (f"{tmp_path}/venv", "PATH, for `my-train`")


def test_a_real_virtual_environment_is_read_without_running_it(tmp_path: Path) -> None:
    made = RealWorld().run(sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv"), timeout=60)
    install(tmp_path / "venv", "lib", "1.0", {"lib.py": "1"})
    packages = seen(tmp_path, ". venv/bin/activate\npython x.py")
    version = ".".join(map(str, sys.version_info[:3]))
    assert (made.code, packages.version, [p.name for p in packages.packages], packages.leaks) == (0, version, ["lib"], ())


def test_an_edit_in_site_packages_is_found_and_a_missing_file_too(tmp_path: Path) -> None:
    prefix = venv(tmp_path)
    install(prefix, "lib", "1.0", {"lib/a.py": "a = 1\n", "lib/b.py": "b = 1\n", "lib/c.py": "c\n", "lib/d.py": "d\n"})
    before = seen(tmp_path, "venv/bin/python x.py")
    (site(prefix) / "lib/a.py").write_text("a = 2\n")
    (site(prefix) / "lib/b.py").write_text("longer\n")
    (site(prefix) / "lib/c.py").unlink()
    after = seen(tmp_path, "venv/bin/python x.py")
    assert (before.packages[0].modified, after.packages[0].modified) == ((), ("lib/a.py", "lib/b.py", "lib/c.py"))
    assert before.env_sha256 == after.env_sha256


def test_recomputed_hashes_are_verified_and_a_modules_python_is_only_declared(tmp_path: Path) -> None:
    install(venv(tmp_path), "lib", "1.0", {"lib.py": "1"})
    path = f"{tmp_path}/venv/bin"
    grades = [collect(tmp_path, script, PATH=path) for script in ("python x.py", "module load pytorch\npython x.py")]
    assert [g.grade for g in grades if isinstance(g, Found)] == [Grade.VERIFIED, Grade.DECLARED]


def test_the_same_packages_elsewhere_have_the_same_digest(tmp_path: Path) -> None:
    for name in ("one", "two"):
        install(venv(tmp_path, name), "lib", "1.0", {"lib.py": "1"})
    assert seen(tmp_path, "one/bin/python x").env_sha256 == seen(tmp_path, "two/bin/python x").env_sha256


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, ("index", "")),
        ({"url": "https://u:p@h/r.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}}, ("vcs", "git+https://h/r.git@abc")),
        ({"url": "file:///src", "dir_info": {"editable": True}}, ("editable", "file:///src")),
        ({"url": "file:///src", "dir_info": {}}, ("directory", "file:///src")),
        ({"url": "https://h/x.whl", "archive_info": {"hash": "sha256=00"}}, ("wheel", "https://h/x.whl#sha256=00")),
    ],
)
def test_where_a_package_came_from(told: object, expected: tuple[str, str]) -> None:
    assert origin(json.dumps(told) if told else "", "pip") == expected


def test_what_reaches_in_from_outside_is_a_leak(tmp_path: Path) -> None:
    prefix = venv(tmp_path)
    (site(prefix) / "easy.pth").write_text("/elsewhere/src\nimport os\n")
    (tmp_path / "extra").mkdir()
    assert seen(tmp_path, "venv/bin/python x.py", PYTHONPATH=f"{tmp_path}/extra:rel").leaks == (
        f"PYTHONPATH {tmp_path}/extra", "easy.pth /elsewhere/src",
    )  # fmt: skip


def test_a_conda_prefix_is_read_from_conda_meta_without_running_it(tmp_path: Path) -> None:
    meta = tmp_path / "miniforge3/envs/sci/conda-meta"
    meta.mkdir(parents=True)
    (meta.parent / "bin").mkdir()
    (meta.parent / "bin/python").write_text("#!/bin/false\n")
    url = "https://conda.example/linux-64/python-3.12.1-h1_0.conda"
    (meta / "python-3.12.1-h1_0.json").write_text(json.dumps({"name": "python", "version": "3.12.1", "url": url, "sha256": "ab"}))
    (meta / "broken.json").write_text("{")
    packages = seen(tmp_path, "source ~/miniforge3/bin/activate sci\npython x.py", HOME=str(tmp_path))
    assert (packages.version, packages.prefix) == ("3.12.1", str(meta.parent))
    assert [(p.name, p.source, p.reference) for p in packages.packages] == [("python", "conda", f"{url}#sha256=ab")]


@pytest.mark.parametrize(("command", "by"), [("python3 tool.pyz", "PATH"), ("./tool.pyz", "#! of tool.pyz")])
def test_a_zipapp_brings_packages_and_names_its_own_python(tmp_path: Path, command: str, by: str) -> None:
    info = tmp_path / "app/site-packages/lib-1.0.dist-info"
    info.mkdir(parents=True)
    (tmp_path / "app/__main__.py").write_text("print(1)\n")
    (info / "METADATA").write_text("Name: lib\nVersion: 1.0\n")
    zipapp.create_archive(tmp_path / "app", tmp_path / "tool.pyz", interpreter="/usr/bin/env python3")
    packages = seen(tmp_path, command, PATH=os.path.dirname(os.path.realpath(sys.executable)))
    inside = [(p.name, p.location) for p in packages.packages if p.source == "zipapp"]
    assert (inside, packages.chosen_by) == ([("lib", f"{tmp_path}/tool.pyz")], by)


def test_an_interpreter_without_environment_is_asked_isolated(tmp_path: Path) -> None:
    packages = seen(tmp_path, "python3 x.py", PATH=os.path.dirname(os.path.realpath(sys.executable)))
    assert (packages.version, packages.implementation) == (".".join(map(str, sys.version_info[:3])), "cpython")


def test_a_program_of_the_audited_tree_is_never_run(tmp_path: Path) -> None:
    (tmp_path / "python").write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    (tmp_path / "python").chmod(0o755)
    job = Job("slurm", "1", workdir=str(tmp_path), script="./python x.py\n")
    evidence = observe(PROBE, RealWorld(cwd=str(tmp_path)), job, Phase.SUBMIT, Redactor())
    assert "is not run to be asked" in evidence.reason
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("gmx mdrun", "nothing in the script or its environment speaks of Python"),
        ("apptainer exec x.sif python3 y.py", "Python runs inside the container image x.sif"),
        ("/no/python y.py", "/no/python (script line 2) is not there"),
    ],
)
def test_when_there_is_no_environment_we_say_why(tmp_path: Path, script: str, reason: str) -> None:
    assert collect(tmp_path, script) == Absent(reason)


def test_record_rows_without_hash_and_our_own_notes_are_left_out() -> None:
    empty, digest = hashlib.sha256(b"").hexdigest(), "sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    text = f'a.py,{digest},0\n"b,c.py",{digest},7\na.pyc,{digest},1\nx.dist-info/INSTALLER,{digest},1\n../../../bin/x,{digest},1\nshort\n'
    assert list(parse_record(text)) == [("a.py", empty, 0), ("b,c.py", empty, 7)]


def test_a_record_that_a_distributor_wrote_in_hex_is_read_too() -> None:
    assert list(parse_record(f"blinker/base.py,sha256={'d9' * 32},16458\n")) == [("blinker/base.py", "d9" * 32, 16458)]
