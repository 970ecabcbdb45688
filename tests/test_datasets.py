"""Is a data set that was registered once never read again, and never believed when it changed? Real trees; only the clock is moved."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from auditor.datasets import Checked, add, check, find, remove
from auditor.model import Absent, AuditError, Job
from auditor.world import RealWorld
from probes.data import DataManifest, Reference
from probes.data.data import collect
from probes.datasets import Dataset, registry
from probes.manifest.build import NO_LIMIT

ARGS = {"version": "3", "doi": "10.5281/zenodo.1", "license": "CC-BY-4.0", "url": "https://example.org/iris"}


class Later(RealWorld):
    """This machine an hour from now: what was just written has been left alone. Counts readings of whole files."""

    def __init__(self, home: Path, cwd: Path) -> None:
        super().__init__({"AUDITOR_HOME": str(home), "HOME": str(home)}, str(cwd))
        self.read_whole: list[str] = []

    def now(self) -> datetime:
        return super().now() + timedelta(hours=1)

    def chunks(self, path: str, size: int = 1 << 18) -> Iterator[memoryview]:
        self.read_whole.append(path)
        return super().chunks(path, size)


@pytest.fixture
def world(tmp_path: Path) -> Later:
    """iris/a.csv, iris/deep/b.csv, iris/deep/link -> ../a.csv; a work directory beside them."""
    (tmp_path / "iris" / "deep").mkdir(parents=True)
    (tmp_path / "iris" / "a.csv").write_text("1,2\n")
    (tmp_path / "iris" / "deep" / "b.csv").write_text("3,4\n")
    (tmp_path / "iris" / "deep" / "link").symlink_to("../a.csv")
    (tmp_path / "work").mkdir()
    (tmp_path / "home").mkdir()
    return Later(tmp_path / "home", tmp_path / "work")


def registered(world: Later, path: str = "../iris", name: str = "iris") -> Dataset:
    return add(world, registry.own(world), Dataset(name, path, "", 0, 0, "", "", **ARGS))


def seen(world: Later, *inputs: str) -> DataManifest:
    found = collect(world, Job("local", "1", workdir=world.cwd, inputs=inputs))
    assert not isinstance(found, Absent)
    return found


def test_a_folder_that_is_a_known_data_set_is_referred_to_and_nothing_is_read(world: Later, tmp_path: Path) -> None:
    known = registered(world)
    found = seen(world, "../iris")
    (one,) = found.datasets
    assert (found.files, found.bytes_hashed, world.read_whole) == ((), 0, [])
    assert one == Reference(
        str(tmp_path / "iris"), "iris", "", known.digest, "unchanged", 3, 12, "3", "10.5281/zenodo.1", "CC-BY-4.0",
        "https://example.org/iris", known.verified, str(tmp_path / "home" / "datasets"),
    )  # fmt: skip


def test_a_folder_of_a_data_set_is_known_by_its_own_digest(world: Later, tmp_path: Path) -> None:
    registered(world)
    ran = subprocess.run(
        [sys.executable, "-m", "auditor", "manifest", str(tmp_path / "iris" / "deep"), "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    (one,) = seen(world, "../iris/deep").datasets
    assert (one.part, one.digest, one.files) == ("deep", json.loads(ran.stdout.splitlines()[-1])["digest"], 2)


def test_a_file_of_a_data_set_has_the_digest_that_the_registry_knows(world: Later, tmp_path: Path) -> None:
    registered(world)
    (tmp_path / "work" / "shortcut").symlink_to(tmp_path / "iris")
    (one,) = seen(world, "shortcut/deep/b.csv").files
    assert (one.path, one.how, one.dataset, one.size) == ("shortcut/deep/b.csv", "known", "iris", 4)
    assert one.sha256 == hashlib.sha256(b"3,4\n").hexdigest()


def test_what_is_new_or_changed_is_named_and_read_and_the_rest_stays_known(world: Later, tmp_path: Path) -> None:
    registered(world)
    before = (tmp_path / "iris" / "a.csv").stat()
    (tmp_path / "iris" / "a.csv").write_text("9,9\n")
    os.utime(tmp_path / "iris" / "a.csv", ns=(before.st_atime_ns, before.st_mtime_ns))  # same size, same mtime
    (tmp_path / "iris" / "deep" / "new").write_text("new")
    found = seen(world, "../iris")
    (one,) = found.datasets
    assert (one.state, one.differences) == ("changed", ("changed a.csv", "changed deep/link", "new deep/new"))
    assert [(Path(f.path).name, f.how) for f in found.files] == [
        ("a.csv", "declared"),
        ("b.csv", "known"),
        ("link", "declared"),
        ("new", "declared"),
    ]


def test_a_missing_file_is_named(world: Later, tmp_path: Path) -> None:
    registered(world)
    (tmp_path / "iris" / "deep" / "b.csv").unlink()
    assert seen(world, "../iris").datasets[0].differences == ("missing deep/b.csv",)


def test_a_data_set_inside_of_a_declared_folder_is_referred_to_and_the_rest_is_read(world: Later, tmp_path: Path) -> None:
    registered(world)
    (tmp_path / "own.csv").write_text("own")
    found = seen(world, str(tmp_path / "own.csv"), "../iris/..")
    assert [d.dataset for d in found.datasets] == ["iris"]
    assert not [f for f in found.files if "/iris/" in f.path]
    assert [f.path for f in found.files if f.path.endswith("own.csv")] == [str(tmp_path / "own.csv")]


def test_a_data_set_of_one_file_is_known(world: Later) -> None:
    registered(world, "../iris/a.csv", "one")
    (one,) = seen(world, "../iris/a.csv").files
    assert (one.how, one.dataset) == ("known", "one")
    assert check(world, "one", whole=False) == Checked("one", "unchanged", False, 0, ())


def test_a_group_registers_in_a_folder_of_its_own_and_only_reads_it(world: Later, tmp_path: Path) -> None:
    shared = tmp_path / "group"
    add(world, str(shared), Dataset("iris", "../iris", "", 0, 0, "", ""))
    (tmp_path / "work" / ".auditor.toml").write_text(f'datasets = ["{shared}"]\n')
    assert seen(world, "../iris").datasets[0].registry == str(shared)
    assert sorted(oct(p.stat().st_mode & 0o777) for p in shared.iterdir()) == ["0o644"] * 3


def test_a_damaged_index_is_no_knowledge(world: Later, tmp_path: Path) -> None:
    known = registered(world)
    index = Path(registry.path(registry.own(world), known, "index"))
    index.write_bytes(b"SQLite format 3\0" + b"x" * 500)
    found = seen(world, "../iris")
    assert (found.datasets[0].state, len(found.files)) == ("unreadable", 3)


def test_an_index_that_would_compute_instead_of_tell_is_no_knowledge(world: Later, tmp_path: Path) -> None:
    known = registered(world)
    where = registry.path(registry.own(world), known, "index")
    os.unlink(where)
    with closing(sqlite3.connect(where)) as db:
        db.executescript(
            f"CREATE TABLE meta AS SELECT 1 AS version, '{known.digest}' AS digest;"
            "CREATE VIEW file AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS name FROM n;"
        )
    assert seen(world, "../iris").datasets[0].state == "unreadable"


def test_a_pipe_in_a_shared_registry_stops_nobody(world: Later, tmp_path: Path) -> None:
    registered(world)
    os.mkfifo(tmp_path / "home" / "datasets" / "x.json")
    assert [d.dataset for d in seen(world, "../iris").datasets] == ["iris"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": 1}', "\0", '{"name": "../x", "root": "/", "digest": "sha256:0"}'])
def test_a_registration_that_does_not_read_as_one_is_left_out(world: Later, tmp_path: Path, text: str) -> None:
    (tmp_path / "home" / "datasets").mkdir()
    (tmp_path / "home" / "datasets" / "x.json").write_text(text)
    assert registry.registered(world, registry.folders(world, world.cwd)) == ()


def test_a_check_hashes_everything_and_finds_what_times_do_not_tell(world: Later, tmp_path: Path) -> None:
    registered(world)
    assert check(world, "iris") == Checked("iris", "unchanged", True, 0, ())
    os.chmod(tmp_path / "iris" / "a.csv", 0o600)  # another ctime, the same content
    assert check(world, "iris", whole=False).state == "changed"
    assert check(world, "iris").state == "unchanged"
    assert check(world, "iris", whole=False).state == "unchanged"
    (tmp_path / "iris" / "a.csv").write_text("9,9\n")
    assert check(world, "iris").differences == ("changed a.csv", "changed deep/link")


def test_a_manifest_that_was_altered_together_with_its_sums_is_not_believed(world: Later, tmp_path: Path) -> None:
    known = registered(world)
    where = registry.path(registry.own(world), known, "manifest")
    (tmp_path / "iris" / "a.csv").write_text("9,9\n")
    with open(where, "wb") as out:
        subprocess.run([sys.executable, "-m", "auditor", "manifest", str(tmp_path / "iris")], stdout=out, stderr=-3, check=True)
    with pytest.raises(AuditError, match="not the one that was registered"):
        check(world, "iris")


def test_a_tree_that_is_written_to_meanwhile_is_not_registered(world: Later, tmp_path: Path) -> None:
    now = RealWorld(dict(world.env), world.cwd)
    os.utime(tmp_path / "iris" / "a.csv")
    (tmp_path / "iris" / "a.csv").write_text("1,2\n")
    with pytest.raises(AuditError, match=r"a\.csv was written while the data set was read"):
        add(now, registry.own(now), Dataset("iris", "../iris", "", 0, 0, "", ""))
    assert registry.registered(now, (registry.own(now),)) == ()


def test_a_file_whose_content_is_not_here_keeps_a_tree_from_being_known(world: Later, tmp_path: Path) -> None:
    (tmp_path / "iris" / "gone").symlink_to(".git/annex/objects/x")
    with pytest.raises(AuditError, match=r"not every file of .* can be known: 1 dangling-link"):
        registered(world)


def test_registering_again_replaces_and_removing_leaves_the_data(world: Later, tmp_path: Path) -> None:
    first = registered(world)
    (tmp_path / "iris" / "a.csv").write_text("9,9\n")
    second = registered(world)
    assert first.digest != second.digest
    assert find(world, "iris")[1] == second
    assert len(os.listdir(registry.own(world))) == 3
    assert remove(world, "iris") == second
    assert os.listdir(registry.own(world)) == []
    assert (tmp_path / "iris" / "a.csv").exists()
    with pytest.raises(AuditError, match="no data set is registered as iris"):
        find(world, "iris")


def test_an_own_registration_wins_over_a_shared_one_of_the_same_name(world: Later, tmp_path: Path) -> None:
    shared = tmp_path / "group"
    shared.mkdir()
    theirs = add(world, str(shared), Dataset("iris", "../iris", "", 0, 0, "", "", version="theirs"))
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "x.csv").write_text("5\n")
    mine = registered(world, "../other")
    folders = (registry.own(world), str(shared))
    assert registry.registered(world, folders) == ((folders[0], mine),)
    assert registry.registered(world, folders[::-1]) == ((folders[1], theirs),)


def test_an_index_of_another_registration_is_no_knowledge(world: Later, tmp_path: Path) -> None:
    first = registered(world)
    index = Path(registry.path(registry.own(world), first, "index"))
    kept = index.read_bytes()
    (tmp_path / "iris" / "a.csv").write_text("9,9\n")
    second = registered(world)
    Path(registry.path(registry.own(world), second, "index")).write_bytes(kept)
    found = collect(world, Job("local", "1", workdir=world.cwd, inputs=("../iris",)))
    assert isinstance(found, DataManifest)
    assert [(d.state, d.differences) for d in found.datasets] == [("unreadable", ("it belongs to another registration",))]
    assert sorted(f.path for f in found.files) == [str(tmp_path / "iris" / p) for p in ("a.csv", "deep/b.csv", "deep/link")]


def test_without_time_a_folder_is_known_as_far_as_it_was_looked_at(world: Later, tmp_path: Path) -> None:
    from probes.datasets.refer import refer
    from probes.datasets.registry import places
    from probes.manifest.build import Limits

    registered(world)
    found = refer(places(world, world.cwd), [str(tmp_path / "iris")], [], Limits(NO_LIMIT, -1))
    assert [r.state for r in found.references] == ["partly"]
    hurried = RealWorld({**world.env, "AUDITOR_HASH_SECONDS": "0"}, world.cwd)
    shown = collect(hurried, Job("local", "1", workdir=world.cwd, inputs=("../iris",), ended_at="2026-11-23T12:11:00+00:00"))
    assert isinstance(shown, DataManifest)
    assert ([d.state for d in shown.datasets], shown.complete) == (["partly"], False)


def test_the_verb_says_what_it_did(world: Later, tmp_path: Path) -> None:
    def auditor(*words: str) -> tuple[int, str, str]:
        env = {**os.environ, **world.env}
        ran = subprocess.run([sys.executable, "-m", "auditor", "dataset", *words], capture_output=True, text=True, env=env)
        return ran.returncode, ran.stdout, ran.stderr

    iris = str(tmp_path / "iris")
    code, out, _ = auditor("add", "iris", iris, "--doi", "https://doi.org/10.5281/zenodo.1", "--json")
    assert (code, json.loads(out)["files"], json.loads(out)["doi"]) == (0, 3, "10.5281/zenodo.1")
    assert auditor("check", "iris", "--quick") == (0, "", "auditor: iris is unchanged (by sizes and times; nothing was read)\n")
    (tmp_path / "iris" / "deep" / "b.csv").write_text("3,5\n")
    assert auditor("check", "iris") == (1, "changed deep/b.csv\n", "auditor: iris is changed (every byte was hashed)\n")
    assert auditor("list")[1].split()[-1] == iris
    assert auditor("show", "iris")[1].startswith("name       iris\n")
    assert auditor("remove", "iris")[0] == 0
    assert auditor("show", "iris")[2].splitlines()[0] == "auditor: no data set is registered as iris"
    assert auditor("add", "../x", iris)[0] == 2
    assert auditor("add", "x", "/no/such")[2].splitlines()[0] == "auditor: there is no /no/such"


def test_the_lineage_of_a_run_shows_the_data_set_that_it_read(world: Later, tmp_path: Path) -> None:
    def auditor(*words: str) -> str:
        env = {**os.environ, **world.env}
        return subprocess.run(
            [sys.executable, "-m", "auditor", *words], capture_output=True, text=True, env=env, cwd=world.cwd
        ).stdout

    auditor(
        "dataset", "add", "iris", str(tmp_path / "iris"), "--doi", "10.5281/zenodo.1", "--version", "3", "--license", "CC0-1.0"
    )
    auditor("run", "--input", "../iris", "--", "true")
    shown = auditor("lineage", "last").splitlines()
    assert [line.strip(" │├└─") for line in shown[1:]] == ["went in: 1", "iris 3", "a registered data set", "came out: 0"]
    entities = json.loads(auditor("lineage", "last", "--as", "prov"))["entity"]
    told = [(e["prov:label"], e["dct:identifier"], e["schema:version"], e["dct:license"]) for e in entities.values()]
    assert told == [("iris 3", "https://doi.org/10.5281/zenodo.1", "3", "CC0-1.0")]
    assert "data set: iris 3" in auditor("lineage", "last", "--as", "svg")
    nodes = json.loads(auditor("lineage", "last", "--as", "json"))["nodes"]
    assert [(n["kind"], n["label"]) for n in nodes[1:]] == [("dataset", "iris 3")]


def test_a_registration_of_another_version_is_replaced_in_memory_only(world: Later) -> None:
    known = registered(world)
    assert registry.parse(json.dumps({**known.__dict__, "later": 1})) == known
    with pytest.raises(ValueError, match="no registration"):
        registry.parse(json.dumps(replace(known, root="relative").__dict__))
