"""How is a statement signed so that in-toto's tools accept it? In a DSSE envelope, with an OpenSSH ed25519 key.

Protocol: secure-systems-lab/dsse, protocol.md: the signature is over `DSSEv1 LEN TYPE LEN PAYLOAD`. Needs the package `cryptography`, and a key
file without passphrase: an agent signs only what ssh-keygen wraps.
"""

from __future__ import annotations

import base64
import json

from auditor.sign import sshsig


def envelope(payload: bytes, media: str, key: str) -> bytes | None:
    """None when this key, or this machine, cannot: another kind of key, a passphrase, a public half, no `cryptography`."""
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key
    except ImportError:
        return None
    try:
        with open(key, "rb") as file:
            private = load_ssh_private_key(file.read(sshsig.MAX_ARMOR), None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm):
        return None
    if not isinstance(private, Ed25519PrivateKey):
        return None
    public = private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1]
    row = {"keyid": sshsig.fingerprint(base64.b64decode(public)), "sig": _b64(private.sign(encoded(payload, media)))}
    made = {"payloadType": media, "payload": _b64(payload), "signatures": [row]}
    return (json.dumps(made, indent=1, sort_keys=True) + "\n").encode("ascii")


def encoded(payload: bytes, media: str) -> bytes:
    """What is signed: the pre-authentication encoding."""
    return b"DSSEv1 %d %s %d %s" % (len(media), media.encode("ascii"), len(payload), payload)


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
