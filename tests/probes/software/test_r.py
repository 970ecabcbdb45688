"""Are R's installed packages read, and compared with the lock? The lock is the example of renv's documentation; DESCRIPTION as R 4.2 installs it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from auditor.model import Absent, Found, Grade, Job
from auditor.world import RealWorld
from probes.software import Component
from probes.software.r import PROBE, RPackages, parse_description

LOCK = {
    "R": {"Version": "4.2.3", "Repositories": [{"Name": "CRAN", "URL": "https://cloud.r-project.org"}]},
    "Packages": {
        "markdown": {"Package": "markdown", "Version": "1.0", "Source": "Repository", "Repository": "CRAN", "Hash": "4584a57f565dd7987d59dda3a02cfb41"},
        "mime": {"Package": "mime", "Version": "0.7", "Source": "Repository", "Repository": "CRAN", "Hash": "908d95ccbfd1dd274073ef07a7c93934"},
        "skeleton": {
            "Package": "skeleton", "Version": "1.1.0", "Source": "GitHub", "RemoteType": "github", "RemoteUsername": "kevinushey",
            "RemoteRepo": "skeleton", "RemoteSha": "e4aafb92b86ba7eba3b7036d9d96fdfb6c32761a", "Hash": "6e1f9b0d5d5b8d0a2cbb2cde8c7b0e1a",
        },
    },
}  # fmt: skip
MARKDOWN = """Package: markdown
Type: Package
Title: Render Markdown
Version: 1.0
Authors@R: c(person("Yihui", "Xie", role = c("aut", "cre")),
        person("JJ", "Allaire"))
Repository: CRAN
NeedsCompilation: yes
Built: R 4.2.2; x86_64-pc-linux-gnu; 2026-01-06 09:12:45 UTC; unix
"""
BASE = "Package: base\nVersion: 4.2.2\nPriority: base\nBuilt: R 4.2.2; ; 2022-11-10 21:33:36 UTC; unix\n"
GITHUB = """Package: fast
Version: 0.1.0.9000
Built: R 4.2.2; ; 2026-01-06 09:12:45 UTC; unix
RemoteType: github
RemoteHost: api.github.com
RemoteRepo: fast
RemoteUsername: ada
RemoteSha: 0123456789abcdef0123456789abcdef01234567
"""
SCRIPT = "#!/bin/bash\nsrun Rscript fit.R\n"


def install(library: Path, **descriptions: str) -> Path:
    for name, text in descriptions.items():
        (library / name).mkdir(parents=True, exist_ok=True)
        (library / name / "DESCRIPTION").write_text(text)
    return library


def collect(workdir: Path, script: str = SCRIPT, **env: str) -> Any:
    return PROBE.collect(RealWorld(env, str(workdir)), Job("slurm", "1", workdir=str(workdir), script=script))


def test_installed_packages_are_told_and_held_against_the_lock(tmp_path: Path) -> None:
    lock = json.dumps(LOCK)
    (tmp_path / "renv.lock").write_text(lock)
    library = install(tmp_path / "lib", markdown=MARKDOWN, base=BASE, mime=MARKDOWN.replace("markdown", "mime"), fast=GITHUB)

    expected = RPackages(
        "4.2.2", (str(library),), f"{tmp_path}/renv.lock", hashlib.sha256(lock.encode()).hexdigest(), 3,
        ("mime 1.0 0.7", "skeleton missing 1.1.0"),
        (
            Component("cran", "base", "4.2.2", "", "part of R", "built R 4.2.2"),
            Component("cran", "fast", "0.1.0.9000", "", "https://github.com/ada/fast@0123456789abcdef0123456789abcdef01234567", "built R 4.2.2"),
            Component("cran", "markdown", "1.0", "md5:4584a57f565dd7987d59dda3a02cfb41", "CRAN", "built R 4.2.2; x86_64-pc-linux-gnu"),
            Component("cran", "mime", "1.0", "", "CRAN", "built R 4.2.2; x86_64-pc-linux-gnu"),
        ),
    )  # fmt: skip
    assert collect(tmp_path, R_LIBS=f"{library}:{tmp_path}/none") == Found(expected, str(library), Grade.OBSERVED)


def test_without_a_library_the_lock_is_what_is_declared(tmp_path: Path) -> None:
    (tmp_path / "renv.lock").write_text(json.dumps(LOCK))
    seen = collect(tmp_path)

    assert (seen.grade, seen.source, seen.value.version) == (Grade.DECLARED, f"{tmp_path}/renv.lock", "4.2.3")
    assert [(c.name, c.version, c.origin) for c in seen.value.components] == [
        ("markdown", "1.0", "CRAN"),
        ("mime", "0.7", "CRAN"),
        ("skeleton", "1.1.0", "https://github.com/kevinushey/skeleton@e4aafb92b86ba7eba3b7036d9d96fdfb6c32761a"),
    ]


@pytest.mark.parametrize("where", ["renv/library/R-4.2/x86_64-pc-linux-gnu", "renv/library/linux-debian-bookworm/R-4.2/x86_64"])
def test_a_project_library_of_renv_comes_before_the_installation(tmp_path: Path, where: str) -> None:
    (tmp_path / "renv").mkdir()
    (tmp_path / "renv/activate.R").touch()
    install(tmp_path / where, markdown=MARKDOWN.replace("1.0", "2.0"))
    home = install(tmp_path / "R/lib/R/library", markdown=MARKDOWN, base=BASE)
    (tmp_path / "R/bin").mkdir()
    (tmp_path / "R/bin/Rscript").touch()
    seen = collect(tmp_path, PATH=f"{tmp_path}/R/bin")

    assert seen.value.libraries == (f"{tmp_path}/{where}", str(home))
    assert [(c.name, c.version) for c in seen.value.components] == [("base", "4.2.2"), ("markdown", "2.0")]


DEBIAN = """Package: mime
Type: Package
Title: Map Filenames to MIME Types
Version: 0.12
Authors@R: c(
    person("Yihui", "Xie", role = c("aut", "cre"), email = "xie@yihui.name", comment = c(ORCID = "0000-0003-0645-5666")),
    person("Beilei", "Bian", role = "ctb")
    )
