"""Is the code of a plain folder listed and hashed?"""

from __future__ import annotations

import hashlib
from pathlib import Path

from auditor.model import Absent, Job
from auditor.world import RealWorld
from probes.folder import PROBE, FolderState, SourceFile


def look(folder: Path) -> object:
    return PROBE.collect(RealWorld(cwd=str(folder)), Job("slurm", "1", workdir=str(folder)))


def test_source_files_are_told_by_suffix_name_or_first_line(tmp_path: Path) -> None:
    for name, text in {
        "b.py": "1",
        "sub/a.sh": "2",
        "run": "#!/bin/sh\n",
        "Makefile": "",
        "data.bin": "x",
        "words": "x",
        ".git-not": "x",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    state = look(tmp_path)
    assert isinstance(state, FolderState)
    sha = {
        n: hashlib.sha256(t).hexdigest()
        for n, t in {"Makefile": b"", "b.py": b"1", "run": b"#!/bin/sh\n", "sub/a.sh": b"2"}.items()
    }
    assert state.files == tuple(SourceFile(n, (tmp_path / n).stat().st_size, sha[n]) for n in sorted(sha))
    assert state.tree_sha256 == hashlib.sha256("".join(f"{sha[n]}  {n}\n" for n in sorted(sha)).encode()).hexdigest()


def test_environments_hidden_folders_links_and_big_files_are_left_out(tmp_path: Path) -> None:
    for name in ("venv2/pyvenv.cfg", "venv2/a.py", ".hidden/a.py", "__pycache__/a.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "loop.py").symlink_to(tmp_path)
    with open(tmp_path / "big.json", "wb") as file:
        file.truncate(2 << 20)
    state = look(tmp_path)
    assert isinstance(state, FolderState)
    assert (state.files, state.skipped) == ((), ("big.json: 2097152 bytes",))


def test_a_folder_under_version_control_is_gits_business(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    assert look(tmp_path) == Absent(f"the code is under version control in {tmp_path}")
