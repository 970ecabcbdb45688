"""Who is called how, what stays as it is, and what does the last look find that nobody took out?"""

from __future__ import annotations

import base64
import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest

from auditor.model import AuditError, Evidence, Job, Phase
from auditor.world import RealWorld
from probes.containers import EngineImage, EngineImages
from probes.hardware import Gpu
from reports.archive.bundle import build
from reports.archive.share.book import Book, Kind
from reports.archive.share.cover import Cover
from reports.archive.share.scan import Blocked, findings
from reports.archive.share.share import Shared, share
from reports.score import score
from tests import archived, factory
from tests.factory import at, seen

WORLD = RealWorld({"HOME": "/home/ada", "USER": "ada", "LIBRARY_CARD": "Zebra/9 crossing&4"})


def cover(*names: tuple[Kind, str], mine: str = "ada") -> Cover:
    book = Book()
    for kind, real in names:
        book.name(kind, real)
    return Cover(book, {}, mine)


ADA = cover(
    (Kind.USER, "ada"), (Kind.NODE, "n17"), (Kind.NODE, "n18"), (Kind.ACCOUNT, "turbine42"), (Kind.SITE, "hpc.uni-x.edu"), (Kind.USER, "max"),
    (Kind.WORD, "Zebra/9 crossing&4"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("text", "public"),
    [
        ("by ada on n17", "by user-1 on node-1"),
        ("n17.hpc.uni-x.edu", "node-1.site-1"),
        ("srun -w n[17-18] x", "srun -w node-1,node-2 x"),
        ("sbatch --account=turbine42", "sbatch --account=account-1"),
        ("/scratch/turbine42/ada/x", "/scratch/account-1/user-1/x"),
        ("ada_model.py", "user_1_model.py"),
        ("metadata and canada", "metadata and canada"),
        ("y = max(1, 2)  # /proj/max/x", "y = max(1, 2)  # /proj/user-2/x"),
        ("write to a.b@c-d.org", "write to mail-1"),
        ("10.1.2.3 port 80", "address-1 port 80"),
        ("numpy==1.26.4.1 and 127.0.0.1", "numpy==1.26.4.1 and 127.0.0.1"),
        ("at 12:30:59 std::vector", "at 12:30:59 std::vector"),
        ("card Zebra/9 crossing&4.", "card [withheld]."),
        ("card=Zebra%2F9%20crossing%264", "card=[withheld]"),
        (f"card {base64.b64encode(b'x Zebra/9 crossing&4').decode()}", "card [withheld]"),
        ("home%2Fada%2Fx", "home/user-1/x"),
        (base64.b64encode(b"ada@n17:22").decode(), "[withheld]"),
        ("Cookie: a=b; c=d", "Cookie: [withheld]"),
        ("curl x?sig=abcdef123", "curl x?sig=[withheld]"),
        ("JOBID USER NAME\n12 ada fit\n13 bob spy\n", "JOBID USER NAME\n12 user-1 fit\n[a job of another user]\n"),
        ("docker run x@sha256:" + "0a" * 32, "docker run x@sha256:" + "0a" * 32),
    ],
)  # fmt: skip
def test_texts(text: str, public: str) -> None:
    assert cover_once(text) == public


def cover_once(text: str) -> str:
    """By a book of its own, as addresses are numbered in the order in which they appear."""
    return cover(*((k, r) for k, r, _ in ADA.book.items() if k not in (Kind.MAIL, Kind.ADDRESS))).text(text)


@pytest.mark.parametrize("text", ["by ada on n17", "n[17-18]", "mail a@b.org", "token=abcd1234efgh", "p?sid=abcdef12", "a%2Fada"])
def test_what_is_public_already_stays_as_it_is(text: str) -> None:
    once = ADA.text(text)
    assert ADA.text(once) == once


def test_a_field_says_whose_name_it_holds_where_the_word_is_too_common() -> None:
    one = cover((Kind.USER, "root"))
    assert one.value({"user": "root", "note": "root of the tree"}) == {"user": "user-1", "note": "root of the tree"}


def run(folder: Path, *more: Evidence, script: str = archived.SCRIPT, **files: str) -> tuple[Job, tuple[Evidence, ...]]:
    job, evidence = archived.run(folder, {**archived.FILES, "job.sh": script, **files}, script)
    return job, (*evidence, *more)


def shared(folder: Path, *more: Evidence, script: str = archived.SCRIPT, **files: str) -> Shared:
    return share(*run(folder, *more, script=script, **files), archived.nothing, WORLD)


def bundle(folder: Path, made: Shared, *accept: str) -> zipfile.ZipFile:
    build(
        made.job, made.evidence, score(made.job, made.evidence), folder / "x.zip",
        objects=made.objects, world=made.world, shared=made, accept=accept,
    )  # fmt: skip
    return zipfile.ZipFile(folder / "x.zip")


def test_accounting_containers_and_hardware_lose_their_names_and_keep_their_kind_and_number(tmp_path: Path) -> None:
    attempt = factory.attempt(nodes=("n17", "n18"))
    accounting = archived.accounting(
        tmp_path,
        user="ada",
        account="turbine42",
        submit_line="sbatch --comment='for grandma' --mail-user=ada@uni-x.edu job.sh",
        attempts=(attempt,),
    )
    image = EngineImage(
        "lab/fit", "docker", "27", "classic", "sha256:1", "", "", (), (), "", "linux", "amd64", "",
        {"maintainer": "ada <ada@uni-x.edu>", "build-host": "n17.hpc.uni-x.edu"},
    )  # fmt: skip
    hardware = factory.hardware(gpus=(Gpu(0, "NVIDIA H200", 1),))
    made = shared(
        tmp_path / "work",
        seen(accounting, phase=Phase.LATER, taken_at=at(13)),
        seen(EngineImages((image,))),
        seen(hardware, taken_at=at(14)),
    )
    data = {e.kind: e.data for e in made.evidence if e.data}
    assert data["JobAccounting"]["submit_line"] == "sbatch --comment='[withheld]' --mail-user=mail-1 job.sh"
    assert [len(a["nodes"]) for a in data["JobAccounting"]["attempts"]] == [2]
    assert set(data["JobAccounting"]["attempts"][0]["nodes"]) <= {"node-1", "node-2", "node-3"}
    assert data["EngineImages"]["images"][0]["labels"] == {"maintainer": "user-1 <mail-1>", "build-host": "node-2.site-1"}
    assert data["Hardware"]["gpus"][0]["model"] == "NVIDIA H200"


def test_pseudonyms_are_the_same_each_time_and_say_nothing_of_what_they_stand_for(tmp_path: Path) -> None:
    job, evidence = run(tmp_path / "work")
    one, two = (share(job, order, archived.nothing, WORLD) for order in (evidence, evidence[::-1]))
    assert (one.book.mapping(), one.evidence) == (two.book.mapping(), two.evidence)
    assert {public.rpartition("-")[2].rpartition("_")[2] for public in one.book.mapping()} <= {"1", "2", "3", "/$WORK", "/$HOME"}


def test_evidence_gets_ids_of_its_own_and_no_old_one_is_left(tmp_path: Path) -> None:
    job, evidence = run(tmp_path / "work")
    made = share(job, evidence, archived.nothing, WORLD)
    archive = bundle(tmp_path, made)
    packed = b"".join(archive.read(n) for n in archive.namelist())
    old = {e.id for e in evidence} - {e.id for e in made.evidence}
    assert (len(old) > 0, [i for i in old if i.encode() in packed]) == (True, [])


def test_the_digest_of_a_text_with_names_is_not_published(tmp_path: Path) -> None:
    script = archived.SCRIPT + "# by ada\n"
    made = shared(tmp_path / "work", script=script)
    packed = bundle(tmp_path, made)
    everything = b"".join(packed.read(n) for n in packed.namelist())
    assert (factory.sha(script).encode() in everything, packed.read("data/code/job.sh")) == (
        False,
        (archived.SCRIPT + "# by user-1\n").encode(),
    )


def test_an_input_that_names_somebody_stays_out_and_one_that_names_a_folder_is_mapped(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    texts = {"who.csv": "name\nada\n", "list.txt": f"{tmp_path}/work/in.csv\n"}
    for name, text in texts.items():
        (tmp_path / "work" / name).write_text(text)
    more = factory.manifest(*(factory.file(n, content=t) for n, t in texts.items()), root=str(tmp_path / "work"))
    packed = bundle(tmp_path, shared(tmp_path / "work", seen(more, phase=Phase.START, taken_at=at(2))))
    recipe = json.loads(packed.read("data/replay.json"))
    found = {f["place"]: (f["carried"], f["mapped"]) for f in recipe["files"] if f["place"] in texts}
    assert found == {"who.csv": ("", False), "list.txt": ("inputs/list.txt", True)}
    assert packed.read("data/inputs/list.txt") == b"/$WORK/in.csv\n"
    assert factory.sha("name\nada\n").encode() not in packed.read("data/evidence/evidence.json")


SECRET = "k9Xw2Qp7Lm4Vz8Rt6Yb3Nc5D"


def test_what_looks_drawn_by_lot_blocks_and_the_message_names_file_and_rule(tmp_path: Path) -> None:
    made = shared(tmp_path / "work", script=archived.SCRIPT + f"SESAME={SECRET}\n")
    with pytest.raises(Blocked) as error:
        bundle(tmp_path, made)
    said = f"{error.value.message} {error.value.hint}"
    assert ("code/job.sh: high-entropy" in said, SECRET in said, (tmp_path / "x.zip").exists()) == (True, False, False)


def test_who_looked_at_a_finding_accepts_it_by_rule_and_file_and_that_is_written_down(tmp_path: Path) -> None:
    made = shared(tmp_path / "work", script=archived.SCRIPT + f"SESAME={SECRET}\n")
    with pytest.raises(Blocked) as error:
        bundle(tmp_path, made)
    packed = bundle(tmp_path, made, *(f"{f.rule}:{f.file}" for f in error.value.findings))
    rows = json.loads(packed.read("data/evidence/redactions.json"))
    assert {"action": "accepted", "count": 1, "file": "code/job.sh", "rule": "high-entropy"} in rows


def test_a_redaction_that_forgot_something_is_caught_by_the_last_look(tmp_path: Path) -> None:
    """The cover of another run: its book knows nobody of this one."""
    made = shared(tmp_path / "work")
    _, evidence = run(tmp_path / "work")
    raw = b"".join(e.host.encode() + json.dumps(e.data).encode() for e in evidence)
    assert {f.rule for f in findings("x", raw, made.cover)} >= {"folder", "node"}


def zipped(name: str, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, data)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("file", "data", "rules"),
    [
        ("x.txt", b"by ada", ["user"]),
        ("x.json", b'{"note": "by ada"}', ["user"]),
        ("x.zip", zipped("a.txt", zipped("b.txt", b"by ada")), ["user"]),
        ("x.gz", gzip.compress(b"by ada"), ["user"]),
        ("x.npz", zipped("turbine42.npy", b"\0\1"), ["account"]),
        ("x.whl", zipped("a.txt", b"mail somebody@else.org"), []),
        ("x.zip", zipped("a", b"x")[:40], ["not-searchable (damaged or locked: BadZipFile)"]),
        ("x.sh", b"COMMIT_SHA=0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", []),
        ("x.sh", b"LICENCE=0a1b2c3d4e5f60718293a4b5c6d7e8f901234567", ["high-entropy"]),
        ("x.py", b"layers = convolution_block_with_attention", []),
    ],
)  # fmt: skip
def test_the_last_look(file: str, data: bytes, rules: list[str]) -> None:
    assert [f.rule for f in findings(file, data, ADA)] == rules


def test_hostile_text_costs_linear_time() -> None:
    for piece in ("a.", "1:", "%41", "A", "/home/", "cookie=", "n[1,", "\\\n", "password=", "x@y.", "ab:"):
        ADA.text(piece * 20_000)


def test_no_image_travels_in_a_shared_bundle(tmp_path: Path) -> None:
    from reports.archive.recipe import RecipeImage
    from reports.archive.share.pack import no_images

    with pytest.raises(AuditError, match="no container images"):
        no_images("carry", [RecipeImage("docker", "x", "docker", carried="images/x")])
    assert no_images("digest", []) is None
