"""How do the worlds and their golden scorecards get onto the disk? Called by `ci/golden`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from auditor import codec
from auditor.campaigncard import CampaignCard
from auditor.model import Evidence, Job
from auditor.registry import formats
from auditor.scorecard import Format, Owner, Scorecard
from auditor.store import Store
from reports.campaigns.score import kinds
from reports.campaigns.score import score as audit
from reports.score import score
from tests.worlds.make import WORLDS

HERE = Path(__file__).parent
GOLDEN = HERE.parent / "golden"
OWNER = Owner("Lovelace, Ada", "Analytical Society", "0000-0002-1825-0097", "https://spdx.org/licenses/CC-BY-4.0")


def stored(name: str) -> tuple[Job, tuple[Evidence, ...]]:
    """A world as it lies on the disk."""
    folder = HERE / name
    job = codec.loads((folder / "job.json").read_bytes(), Job)
    return job, codec.loads((folder / "evidence.json").read_bytes(), tuple[Evidence, ...])


def files() -> Iterator[tuple[Path, bytes]]:
    """Every file that belongs there, and its bytes. The auditor's own version is left out of a golden scorecard."""
    for name, make in WORLDS.items():
        job, evidence = make()
        yield HERE / name / "job.json", codec.pretty(job)
        yield HERE / name / "evidence.json", codec.pretty(evidence)
        scorecard = golden(job, evidence)
        yield GOLDEN / name / "scorecard.json", scorecard
        yield from pages(GOLDEN / name, codec.loads(scorecard, Scorecard))
        yield from deposits(GOLDEN / name, job, evidence)
    yield from of_campaign()


def campaign() -> CampaignCard:
    """A round of the study in tests/study.py with the engine that drove it, read from a store."""
    from tests.study import LABEL, driven, study  # it takes a world from here

    with TemporaryDirectory() as folder, Store.open(f"{folder}/store.duckdb") as store:
        store.ingest([*study(tasks=3, files=1), *driven("1001", "1002", "1003")])
        found = store.group(LABEL)
        card = audit(found.group(), found.runs(kinds()), phases={"driver*": "prepare"})
    return replace(card, auditor="0", ruleset="1-" + "0" * 64)


def of_campaign() -> Iterator[tuple[Path, bytes]]:
    """The campaign's page in every format."""
    card = campaign()
    for form in formats().values():
        if form.of_campaign:
            yield GOLDEN / "campaign" / f"campaign{form.suffix}", form.of_campaign(card)


def is_page(form: Format) -> bool:
    """Made of the scorecard alone, the same everywhere: not JSON, which it is already, nor a PDF, which is of its typesetter's version."""
    return form.name not in ("json", "pdf") and form.of_evidence is None and form.of_deposit is None


def pages(folder: Path, card: Scorecard) -> Iterator[tuple[Path, bytes]]:
    """The scorecard as each page."""
    for form in formats().values():
        if is_page(form):
            yield folder / f"report{form.suffix}", form.render(card)


def deposits(folder: Path, job: Job, evidence: tuple[Evidence, ...]) -> Iterator[tuple[Path, bytes]]:
    """What accompanies a deposit: of the poor job nobody said whose it is."""
    for form in formats().values():
        if form.of_deposit:
            yield (
                folder / f"deposit{form.suffix}",
                form.of_deposit(job, evidence, Owner() if folder.name == "poor_job" else OWNER),
            )


def golden(job: Job, evidence: tuple[Evidence, ...]) -> bytes:
    """What changes with every release or reworded rule (version, hash over the rules) is not what a golden file is for."""
    plain = codec.plain(score(job, evidence))
    return codec.pretty({**plain, "auditor": "0", "ruleset": "1-" + "0" * 64})


def main(check: bool) -> int:
    stale = [path for path, data in files() if not path.exists() or path.read_bytes() != data]
    for path in stale:
        sys.stdout.write(f"{path.relative_to(HERE.parent.parent)}\n")
    if check:
        return bool(stale)
    for path, data in files():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
