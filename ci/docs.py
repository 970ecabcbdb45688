#!/usr/bin/env python3
"""Are the tables in README.md what the program says of itself? `ci/docs.py` rewrites them, `--check` fails when they are stale."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def row(*cells: str) -> str:
    return "| " + " | ".join(c.replace("|", "\\|").replace("\n", " ") for c in cells) + " |"


def verbs() -> Iterator[str]:
    import typer.main

    from auditor.cli import app

    yield row("verb", "what it does")
    yield row("---", "---")
    for command in app.registered_commands:
        made = typer.main.get_command_from_info(command, pretty_exceptions_short=True, rich_markup_mode=None)
        said = re.sub(r"\[/?bold\]", "", (made.help or "").split("\n\n")[0])
        yield row(f"`{made.name}`", said)


def probes() -> Iterator[str]:
    from auditor.registry import probes as all_probes

    yield row("probe", "question", "when", "where")
    yield row("---", "---", "---", "---")
    for name, probe in all_probes().items():
        module = sys.modules[probe.collect.__module__]
        order = ("submit", "start", "end", "later")
        when = ", ".join(p for p in order if p in probe.phases)
        inside = {"start", "end"} & set(probe.phases)
        where = "in the job" if probe.guest else ("from the job's record" if inside else "login side")
        yield row(f"`{name}`", (module.__doc__ or "").strip().splitlines()[0], when, where)


def tips() -> Iterator[str]:
    from auditor.registry import tips as all_tips

    yield row("", "tip", "checks")
    yield row("---", "---", "---")
    for number, tip in all_tips().items():
        yield row(str(number), tip.title, ", ".join(f"`{c.id}`" for c in (*tip.checks, *tip.campaign)))


def formats() -> Iterator[str]:
    from auditor.registry import formats as all_formats

    yield row("format", "for")
    yield row("---", "---")
    for name in all_formats():
        module = sys.modules.get(f"reports.formats.{name}")
        yield row(f"`{name}`", (module.__doc__ or "").strip().splitlines()[0] if module else "from a plug-in")


def settings() -> Iterator[str]:
    from auditor.config import Config, toml

    source = (README.parent / "auditor/config.py").read_text()
    yield row("setting", "default", "meaning")
    yield row("---", "---", "---")
    for f in fields(Config):
        said = re.search(rf'    {f.name}: .*\n    """(.*)"""', source)
        yield row(f"`{f.name}`", f"`{toml(getattr(Config(), f.name))}`", said[1] if said else "")


def phases() -> Iterator[str]:
    from reports.judging.phases import table

    yield row("phase", "sign", "one of")
    yield row("---", "---", "---")
    for phase, sign, words in table():
        yield row(f"`{phase}`", sign, words)


TABLES: dict[str, Callable[[], Iterator[str]]] = {
    "verbs": verbs,
    "probes": probes,
    "tips": tips,
    "formats": formats,
    "settings": settings,
    "phases": phases,
}


def main() -> int:
    before = README.read_text()
    after = before
    for name, make in TABLES.items():
        body = "\n".join(make())
        after, found = re.subn(
            rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", lambda m, body=body: f"{m[1]}{body}\n{m[2]}", after, flags=re.DOTALL
        )
        if not found:
            print(f"README.md has no place for the table `{name}`")
            return 1
    if "--check" in sys.argv:
        if before != after:
            print("README.md is stale: run ci/docs.py")
        return int(before != after)
    README.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
