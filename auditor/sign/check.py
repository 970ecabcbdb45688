"""Who signed a bundle, and is it still what was signed? One plain sentence, whichever way it comes out.

A signature proves who vouched, not that the run happened. It carries no time: an allowed-signers file's dates are held against the time of
checking, or one that the reader names.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from dataclasses import dataclass
from enum import StrEnum

from auditor.model import AuditError
from auditor.sign import keygen, sshsig
from auditor.sign.sshsig import SshSignature


class Trust(StrEnum):
    """known: by somebody the allowed-signers file names; not-checked: by a key, nobody said whose; refused: not good, or not by
    anybody it names; could-not-look: nothing here can verify it."""

    KNOWN = "known"
    NOT_CHECKED = "not-checked"
    REFUSED = "refused"
    COULD_NOT_LOOK = "could-not-look"


@dataclass(frozen=True)
class Signed:
    """key: fingerprint, empty when the signature does not read; who: the principal, when known; said: the sentence."""

    trust: Trust
    said: str
    key: str = ""
    who: str = ""


def look(message: bytes, armored: bytes, namespace: str, *, allowed: str = "", when: str = "") -> Signed:
    """Judge the signature of `message`. allowed: path of an allowed-signers file; when: time to hold its dates against
    (YYYYMMDDHHMMSSZ), empty for now. Raises AuditError for an allowed-signers file that cannot be read."""
    if allowed:
        _readable(allowed)
    try:
        signature = sshsig.parse(armored)
    except ValueError as error:
        return Signed(Trust.REFUSED, f"the signature cannot be read: {error}")
    if signature.namespace != namespace:
        shown = ascii(signature.namespace[:60])
        return Signed(
            Trust.REFUSED, f"the signature was made for another purpose, {shown}, not {namespace!r}", signature.fingerprint
        )
    if not keygen.found():
        return _without(message, signature, bool(allowed))
    with tempfile.NamedTemporaryFile(prefix="auditor-", suffix=".sig") as file:
        file.write(armored)
        file.flush()
        told = keygen.unchanged(message, file.name, namespace)
        if not told.ok:
            return _unverified(signature, told.err)
        if not allowed:
            return _not_checked(signature)
        return _identity(message, signature, file.name, allowed, when)


def _identity(message: bytes, signature: SshSignature, file: str, allowed: str, when: str) -> Signed:
    key = signature.fingerprint
    found = keygen.principals(file, allowed, when)
    whys = [found.err]
    for who in found.out.splitlines() if found.ok else ():
        told = keygen.verify(message, file, allowed, who, signature.namespace, when)
        if told.ok:
            return Signed(Trust.KNOWN, f"signed by {_line(who)} with key {key}", key, who)
        whys.append(told.err)
    return Signed(Trust.REFUSED, f"signed by key {key}, {_why(' '.join(whys))}", key)


def _why(said: str) -> str:
    if match := re.search(r"verify time (\S+) > valid-before (\S+)", said):
        return f"which the allowed-signers file trusts only before {match[2]} (looked at {match[1]})"
    if match := re.search(r"verify time (\S+) < valid-after (\S+)", said):
        return f"which the allowed-signers file trusts only after {match[2]} (looked at {match[1]}): is a clock wrong?"
    if "not permitted for use in signature namespace" in said:
        return "which the allowed-signers file trusts for other purposes only"
    if match := re.search(r"\S+:(\d+): (invalid[^\n]*|bad[^\n]*|missing[^\n]*)", said):
        return f"and line {match[1]} of the allowed-signers file does not read: {_line(match[2])}"
    return "which the allowed-signers file does not name"


def _unverified(signature: SshSignature, said: str) -> Signed:
    if re.search("incorrect signature|verification failed", said):
        text = f"the bundle is not what key {signature.fingerprint} signed: it was changed, or signed by another key"
        return Signed(Trust.REFUSED, text, signature.fingerprint)
    return Signed(Trust.COULD_NOT_LOOK, f"ssh-keygen could not verify the signature: {_line(said)}", signature.fingerprint)


def _without(message: bytes, signature: SshSignature, allowed: bool) -> Signed:
    """No ssh-keygen: an ed25519 signature can be verified by `cryptography`, if that is here; whose key it is cannot."""
    key = signature.fingerprint
    point = sshsig.ed25519(signature.key)
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        point = None
    if point is None or signature.hash not in ("sha256", "sha512") or signature.algorithm != "ssh-ed25519":
        return Signed(
            Trust.COULD_NOT_LOOK, f"a signature by key {key} is there; to verify it takes ssh-keygen, which is not here", key
        )
    digest = hashlib.new(signature.hash, message).digest()
    try:
        Ed25519PublicKey.from_public_bytes(point).verify(signature.raw, signature.signed + sshsig.string(digest))
    except InvalidSignature:
        return _unverified(signature, "incorrect signature")
    if allowed:
        return Signed(Trust.COULD_NOT_LOOK, f"signed by key {key}; whose it is takes ssh-keygen, which is not here", key)
    return _not_checked(signature)


def _not_checked(signature: SshSignature) -> Signed:
    return Signed(Trust.NOT_CHECKED, f"signed by key {signature.fingerprint}, identity not checked", signature.fingerprint)


def _readable(path: str) -> None:
    try:
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        raise AuditError(
            f"the allowed-signers file {path} cannot be read: {error.strerror or error}",
            "a line of it reads: ada@example.org ssh-ed25519 AAAA...",
        ) from error


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