Imports: tools
Packaged: 2021-09-28 02:06:04 UTC; yihui
Author: Yihui Xie [aut, cre] (<https://orcid.org/0000-0003-0645-5666>),
  Beilei Bian [ctb]
Repository: CRAN
Built: R 4.2.1; x86_64-pc-linux-gnu; 'Sun, 18 Sep 2022 22:44:35 +0000'; unix
"""
"""From Debian's package r-cran-mime, shortened."""


def test_a_package_as_debian_installs_it_is_read() -> None:
    assert parse_description(DEBIAN) == Component("cran", "mime", "0.12", "", "CRAN", "built R 4.2.1; x86_64-pc-linux-gnu")


def test_the_user_s_own_library_is_where_r_puts_it_by_default(tmp_path: Path) -> None:
    library = install(tmp_path / "home/R/x86_64-pc-linux-gnu-library/4.2", markdown=MARKDOWN)
    seen = collect(tmp_path, HOME=f"{tmp_path}/home")
    assert (seen.value.libraries, [c.name for c in seen.value.components]) == ((str(library),), ["markdown"])


def test_a_source_package_and_broken_text_are_not_installed() -> None:
    texts = ("", "Package: x\nVersion: 1\n", "\x00\xff", "Built: R\n")
    assert [parse_description(t) for t in texts] == [None] * 4


def test_a_job_without_r_is_absent(tmp_path: Path) -> None:
    assert collect(tmp_path, "#!/bin/bash\npython x.py\n") == Absent("the script calls no R, and there is no renv.lock")
    assert collect(tmp_path) == Absent("no R library is where R would look, and there is no renv.lock")
