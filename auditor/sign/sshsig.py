"""What does an SSH signature say of itself? Its key, its purpose, its hash. Nothing is verified here.

Format: OpenSSH, PROTOCOL.sshsig; key blobs and strings as in RFC 4251 section 5, fingerprints as `ssh-keygen -l` prints them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from dataclasses import dataclass

BUNDLE = "bundle@run-auditor.invalid"
"""Purpose of a bundle's signature. It keeps a signature from being used for something else; a domain that nobody can own (RFC 2606)."""
STATEMENT = "statement@run-auditor.invalid"
MAGIC = b"SSHSIG"
BEGIN, END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
MAX_ARMOR = 64 << 10


@dataclass(frozen=True)
class SshSignature:
    """key: the public key's blob; fingerprint: `SHA256:...`; signature: algorithm and raw bytes; hash: of the message, `sha512`."""

    key: bytes
    fingerprint: str
    namespace: str
    hash: str
    algorithm: str
    raw: bytes

    @property
    def signed(self) -> bytes:
        """What precedes the message's hash in what was signed."""
        return MAGIC + b"".join(string(part) for part in (self.namespace.encode(), b"", self.hash.encode()))


def parse(armored: bytes) -> SshSignature:
    """Raises ValueError, with the reason, for what is no SSH signature."""
    if len(armored) > MAX_ARMOR:
        raise ValueError(f"{len(armored)} bytes are no signature")
    lines = armored.decode("ascii", "replace").split()
    text = " ".join(lines)
    if not text.startswith(BEGIN) or not text.endswith(END):
        raise ValueError(f"it does not begin with {BEGIN!r} and end with {END!r}")
    try:
        blob = base64.b64decode(text[len(BEGIN) : -len(END)].replace(" ", ""), validate=True)
        if blob[:6] != MAGIC or struct.unpack(">I", blob[6:10]) != (1,):
            raise ValueError("it is no SSHSIG of version 1")
        key, rest = _taken(blob[10:])
        namespace, rest = _taken(rest)
        _, rest = _taken(rest)
        hashed, rest = _taken(rest)
        signature, rest = _taken(rest)
        algorithm, wrapped = _taken(signature)
        raw, more = _taken(wrapped)
        if rest or (more and not algorithm.startswith(b"sk-")):  # hardware keys add flags and a counter
            raise ValueError("something follows the signature")
        return SshSignature(key, fingerprint(key), namespace.decode(), hashed.decode(), algorithm.decode(), raw)
    except (binascii.Error, struct.error, UnicodeDecodeError) as error:
        raise ValueError(f"it is damaged: {error}") from None


def fingerprint(key: bytes) -> str:
    return "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode("ascii").rstrip("=")


def ed25519(key: bytes) -> bytes | None:
    """The 32 bytes of an ed25519 public key (RFC 8709), None for a key of another kind."""
    try:
        kind, rest = _taken(key)
        point, rest = _taken(rest)
    except ValueError:
        return None
    return point if kind == b"ssh-ed25519" and len(point) == 32 and not rest else None


def _taken(data: bytes) -> tuple[bytes, bytes]:
    """The first string, and what follows it."""
    if len(data) < 4 or len(data) < 4 + (size := struct.unpack(">I", data[:4])[0]):
        raise ValueError("it is cut short")
    return data[4 : 4 + size], data[4 + size :]


def string(data: bytes) -> bytes:
    """RFC 4251: four bytes of length, then the bytes."""
    return struct.pack(">I", len(data)) + data
