"""Are the operating system's packages told as dpkg and rpm tell them? This machine's own dpkg, and a real rpm database made here."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from auditor.model import Absent, Found, Job
from auditor.world import Ran, RealWorld
from probes.software import Component
from probes.software.node import PROBE as NODE
from probes.software.node import NodeSystem
from probes.software.osfiles import database, libc, release
from probes.software.system_packages import PROBE, SystemPackages, parse_dpkg, parse_rpm
from tests.fakes import EmptyWorld, recorded
from tests.needs import need

STATUS = """Package: adduser
Status: install ok installed
Architecture: all
Version: 3.134
Conffiles:
 /etc/adduser.conf cc3493ecd2d09837ffdcc3e25fdfff18
Description: add and remove users and groups
 Status: deinstall ok config-files

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: libc6
Status: hold ok installed
Architecture: amd64
Version: 2.36-9+deb12u8
"""
RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'
FILES = {"/var/lib/dpkg/status": STATUS, "/etc/os-release": RELEASE}


def test_installed_packages_become_components_and_their_list_has_a_digest() -> None:
    seen = PROBE.collect(recorded(FILES), Job("slurm", "1"))

    assert seen == Found(
        SystemPackages(
            "dpkg",
            "debian 12",
            "1970-01-01T00:00:00+00:00",
            hashlib.sha256(b"adduser 3.134 all\nlibc6 2.36-9+deb12u8 amd64\n").hexdigest(),
            hashlib.sha256(STATUS.encode()).hexdigest(),
            2,
            (Component("deb", "adduser", "3.134", detail="all"), Component("deb", "libc6", "2.36-9+deb12u8", detail="amd64")),
        ),
        "/var/lib/dpkg/status",
    )


def test_the_node_tells_the_same_database_without_its_list() -> None:
    seen = NODE.collect(recorded(FILES), Job("slurm", "1"))
    assert seen == NodeSystem("debian 12", "dpkg", hashlib.sha256(STATUS.encode()).hexdigest(), ())


def test_this_machine_s_packages_are_those_that_dpkg_lists() -> None:
    need(*([] if shutil.which("dpkg-query") else ["dpkg"]))
    rows = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Status}|${Package} ${Version}\n"], capture_output=True, text=True
    )
    expected = sorted({row.partition("|")[2] for row in rows.stdout.splitlines() if row.startswith("installed|")})
    seen = PROBE.collect(RealWorld(), Job("slurm", "1"))

    assert isinstance(seen, Found)
    assert sorted({f"{c.name} {c.version}" for c in seen.value.components}) == expected


def test_the_c_library_is_the_one_that_runs_us() -> None:
    need(*([] if "CS_GNU_LIBC_VERSION" in os.confstr_names else ["glibc"]))
    told = libc(RealWorld())

    assert told is not None
    assert f"{told.name} {told.version}" == os.confstr("CS_GNU_LIBC_VERSION")


@pytest.fixture
def rpm_home(tmp_path: Path) -> Path:
    """A home in which `rpm` finds a database with one package, built and installed here."""
    need(*(name for name in ("rpm", "rpmbuild") if not shutil.which(name)))
    root = tmp_path / "home"
    root.mkdir()
    (root / ".rpmmacros").write_text(f"%_dbpath {tmp_path}/db\n%_topdir {tmp_path}/build\n")
    spec = tmp_path / "a.spec"
    spec.write_text(
        "Name: libexample\nVersion: 1.2\nRelease: 3.el9\nEpoch: 2\nBuildArch: noarch\nSummary: x\nLicense: MIT\n"
        "%description\nx\n%files\n"
    )
    env = {"PATH": os.environ["PATH"], "HOME": str(root)}
    for command in (
        ["rpm", "--initdb"],
        ["rpmbuild", "-bb", str(spec)],
        ["rpm", "-i", "--justdb", "--nodeps", f"{tmp_path}/build/RPMS/noarch/libexample-1.2-3.el9.noarch.rpm"],
    ):
        subprocess.run(command, env=env, check=True, capture_output=True)
    return root


def test_a_real_rpm_database_is_listed_with_epochs(rpm_home: Path) -> None:
    class Redhat(RealWorld):
        """This machine, without the file by which it is known as Debian."""

        def exists(self, path: str) -> bool:
            return str(path).endswith("rpmdb.sqlite")

        def stat(self, path: str, follow: bool = True):  # type: ignore[no-untyped-def]
            return super().stat(str(rpm_home.parent / "db" / "rpmdb.sqlite"))

    seen = PROBE.collect(Redhat({"PATH": os.environ["PATH"], "HOME": str(rpm_home)}), Job("slurm", "1"))

    assert isinstance(seen, Found)
    assert (seen.value.manager, seen.value.packages, seen.value.database_sha256) == ("rpm", 1, "")
    assert seen.value.components == (Component("rpm", "libexample", "2:1.2-3.el9", detail="noarch"),)
    assert re.fullmatch(r"20\d\d-.*\+00:00", seen.value.changed)


def test_an_epoch_of_zero_and_keys_are_left_out() -> None:
    rows = "bash\t0\t5.1.8-9.el9\tx86_64\ngpg-pubkey\t0\t8483c65d-5ccc5b19\t(none)\nshort\n\n"
    assert list(parse_rpm(rows)) == [Component("rpm", "bash", "5.1.8-9.el9", detail="x86_64")]


def test_an_rpm_that_fails_is_no_empty_list() -> None:
    world = recorded({"/var/lib/rpm/rpmdb.sqlite": "x"}, missing=("/var/lib/dpkg/status",))
    asked = ("rpm", "-qa", "--queryformat", "%{NAME}\\t%{EPOCHNUM}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\n")
    broken = type(world)(**{**vars(world), "commands": {asked: Ran(1, "", "error: rpmdb damaged\n")}})
    with pytest.raises(OSError, match="rpmdb damaged"):
        PROBE.collect(broken, Job("slurm", "1"))


def test_hostile_status_files_are_read_without_harm() -> None:
    assert [list(parse_dpkg(t)) for t in ("", "\n\n\n", "Status: x installed", "Package: a\nStatus: b installed\nVersion:")] == [
        [], [], [], [Component("deb", "a", "", detail="")],
    ]  # fmt: skip


def test_a_machine_without_any_of_it_is_absent() -> None:
    assert PROBE.collect(EmptyWorld(), Job("slurm", "1")) == Absent("neither dpkg nor rpm keeps a database here")
    assert (database(EmptyWorld()), release(EmptyWorld()), libc(EmptyWorld())) == (("", ""), "", None)
