"""How do `bundle --share` and `report --share` come to a run under pseudonyms, and where are the real names kept, if at all?"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from auditor.cli.common import say
from auditor.home import find
from auditor.model import AuditError, Evidence, Job

if TYPE_CHECKING:
    from auditor.scorecard import Format, Owner
    from reports.archive.share.scan import Blocked
    from reports.archive.share.share import Shared

Share = Annotated[
    bool,
    typer.Option(
        "--share", help="For publishing: people, machines, folders under pseudonyms; secrets out; blocked if one is left."
    ),
]
KeepNames = Annotated[Path | None, typer.Option(help="With --share: write who is who to this new file, for you alone.")]
Accept = Annotated[
    list[str] | None, typer.Option(help="With --share: RULE:FILE of a finding that you looked at; may be repeated.")
]


def public_run(job: Job, evidence: Sequence[Evidence], keep: Path | None) -> Shared:
    """The run under pseudonyms; keep: where the real names go, readable by nobody else. Raises AuditError: there is such a file."""
    from auditor import objects
    from auditor.world import RealWorld
    from reports.archive.share.share import share

    where = find()
    shared = share(job, evidence, lambda sha: objects.get(where.objects, sha) if where else None, RealWorld())
    if keep:
        _write_names(keep, shared)
    return shared


def _write_names(path: Path, shared: Shared) -> None:
    from auditor.codec import pretty

    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600), "wb") as file:
            file.write(pretty(shared.book.mapping()))
    except FileExistsError as error:
        raise AuditError(f"{path} is already there", "names of several bundles do not mix; name a new file") from error
    except OSError as error:
        raise AuditError(f"{path} cannot be written: {error.strerror or error}", "name another file with --keep-names") from error
    say(f"who is who stands in {path}; keep it to yourself")


def public_page(form: Format, shared: Shared, owner: Callable[[], Owner], accept: Sequence[str]) -> bytes:
    """A page of a shared run. Raises Blocked where something is left in it, or in the scorecard that it is made of."""
    from auditor.codec import pretty
    from auditor.world import RealWorld
    from reports.archive.bag import Item
    from reports.archive.share.pack import check
    from reports.score import score

    job, evidence = shared.job, shared.evidence
    card = score(job, evidence)
    if form.of_deposit:
        raw = form.of_deposit(job, evidence, owner())
    elif form.of_evidence:
        raw = form.of_evidence(job, evidence)
    else:
        raw = form.render(card)
    check([Item("scorecard.json", pretty(card)), Item(f"report{form.suffix}", raw)], shared.cover, RealWorld(), accept)
    return raw


def blocked(error: Blocked) -> NoReturn:
    """Say what was found, never what it says; exit status 1: the answer is no."""
    from auditor.cli.common import fail

    fail(error)
    sys.exit(1)
