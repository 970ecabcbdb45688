"""How is `ssh-keygen -Y` asked? Each call is one function over bytes; OpenSSH >= 8.2 (ssh-keygen(1), `-Y`).

Signing may ask for a passphrase, a touch or the agent: it has the terminal. The others have a time limit.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from auditor.model import AuditError

SECONDS = 30
LIMIT = 4000
"""Characters of what it says that are kept."""


@dataclass(frozen=True)
class Said:
    """ok: it ended with 0; out, err: what it said, cleaned of nothing."""

    ok: bool
    out: str
    err: str


def found() -> str:
    """Where it is; empty: not here."""
    return shutil.which("ssh-keygen") or ""


def sign(message: bytes, key: str, namespace: str) -> bytes:
    """An armored signature. key: a private key, or the public half of one that the agent holds. Raises AuditError."""
    program = found()
    if not program:
        raise AuditError("there is no ssh-keygen here to sign with", "install OpenSSH, or sign on a machine that has it")
    with tempfile.TemporaryDirectory(prefix="auditor-sign-") as folder:
        file = os.path.join(folder, "message")
        with open(file, "wb") as out:
            out.write(message)
        argv = [program, "-Y", "sign", "-q", "-f", key, "-n", namespace, file]
        done = subprocess.run(argv, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
        told = " ".join(done.stderr.decode("utf-8", "replace").split())[:300]
        if done.returncode or not os.path.exists(f"{file}.sig"):
            raise AuditError(f"ssh-keygen did not sign with {key}: {told or 'it gave no reason'}", _hint(told))
        with open(f"{file}.sig", "rb") as made:
            return made.read()


def _hint(told: str) -> str:
    if "passphrase" in told:
        return "ssh-add the key first, then sign again: the agent keeps it open"
    if "illegal option" in told or "unknown option" in told:
        return "this OpenSSH is older than 8.1; sign on another machine"
    return "name a key of yours with --key, or the .pub of one that `ssh-add -L` lists"


def principals(signature: str, allowed: str, when: str = "") -> Said:
    """Who the allowed-signers file says the key belongs to, a line each. when: YYYYMMDDHHMMSSZ, or empty for now."""
    return _ask("find-principals", ["-s", signature, "-f", allowed], when)


def verify(message: bytes, signature: str, allowed: str, who: str, namespace: str, when: str = "") -> Said:
    return _ask("verify", ["-f", allowed, "-I", who, "-n", namespace, "-s", signature], when, message)


def unchanged(message: bytes, signature: str, namespace: str) -> Said:
    """Did the key in the signature sign this message? Whose key it is, is not asked."""
    return _ask("check-novalidate", ["-n", namespace, "-s", signature], "", message)


def _ask(what: str, rest: Sequence[str], when: str, message: bytes = b"") -> Said:
    option = [f"-Overify-time={when}"] if when else []
    try:
        done = subprocess.run(
            [found(), "-Y", what, *option, *rest], input=message, capture_output=True, check=False, timeout=SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Said(False, "", f"ssh-keygen did not answer: {error}")
    out, err = (text.decode("utf-8", "replace")[:LIMIT].strip() for text in (done.stdout, done.stderr))
    return Said(done.returncode == 0, out, err)
