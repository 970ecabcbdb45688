"""Who vouched for a bundle, and is it told plainly when that cannot be said, or is not so? With a real ssh-keygen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from auditor.model import AuditError
from auditor.sign import bundles, sshsig
from auditor.sign.check import Signed, Trust, look
from tests import archived
from tests.needs import need
from tests.reports.test_verify import files, packed
from tests.test_bad_input import auditor

NAME = sshsig.BUNDLE


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two ed25519 keys, `ada` and `eve`, an RSA and an ECDSA one."""
    if not shutil.which("ssh-keygen"):
        need("ssh-keygen")
    folder = tmp_path_factory.mktemp("keys")
    for name, kind in {"ada": "ed25519", "eve": "ed25519", "rsa": "rsa", "ecdsa": "ecdsa"}.items():
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", folder / name], check=True)
    return folder


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle")
    archived.bundle(folder)
    return folder / "fit.crate.zip"


def public(key: Path) -> str:
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def fingerprint(key: Path) -> str:
    told = subprocess.run(["ssh-keygen", "-l", "-f", key.with_suffix(".pub")], capture_output=True, text=True, check=True)
    return told.stdout.split()[1]


def allowed(folder: Path, *lines: str) -> Path:
    path = folder / "allowed_signers"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def signed(bundle: Path, key: Path, tmp_path: Path) -> Path:
    """A copy of the bundle with a signature beside it."""
    copy = Path(shutil.copy(bundle, tmp_path / "run.crate.zip"))
    bundles.sign(copy, str(key))
    return copy


def asked(bundle: Path, signers: Path | None = None, when: str = "") -> Signed:
    there = bundles.found(bundle)
    assert there
    return look(bundles.manifest(bundle), there[1], NAME, allowed=str(signers) if signers else "", when=when)


@pytest.mark.parametrize("kind", ["ada", "rsa", "ecdsa"])
def test_without_a_list_of_signers_the_key_is_told_and_that_nobody_said_whose_it_is(
    bundle: Path, keys: Path, tmp_path: Path, kind: str
) -> None:
    key = fingerprint(keys / kind)
    copy = signed(bundle, keys / kind, tmp_path)
    assert asked(copy) == Signed(Trust.NOT_CHECKED, f"signed by key {key}, identity not checked", key)


def test_openssh_alone_accepts_the_signature(bundle: Path, keys: Path, tmp_path: Path) -> None:
    copy = signed(bundle, keys / "ada", tmp_path)
    signers = allowed(tmp_path, f"ada@example.org {public(keys / 'ada')}")
    argv = [
        "ssh-keygen",
        "-Y",
        "verify",
        "-f",
        str(signers),
        "-I",
        "ada@example.org",
        "-n",
        NAME,
        "-s",
        str(bundles.beside(copy)),
    ]
    told = subprocess.run(argv, input=files(copy)["tagmanifest-sha256.txt"], capture_output=True, check=False)
    assert (told.returncode, told.stdout.split()[:2]) == (0, [b"Good", b'"bundle@run-auditor.invalid"'])


def test_a_signer_on_the_list_is_named(bundle: Path, keys: Path, tmp_path: Path) -> None:
    copy = signed(bundle, keys / "ada", tmp_path)
    signers = allowed(tmp_path, f"eve@example.org {public(keys / 'eve')}", f"ada@example.org {public(keys / 'ada')}")
    key = fingerprint(keys / "ada")
    assert asked(copy, signers) == Signed(Trust.KNOWN, f"signed by ada@example.org with key {key}", key, "ada@example.org")


DAYS = {
    'valid-before="20200101"': "which the allowed-signers file trusts only before 2020-01-01T00:00:00 (looked at ",
    'valid-after="20990101"': "which the allowed-signers file trusts only after 2099-01-01T00:00:00 (looked at ",
    'namespaces="git"': "which the allowed-signers file trusts for other purposes only",
}


