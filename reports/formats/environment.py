"""What does a page say of the environment? Which image ran, whether it can be had again, what leaked in, and the software, in words."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.scorecard import Count, ImageSeen, Leak, Scorecard, Way
from reports.formats.words import count

WAYS = {
    "image-by-digest": "Image by digest",
    "image-file": "Image file",
    "guix": "Guix channels and manifest",
    "lock-with-hashes": "Lock with hashes",
    "conda-explicit": "Conda packages by URL and hash",
    "spack-lock": "Spack lock",
    "image-recipe": "Recipe in the image",
    "lock-without-hashes": "Names and versions, no hashes",
    "image-by-tag": "Image by tag",
    "module-names": "Module names",
    "nothing": "Nothing",
}
STATES = {"confirmed": "confirmed", "recorded": "recorded, not tried", "partial": "in part", "lost": "gone"}
LOOKS = {"confirmed": "passed", "recorded": "weak", "partial": "weak", "lost": "failed"}
"""State -> how a page colours it, in the words of outcomes."""
HOWS = {
    "inside": "the job's script ran inside of it",
    "cache": "found in the runtime's cache",
    "instance": "a running instance",
    "engine": "a container of the local engine",
    "start": "there as the job started",
    "named": "only named; nothing shows that it ran",
}
SPOKEN = {
    "pypi": "Python",
    "deb": "Debian",
    "rpm": "RPM",
    "cran": "R",
    "conda": "conda",
    "spack": "Spack",
    "guix": "Guix",
    "julia": "Julia",
}
LEAKS = {
    "writable": "Writable",
    "overlay": "Overlay",
    "root": "Rights",
    "home": "Home",
    "environment": "Environment",
    "network": "Network",
    "gpu": "GPU",
    "folder": "Folder",
    "temporary": "/tmp",
    "bind": "Binds",
    "variable": "Variables",
    "path": "Import path",
    "edited": "Edited files",
    "startup": "Code at every start",
    "unowned": "Modules of no package",
}


def verdict(card: Scorecard) -> tuple[str, str]:
    """Can it be had again, in one sentence; and how it looks: `none` (good), `found` (bad), `unknown`, as drift does."""
    best = card.surroundings.ways[0] if card.surroundings.ways else None
    if best is None or best.name == "nothing":
        return "Nothing is known that could bring this environment back.", "unknown"
    called = WAYS.get(best.name, best.name).lower()
    state = card.surroundings.again or best.state
    return {
        "confirmed": (f"This environment can be had again, and that was tried: by {called}.", "none"),
        "recorded": (
            f"All that it takes to have this environment again is recorded, and nobody has tried: by {called}.",
            "unknown",
        ),
        "partial": (f"This environment can be had again only in part: by {called}.", "found"),
        "lost": (f"This environment is gone: {called}.", "found"),
    }.get(state, (f"{called}: {state}", "unknown"))


def way(one: Way) -> str:
    return WAYS.get(one.name, one.name)


def state(one: Way) -> str:
    """Nothing can be tried where there is nothing; a word that is none of ours is not put on a badge."""
    return "no way" if one.name == "nothing" else STATES.get(one.state, "not known")


def how(image: ImageSeen) -> str:
    if image.how == "cache" and not image.digests:
        return "the runtime's cache does not tell which one ran"
    return HOWS.get(image.how, image.how)


def leak(one: Leak) -> str:
    return LEAKS.get(one.what, one.what)


def leaked(card: Scorecard) -> str:
    found = card.surroundings.leaks
    if not found:
        return "Nothing is known that reached in from the host."
    names = ", ".join(dict.fromkeys(leak(one).lower() if leak(one) != "GPU" else "GPU" for one in found))
    serious = sum(one.serious for one in found)
    return f"{count(len(found), 'thing')} of the host reached in: {names}{_serious(serious, len(found))}"


def _serious(serious: int, every: int) -> str:
    if not serious:
        return "."
    return f"; {'it' if every == 1 else 'all of them' if serious == every else f'{serious} of them'} can change what runs."


def software(card: Scorecard) -> str:
    """`1,204 pieces of software known: 926 Debian, 212 Python, 66 conda.` The host's apart where the work was done in an image."""
    counts = sorted(card.surroundings.counts, key=lambda c: (-c.number, c.ecosystem))
    own, host = ([c for c in counts if c.host is of_host] for of_host in (False, True))
    if not counts:
        return "No list of software was seen."
    first = f"{_pieces(own)} of software known: {_told(own)}." if own else ""
    if not host:
        return first
    listed = any(image.parts for image in card.surroundings.images)
    inside = (
        "What is inside of the image is in the list that it brings along"
        if listed
        else "What is inside of the image is not listed"
    )
    return f"{first} {inside}. Outside of it, of the host: {_pieces(host)} ({_told(host)}).".strip()


def _pieces(counts: Sequence[Count]) -> str:
    return count(sum(c.number for c in counts), "piece")


def _told(counts: Sequence[Count]) -> str:
    return ", ".join(f"{c.number:,} {SPOKEN.get(c.ecosystem, c.ecosystem)}" for c in counts)
