"""Who vouches for a bundle, and is it what they saw? The verbs `sign` and `verify`."""

from __future__ import annotations

import os
import sys
from datetime import datetime
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from auditor.cli.common import Json, emit, home, progress_console, say
from auditor.model import AuditError

if TYPE_CHECKING:
    from auditor.runlog import Checked
    from auditor.sign.check import Signed
    from reports.archive.rescore import Rescored
    from reports.archive.verify import Verification


class Exit(IntEnum):
    """How `verify` ends. 2 is an AuditError: not a bundle, not safe to open, not readable."""

    WHOLE = 0
    NO = 1
    UNDECIDED = 3


Bundle = Annotated[
    Path | None, typer.Argument(help="A bundle: the ZIP, or its unpacked folder.", readable=False, show_default=False)
]


def sign(
    path: Annotated[Path, typer.Argument(help="A bundle: the ZIP, or its unpacked folder.", readable=False)],
    key: Annotated[
        Path | None, typer.Option(help="Your SSH key, or the .pub of one that your agent holds; default: ~/.ssh.")
    ] = None,
    statement: Annotated[
        bool, typer.Option("--statement", help="Also write what ran as an in-toto statement (SLSA provenance), signed.")
    ] = False,
    json: Json = False,
) -> None:
    """Vouch for a bundle with your SSH key. The signature lies beside it: BUNDLE.sig.

    Others check it with `auditor verify`, or with OpenSSH alone: `ssh-keygen -Y verify` over tagmanifest-sha256.txt.

    Examples: auditor sign run-4711.crate.zip     auditor sign run-4711.crate.zip --key ~/.ssh/work.pub --statement
    """
    from auditor.sign import bundles
    from reports.archive.verify import verify as check

    with progress_console().status("checking every byte …"):
        whole = check(path)
    if not whole.ok:
        raise AuditError(f"{path} is not signed: {whole.problems[0]}", "`auditor verify` says what is wrong with it")
    chosen = str(key) if key else bundles.default_key(os.path.expanduser("~"))
    place, fingerprint = bundles.sign(path, chosen)
    made = [place]
    if statement:
        from auditor.sign import statements

        made += statements.beside(path, chosen)
    _log(whole, fingerprint)
    if json:
        emit({"bundle": whole.id, "key": fingerprint, "files": [str(p) for p in made]})
        return
    for one in made:
        print(one)
    say(f"bundle {whole.id[:16]} signed with key {fingerprint}; publish its public half where readers look for it")


def _log(whole: Verification, fingerprint: str) -> None:
    """Told in the run log; a signer who has none, or whose home is full, has signed all the same."""
    from auditor import runlog

    try:
        where = home()
        if os.path.exists(where.runlog):
            event = {"what": "signed", "run": whole.run_id, "bundle": whole.id, "key": fingerprint, "at": _now()}
            runlog.append(where.runlog, [event])
    except (AuditError, OSError) as error:
        say(f"not told in the run log: {error}")


def _now() -> str:
    from datetime import UTC

    return datetime.now(UTC).isoformat(timespec="seconds")


def verify(
    path: Bundle = None,
    allowed_signers: Annotated[
        Path | None,
        typer.Option(help="Whose keys you trust: lines of `PRINCIPAL KEYTYPE KEY`, as ssh-keygen reads them.", readable=False),
    ] = None,
    signature: Annotated[
        Path | None, typer.Option(help="The signature; default: the one beside the bundle.", readable=False)
    ] = None,
    at: Annotated[str, typer.Option(help="Hold a key's dates against this day (2026-11-23), not against today.")] = "",
    rescore: Annotated[
        bool, typer.Option("--rescore", help="Also show the score made anew, by these rules even if they are not its own.")
    ] = False,
    log: Annotated[
        bool, typer.Option("--log", help="Look through the run log; with a bundle: does it go as far as it saw?")
    ] = False,
    json: Json = False,
) -> None:
    """Is a bundle whole and untouched, does its score follow from its evidence, and who signed it?

    Exit status: 0 yes; 1 no (changed, another score, a signature that is not good or not of who you trust); 2 not a bundle, or not
    readable; 3 it cannot be decided here (--rescore by other rules, a signature and no ssh-keygen).

    Examples: auditor verify run-4711.crate.zip --rescore     auditor verify x.zip --allowed-signers team.keys     auditor verify --log
    """
    if path is None and not log:
        raise AuditError("no bundle is named", "auditor verify run-4711.crate.zip, or auditor verify --log")
    whole = signed = None
    if path is not None:
        when = _day(at)
        whole = _whole(path, rescore)
        signed = _signed(path, signature, allowed_signers, when) if whole.id else None
    checked = _logged(path if whole and whole.ok else None) if log else None
    if json:
        from auditor.codec import plain

        answer: dict[str, Any] = plain(whole) if whole else {}
        emit(answer | {"signature": plain(signed), "log": plain(checked)})
    else:
        _tell(path, whole, signed, checked, rescore)
    sys.exit(_status(whole, signed, checked, rescore))