@pytest.mark.parametrize("option", DAYS)
def test_a_key_that_is_trusted_at_another_time_or_for_another_purpose_is_refused(
    bundle: Path, keys: Path, tmp_path: Path, option: str
) -> None:
    copy = signed(bundle, keys / "ada", tmp_path)
    found = asked(copy, allowed(tmp_path, f"ada@example.org {option} {public(keys / 'ada')}"))
    assert (found.trust, found.who) == (Trust.REFUSED, "")
    assert found.said.startswith(f"signed by key {fingerprint(keys / 'ada')}, {DAYS[option]}")


def test_a_reader_of_later_years_names_the_day_for_which_a_key_is_to_hold(bundle: Path, keys: Path, tmp_path: Path) -> None:
    copy = signed(bundle, keys / "ada", tmp_path)
    signers = allowed(tmp_path, f'ada@example.org valid-before="20200101" {public(keys / "ada")}')
    assert asked(copy, signers, "20190601000000Z").trust is Trust.KNOWN


def test_a_key_that_the_list_does_not_name_is_refused(bundle: Path, keys: Path, tmp_path: Path) -> None:
    copy = signed(bundle, keys / "eve", tmp_path)
    found = asked(copy, allowed(tmp_path, f"ada@example.org {public(keys / 'ada')}"))
    key = fingerprint(keys / "eve")
    assert found == Signed(Trust.REFUSED, f"signed by key {key}, which the allowed-signers file does not name", key)


def test_changed_bytes_are_refused(bundle: Path, keys: Path, tmp_path: Path) -> None:
    copy = signed(bundle, keys / "ada", tmp_path)
    there = bundles.found(copy)
    assert there
    found = look(bundles.manifest(copy) + b"\n", there[1], NAME)
    assert found.trust is Trust.REFUSED
    assert found.said.startswith("the bundle is not what key SHA256:")


def test_a_signature_for_another_purpose_is_refused(bundle: Path, keys: Path, tmp_path: Path) -> None:
    message = tmp_path / "m"
    message.write_bytes(bundles.manifest(bundle))
    subprocess.run(["ssh-keygen", "-Y", "sign", "-q", "-f", keys / "ada", "-n", "file", message], check=True)
    found = look(message.read_bytes(), (tmp_path / "m.sig").read_bytes(), NAME)
    assert (found.trust, found.said) == (
        Trust.REFUSED,
        "the signature was made for another purpose, 'file', not 'bundle@run-auditor.invalid'",
    )


@pytest.mark.parametrize(
    "armored",
    [
        b"",
        b"-----BEGIN PGP SIGNATURE-----\nx\n-----END PGP SIGNATURE-----\n",
        b"-----BEGIN SSH SIGNATURE-----\n!!!!\n-----END SSH SIGNATURE-----\n",
        b"-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAQAAADMAAAAL\n-----END SSH SIGNATURE-----\n",
        b"-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAAAf////8AAAAL\n-----END SSH SIGNATURE-----\n",
        b"-----BEGIN SSH SIGNATURE-----\nU1NIU0lHAAAACQAAADMAAAAL\n-----END SSH SIGNATURE-----\n",
        b"A" * (1 << 20),
        bytes(range(256)),
    ],
)
def test_what_is_no_signature_is_refused_with_the_reason(armored: bytes) -> None:
    found = look(b"", armored, NAME)
    assert found.trust is Trust.REFUSED
    assert found.said.startswith("the signature cannot be read: ")


def test_a_list_of_signers_that_does_not_read_is_told(bundle: Path, keys: Path, tmp_path: Path) -> None:
    copy = signed(bundle, keys / "ada", tmp_path)
    assert asked(copy, allowed(tmp_path, "\x1b[31m nonsense")).trust is Trust.REFUSED
    with pytest.raises(AuditError, match="cannot be read: No such file"):
        asked(copy, tmp_path / "nobody")


