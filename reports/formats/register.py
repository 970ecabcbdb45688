"""Which evidence does a page show, and how much of each? All that findings cite, within a budget of characters."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.scorecard import Cited, Scorecard
from reports.formats.excerpt import Block, blocks
from reports.formats.view import anchor


@dataclass(frozen=True)
class Budget:
    """How much a page may show: characters of content, and pieces of evidence listed at all."""

    characters: int
    entries: int


@dataclass(frozen=True)
class Entry:
    """One piece of evidence on the page. `cut`: its content was left out, because the page would grow too large."""

    cited: Cited
    anchor: str
    blocks: tuple[Block, ...]
    cut: bool


@dataclass(frozen=True)
class Register:
    """Entries in the order of the scorecard; `left` pieces that findings do not cite were not listed."""

    entries: tuple[Entry, ...]
    left: int


def register(card: Scorecard, budget: Budget) -> Register:
    """The budget is spent on cited evidence first."""
    order = {c.id: position for position, c in reversed(list(enumerate(card.evidence)))}
    asked = _asked(card)
    unique = {anchor(c.id): c for c in reversed(card.evidence)}
    chosen = sorted(unique.values(), key=lambda c: (c.id not in asked, order[c.id]))[: budget.entries]
    entries, room = [], budget.characters
    for cited in chosen:
        content = blocks(cited.excerpt) if room > 0 else ()
        weight = sum(block.weight for block in content)
        cut = bool(cited.excerpt) and (room <= 0 or weight > room)
        room -= 0 if cut else weight
        entries.append(Entry(cited, anchor(cited.id), () if cut else content, cut))
    entries.sort(key=lambda entry: order[entry.cited.id])
    return Register(tuple(entries), len(unique) - len(entries))


def _asked(card: Scorecard) -> frozenset[str]:
    findings = (cite for tip in card.tips for finding in tip.findings for cite in finding.cites)
    rungs = (cite for rung in card.rungs for cite in rung.cites)
    drift = (cite for change in card.story.drift for cite in change.cites)
    around = card.surroundings
    rows = (*(i.cites for i in around.images), *(w.cites for w in around.ways), *(k.cites for k in around.leaks))
    environment = (cite for cites in rows for cite in cites)
    return frozenset((*findings, *rungs, *drift, *environment))