def _whole(path: Path, rescore: bool) -> Verification:
    from reports.archive.verify import verify as check

    with progress_console().status("checking every byte …"):
        return check(path, other_rules=rescore)


def _signed(path: Path, named: Path | None, allowed: Path | None, when: str) -> Signed | None:
    from auditor.sign import bundles, check, sshsig

    there = bundles.found(path, named)
    if there is None:
        return check.Signed(check.Trust.REFUSED, "it is not signed: there is no signature beside it") if allowed else None
    return check.look(bundles.manifest(path), there[1], sshsig.BUNDLE, allowed=str(allowed) if allowed else "", when=when)


def _logged(path: Path | None) -> Checked:
    from auditor import runlog
    from auditor.sign import witnesses

    where = home()
    heads = [*witnesses.of_store(where)]
    if path is not None:
        heads += witnesses.of_bundle(path)
        if not witnesses.of_bundle(path):
            say(f"{path} names no record of a run log")
    try:
        return runlog.check(where.runlog, heads)
    except OSError as error:
        raise AuditError(f"the run log cannot be read: {error.strerror or error}", f"it is {where.runlog}") from error


def _day(text: str) -> str:
    """2026-11-23 or 2026-11-23T10:00 as ssh-keygen wants it, in UTC; empty stays empty."""
    if not text:
        return ""
    try:
        return datetime.fromisoformat(text).strftime("%Y%m%d%H%M%SZ")
    except ValueError as error:
        raise AuditError(f"--at {text!r} is no day", "for example --at 2026-11-23") from error


def _status(whole: Verification | None, signed: Signed | None, checked: Checked | None, rescore: bool) -> Exit:
    from auditor.sign.check import Trust
    from reports.archive.rescore import OTHER_RULES

    if (whole and not whole.ok) or (checked and checked.problems) or (signed and signed.trust is Trust.REFUSED):
        return Exit.NO
    unproved = rescore and whole is not None and whole.score == OTHER_RULES
    empty = checked is not None and checked.head is None
    return Exit.UNDECIDED if unproved or empty or (signed and signed.trust is Trust.COULD_NOT_LOOK) else Exit.WHOLE


def _tell(path: Path | None, whole: Verification | None, signed: Signed | None, checked: Checked | None, rescore: bool) -> None:
    from auditor.cli.plain import printable

    if whole and whole.ok:
        print(f"{path}: whole, {whole.files} files, {whole.bytes} bytes, bundle {whole.id[:16]}")
    elif whole:
        print(f"{path}: NOT verifiable")
        for problem in whole.problems:
            print(f"  {printable(problem)}")
    if signed:
        print(f"{path}: {printable(signed.said)}")
    if rescore and whole and whole.rescored:
        _tell_score(whole.rescored)
    if checked:
        _tell_log(checked)


def _tell_score(found: Rescored) -> None:
    from auditor.cli.plain import printable

    sentences = {
        "equal": "the scorecard comes out again, byte for byte",
        "different": "the scorecard does NOT come out again",
        "other release": f"it was made by auditor {found.auditor[0]}; {found.auditor[1]}, with the same rules, decides the same",
        "other rules": f"it was made by the rules {found.ruleset[0][:18]}, here are {found.ruleset[1][:18]}: nothing is proved",
    }
    print(printable(sentences[found.state]))
    print(f"  score {_interval(found, 0)} stored, {_interval(found, 1)} made anew")
    for change in found.changes:
        print(
            f"  {printable(change.where)}: {printable(change.stored) or 'not there'} → {printable(change.again) or 'not there'}"
        )


def _interval(found: Rescored, which: int) -> str:
    low, high = found.low[which], found.high[which]
    return "none" if low is None or high is None else f"{low:.1f} to {high:.1f}"


def _tell_log(checked: Checked) -> None:
    if checked.problems:
        print(f"the run log was changed: {len(checked.problems)} problem(s) in {checked.records} records")
    elif checked.head:
        print(f"the run log is whole: {checked.records} records, the last is {checked.head.hash[:16]}")
    else:
        print("the run log is empty: there was nothing to look through")
    for problem in checked.problems:
        print(f"  {problem}")
    for note in checked.notes:
        say(note)


def add_to(app: typer.Typer) -> None:
    for verb in (sign, verify):
        app.command(rich_help_panel="Judge and keep")(verb)
