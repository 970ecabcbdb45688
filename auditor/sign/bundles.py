"""Where is the signature of a bundle, and how does it get there? Beside it: inside, it would change what is signed."""

from __future__ import annotations

import os
from contextlib import closing
from pathlib import Path

from auditor import spool
from auditor.model import AuditError
from auditor.sign import keygen, sshsig
from reports.archive import verifier

MANIFEST = "tagmanifest-sha256.txt"
"""What is signed: by its digests it names every byte of the bag, whatever packs it."""
KEYS = ("id_ed25519", "id_ecdsa", "id_rsa", "id_ed25519_sk", "id_ecdsa_sk")


def manifest(path: Path) -> bytes:
    """The bytes that are signed. Raises AuditError for what is no bundle, or not safe to open."""
    try:
        with closing(verifier.open_bundle(os.fspath(path))) as bundle:
            return verifier.read(bundle, MANIFEST)
    except verifier.Refused as refused:
        raise AuditError(refused.message, refused.hint) from refused
    except OSError as error:
        raise AuditError(f"{path} cannot be read: {error.strerror or error}", "check the path and its permissions") from error


def beside(path: Path) -> Path:
    """`run.crate.zip.sig`; for a folder `bag.sig` beside it."""
    whole = path.absolute() if path.name else path.resolve()
    return whole.with_name(f"{whole.name}.sig")


def found(path: Path, named: Path | None = None) -> tuple[Path, bytes] | None:
    """The signature that is named, or lies beside the bundle, or in its folder; None when there is none. Raises AuditError."""
    places = [named] if named else [beside(path), path / f"{MANIFEST}.sig"]
    for place in places:
        try:
            with open(place, "rb") as file:
                return place, file.read(sshsig.MAX_ARMOR + 1)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise AuditError(f"{place} cannot be read: {error.strerror or error}", "check its permissions") from error
    if named:
        raise AuditError(f"there is no signature at {named}", "without --signature it is looked for beside the bundle")
    return None


def sign(path: Path, key: str) -> tuple[Path, str]:
    """Sign the bundle; where the signature lies, and the key's fingerprint. Raises AuditError."""
    armored = keygen.sign(manifest(path), key, sshsig.BUNDLE)
    place = write(beside(path), armored)
    return place, sshsig.parse(armored).fingerprint


def write(place: Path, data: bytes) -> Path:
    try:
        spool.write(str(place.parent), place.name, data)
        place.chmod(0o644)
    except OSError as error:
        raise AuditError(
            f"{place} cannot be written: {error.strerror or error}", "copy the bundle to a folder of yours"
        ) from error
    return place


def default_key(home: str) -> str:
    """The first of a user's usual keys. Raises AuditError when there is none."""
    for name in KEYS:
        for end in ("", ".pub"):
            path = os.path.join(home, ".ssh", name + end)
            if home and os.path.isfile(path):
                return path
    raise AuditError("there is no SSH key of yours in ~/.ssh", "name one with --key, or make one: ssh-keygen -t ed25519")