def test_without_ssh_keygen_an_ed25519_signature_is_verified_and_another_could_not_be_looked_at(
    bundle: Path, keys: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies = {}
    for kind in ("ada", "rsa"):
        (tmp_path / kind).mkdir()
        copies[kind] = signed(bundle, keys / kind, tmp_path / kind)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert asked(copies["ada"]).trust is Trust.NOT_CHECKED
    assert asked(copies["rsa"]).said.endswith("to verify it takes ssh-keygen, which is not here")
    assert asked(copies["ada"], allowed(tmp_path, "x")).trust is Trust.COULD_NOT_LOOK
    there = bundles.found(copies["ada"])
    assert there
    assert look(b"other", there[1], NAME).trust is Trust.REFUSED


def test_an_agent_signs_with_the_public_half_alone(bundle: Path, keys: Path, tmp_path: Path) -> None:
    if not shutil.which("ssh-agent"):
        need("ssh-agent")
    told = subprocess.run(["ssh-agent", "-s", "-a", tmp_path / "agent"], capture_output=True, text=True, check=True).stdout
    pid = told.split("SSH_AGENT_PID=")[1].split(";")[0]
    try:
        shutil.copy(keys / "ada", tmp_path / "secret")
        shutil.copy(keys / "ada.pub", tmp_path / "half.pub")
        environment = {**os.environ, "SSH_AUTH_SOCK": str(tmp_path / "agent"), "SSH_AGENT_PID": pid}
        subprocess.run(["ssh-add", "-q", tmp_path / "secret"], env=environment, check=True)
        shutil.copy(bundle, tmp_path / "run.zip")
        agent = {"SSH_AUTH_SOCK": str(tmp_path / "agent")}
        code, _, err = auditor("sign", "run.zip", "--key", "half.pub", cwd=tmp_path, env=agent)
        assert code == 0, err
        assert asked(tmp_path / "run.zip").key == fingerprint(keys / "ada")
    finally:
        os.kill(int(pid), 15)


def test_a_signature_inside_an_unpacked_bag_is_found_too(bundle: Path, keys: Path, tmp_path: Path) -> None:
    copy = signed(bundle, keys / "ada", tmp_path)
    zipfile.ZipFile(copy).extractall(tmp_path / "bag")
    assert bundles.found(tmp_path / "bag") is None
    bundles.beside(copy).rename(tmp_path / "bag/tagmanifest-sha256.txt.sig")
    assert asked(tmp_path / "bag").trust is Trust.NOT_CHECKED


# ---- the verbs -----------------------------------------------------------------------------------------------------


def test_the_verbs_end_by_class(bundle: Path, keys: Path, tmp_path: Path) -> None:
    (tmp_path / "ada").write_text(f"ada@example.org {public(keys / 'ada')}\n")
    (tmp_path / "eve").write_text(f"eve@example.org {public(keys / 'eve')}\n")
    shutil.copy(bundle, tmp_path / "run.zip")
    bag = [line.split("bundle ")[1] for line in auditor("verify", "run.zip", cwd=tmp_path)[1].splitlines()]

    def verify(*words: str, path: str = "/usr/bin:/bin") -> tuple[int, str]:
        code, out, _ = auditor("verify", "run.zip", *words, cwd=tmp_path, env={"PATH": path})
        return code, out.splitlines()[-1].removeprefix("run.zip: ") if out else ""

    assert verify("--allowed-signers", "ada") == (1, "it is not signed: there is no signature beside it")
    code, out, err = auditor("sign", "run.zip", "--key", str(keys / "ada"), cwd=tmp_path)
    key = fingerprint(keys / "ada")
    assert (code, out) == (0, f"{tmp_path}/run.zip.sig\n")
    assert f"bundle {bag[0]} signed with key {key}" in err
    assert verify() == (0, f"signed by key {key}, identity not checked")
    assert verify("--allowed-signers", "ada") == (0, f"signed by ada@example.org with key {key}")
    assert verify("--allowed-signers", "eve") == (1, f"signed by key {key}, which the allowed-signers file does not name")
    assert verify("--allowed-signers", "nobody")[0] == 2
    assert verify("--at", "tomorrow")[0] == 2
    assert verify("--signature", "nowhere.sig")[0] == 2
    assert verify("--allowed-signers", "ada", path="/nowhere")[0] == 3  # no ssh-keygen
    answer = json.loads(auditor("verify", "run.zip", "--allowed-signers", "ada", "--json", cwd=tmp_path)[1])
    assert answer["signature"] == {
        "trust": "known", "said": f"signed by ada@example.org with key {key}", "key": key, "who": "ada@example.org",
    }  # fmt: skip


def test_a_bundle_that_is_not_whole_is_not_signed(bundle: Path, keys: Path, tmp_path: Path) -> None:
    contents = files(bundle)
    contents["data/code/fit.py"] += b"\n"
    packed(tmp_path / "x.zip", contents)
    code, out, err = auditor("sign", "x.zip", "--key", str(keys / "ada"), cwd=tmp_path)
    assert (code, out) == (2, "")
    assert "x.zip is not signed: 'data/code/fit.py' was changed" in err
    assert not (tmp_path / "x.zip.sig").exists()


@pytest.mark.parametrize("key", ["nobody", "text", "eve.pub"])
def test_a_key_that_cannot_sign_is_one_clear_line(bundle: Path, keys: Path, tmp_path: Path, key: str) -> None:
    (tmp_path / "text").write_text("hello")
    shutil.copy(keys / "eve.pub", tmp_path / "eve.pub")  # its private half is neither here nor in an agent
    shutil.copy(bundle, tmp_path / "run.zip")
    code, out, err = auditor("sign", "run.zip", "--key", key, cwd=tmp_path)
    assert (code, out) == (2, "")
    assert f"ssh-keygen did not sign with {key}" in err


def test_without_any_key_it_is_said_how_to_make_one(bundle: Path, tmp_path: Path) -> None:
    shutil.copy(bundle, tmp_path / "run.zip")
    code, _, err = auditor("sign", "run.zip", cwd=tmp_path)
    assert (code, "ssh-keygen -t ed25519" in err) == (2, True)


# ---- a real run ----------------------------------------------------------------------------------------------------


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """The folder of a real local run, its bundle `one.zip`, made twice."""
    (tmp_path / "job.sh").write_text("#!/bin/bash\necho x,1 > out.csv\n")
    assert auditor("run", "bash", "job.sh", cwd=tmp_path)[0] == 0
    for name in ("one.zip", "two.zip"):
        code, _, err = auditor("bundle", "last", "-o", name, cwd=tmp_path)
        assert code == 0, err
    return tmp_path


def test_a_real_run_comes_out_again_byte_for_byte_and_its_bundle_is_the_same_twice(ran: Path) -> None:
    assert (ran / "one.zip").read_bytes() == (ran / "two.zip").read_bytes()
    code, out, _ = auditor("verify", "one.zip", "--rescore", cwd=ran, env={"AUDITOR_HOME": str(ran / "elsewhere")})
    assert (code, out.splitlines()[1]) == (0, "the scorecard comes out again, byte for byte")


def test_a_log_whose_tail_was_cut_off_is_noticed_by_the_store_and_where_that_is_gone_by_the_bundle(ran: Path) -> None:
    log = ran / "home/runlog.jsonl"
    code, out, _ = auditor("verify", "one.zip", "--log", cwd=ran)
    assert (code, out.splitlines()[-1].split(",")[0]) == (0, "the run log is whole: 2 records")
    log.write_text("".join(f"{line}\n" for line in log.read_text().splitlines()[:1]))
    code, out, _ = auditor("verify", "--log", cwd=ran)
    assert (code, "but the log ends at record 1: its tail was cut off" in out) == (1, True)
    log.unlink()
    for left in (ran / "home").glob("store.duckdb*"):
        left.unlink()
    code, out, _ = auditor("verify", "one.zip", "--log", cwd=ran)
    assert (code, out.splitlines()[-1]) == (
        1, "  one.zip names record 1, but the log ends at record 0: its tail was cut off",
    )  # fmt: skip


def test_an_edit_of_the_log_is_found_at_its_record(ran: Path) -> None:
    log = ran / "home/runlog.jsonl"
    log.write_text(log.read_text().replace("accounted", "replayed!"))
    code, out, _ = auditor("verify", "--log", cwd=ran)
    assert (code, out.splitlines()[1]) == (1, "  record 1 was changed: its hash is not that of what it says")


def test_an_empty_log_proves_nothing(tmp_path: Path) -> None:
    code, out, _ = auditor("verify", "--log", cwd=tmp_path)
    assert (code, out.strip()) == (3, "the run log is empty: there was nothing to look through")
