"""How do the small texts of a bundle read? Instructions, a preview, checksum lists, what each file is."""

from __future__ import annotations

import html
import re
import shlex
from collections.abc import Sequence

from probes.data import DataFile
from reports.archive.crate import Part
from reports.archive.recipe import Recipe, RecipeFile, RecipeImage

KINDS = {
    "evidence/evidence.json": "Everything that was observed of the run; each entry's id is the sha256 of the rest",
    "job.json": "Which job this is",
    "scorecard.json": "The audit: every finding with the evidence it cites",
    "replay.json": "What is needed to run it again, for a program",
    "README.md": "What this archive is, and what to do with it",
    "REPLAY.md": "What is needed to run it again, for a person",
    "report.html": "The audit as a page",
    "report.md": "The audit as text",
    "sbom.cdx.json": "The images and the software of the run, for programs (CycloneDX 1.6)",
    "run-log.json": "How far the maker's run log went (a hash chain): its last record's number and hash",
    "verify.py": "Checks this bundle with nothing but Python's standard library",
    "environment/requirements.txt": "The Python packages the run had, pinned",
    "environment/pylock.toml": "The Python packages the run had, with hashes (PEP 751)",
    "environment/conda-explicit.txt": "The conda packages the run had, by address and digest: conda create --file",
    "manifests/inputs.sha256": "Checksums of all inputs, as `sha256sum -c` reads them",
    "manifests/outputs.sha256": "Checksums of all outputs, as `sha256sum -c` reads them",
    "git/working-tree.diff": "How the code differed from its commit",
    "evidence/redactions.json": "What was taken out before publishing: file, rule, count",
}
ROLES = {"code": "Code the job ran", "input": "Input of the run", "expected": "Output of the run", "log": "What the job printed"}
MEDIA = {
    "json": "application/json", "html": "text/html", "md": "text/markdown", "py": "text/x-python", "sh": "application/x-sh",
    "csv": "text/csv", "toml": "application/toml", "txt": "text/plain", "sha256": "text/plain", "diff": "text/x-diff",
    "npy": "application/x-npy", "npz": "application/zip", "whl": "application/zip", "h5": "application/x-hdf5", "out": "text/plain",
    "err": "text/plain", "log": "text/plain", "yaml": "application/yaml", "yml": "application/yaml", "png": "image/png",
}  # fmt: skip


def describe(path: str, file: RecipeFile | None) -> str:
    if file:
        return ROLES[file.role] + ("; secrets were taken out" if file.redacted else "")
    if path.startswith("images/"):
        return "A container image file, as it is: not searched for secrets" if path.endswith(".sif") else _image_part(path)
    again = "-0repacked-" in path
    wheel = "A wheel packed again from installed files" if again else "A wheel of a package the run had"
    return KINDS.get(path, wheel if path.endswith(".whl") else "Part of the bundle")


def _image_part(path: str) -> str:
    """A layout's parts, or what an image is built from."""
    recipe = path.endswith((".def", ".Dockerfile"))
    return (
        "What a container image was built from"
        if recipe
        else "Part of a container image (OCI image layout), as it is: not searched for secrets"
    )


def media_type(path: str) -> str:
    return MEDIA.get(path.rpartition(".")[2].lower(), "application/octet-stream")


def sha256sum(files: Sequence[DataFile]) -> bytes:
    """Lines of `sha256sum`; a name with a line end or a backslash is escaped as coreutils does it."""
    lines = []
    for file in files:
        if not file.sha256:
            continue  # it was withheld
        name = file.path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        lines.append(f"{'' if name == file.path else chr(92)}{file.sha256}  {name}\n")
    return "".join(lines).encode("utf-8", "surrogateescape")


def shown(text: str, most: int = 300) -> str:
    """Foreign text for one line of a page: no control or direction characters, no back ticks, not without end."""
    plain = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    plain = re.sub(r"[\x00-\x1f\x7f-\x9f`\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", " ", plain)
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def readme(recipe: Recipe) -> bytes:
    """What a stranger reads first."""
    return f"""# Run {shown(recipe.name)} ({shown(recipe.scheduler)} job {shown(recipe.job_id)})

A batch run with its evidence, its audit and what is needed to run it again.

- Look: `report.html`, or `report.md`.
- Is it whole? `python3 verify.py`; it needs nothing but Python.
- Does the audit follow from the evidence? `auditor verify --rescore` on the archive.
- Run it again: `REPLAY.md`.
""".encode()


def instructions(how: Recipe) -> bytes:
    """REPLAY.md."""
    return "\n".join(
        (
            f"# Run {shown(how.name)} again",
            "",
            "With `auditor` installed, from the ZIP file: `auditor replay BUNDLE.crate.zip`. It shows a plan and asks before anything runs.",
            "`python3 verify.py` in this folder says whether the bundle is whole.",
            "",
            "By hand:",
            "",
            *_by_hand(how),
            "",
            *_table("Inputs", [f for f in how.files if f.role == "input"]),
            *_table("Outputs to compare with", [f for f in how.files if f.role in ("expected", "log")]),
            *_gaps(how),
        )
    ).encode()


def _by_hand(how: Recipe) -> list[str]:
    lines = [
        "1. Make an empty folder. Copy the files of `code/` and `inputs/` into it; `replay.json` says where each one belongs (`place`)."
    ]
    if how.requirements:
        pip = "python3 -m venv env && env/bin/pip install --no-deps -r environment/requirements.txt"
        lines.append(f"2. Python {shown(how.python)} with {how.packages} packages: `{pip}`; put `env/bin` first in PATH.")
    lines += [f"2. Image `{shown(i.reference)}`: {shown(_image(i))}." for i in how.images]
    if how.modules:
        lines.append(f"2. Modules: `{shown(' '.join(how.modules))}`.")
    if how.paths:
        lines.append(
            '3. Folders have public names. `export WORK="$PWD"` makes a shell find `/$WORK`; in other programs, write the folder\'s path instead.'
        )
    if how.environment:
        lines.append("3. Set its environment:")
        lines += [f"   - `export {shown(shlex.join([f'{name}={value}']))}`" for name, value in how.environment.items()]
    task = f" with SLURM_ARRAY_TASK_ID={shown(how.array_task)}" if how.array_task else ""
    command = f"{shown(how.interpreter)} {shown(shlex.join([*filter(None, [how.script]), *how.arguments]))}".strip()
    lines.append(f"4. Run `{command}` in that folder{task}.")
    lines.append("5. Compare what it made with `manifests/outputs.sha256` (`sha256sum -c`).")
    return lines


def _image(image: RecipeImage) -> str:
    """Every way to it that the bundle knows, the surest first."""
    carried = {"file": "the file {}", "oci-layout": "the OCI image layout {} (`skopeo copy oci:{} docker-daemon:NAME`)"}
    ways = [carried[image.form].replace("{}", image.carried)] if image.carried and image.form in carried else []
    ways += [f"pull {image.pull}"] if image.pull else []
    ways += [f"file with sha256 {image.sha256}"] if image.sha256 and not image.carried else []
    ways += [f"image id {image.image_id}"] if image.image_id and not ways else []
    ways += [f"build it anew from {image.definition}"] if image.definition else []
    return "; or ".join(ways) or "its content is not known"


def _table(title: str, files: Sequence[RecipeFile]) -> list[str]:
    if not files:
        return []
    rows = [f"| `{_cell(f.place)}` | {f.size} | `{f.sha256}` | {_cell(f.carried or f.reason)} |" for f in files[:200]]
    more = [f"| and {len(files) - 200} more, in `manifests/` | | | |"] if len(files) > 200 else []
    return [f"## {title}", "", "| file | bytes | sha256 | where |", "| --- | --- | --- | --- |", *rows, *more, ""]


def _cell(text: str) -> str:
    """A bar would end the cell, in back ticks too."""
    return shown(text).replace("|", "\\|")


def _gaps(how: Recipe) -> list[str]:
    return ["## What this bundle cannot give", "", *(f"- {shown(g)}" for g in how.gaps), ""] if how.gaps else []


def preview(how: Recipe, parts: Sequence[Part]) -> bytes:
    """ro-crate-preview.html: one page, no script, nothing from elsewhere."""
    title = html.escape(f"Run {shown(how.name)} ({how.scheduler} job {how.job_id})")
    rows = "".join(
        f'<tr><td><a href="{html.escape(p.path)}">{html.escape(p.path)}</a></td><td>{html.escape(p.description)}</td>'
        f"<td>{p.size}</td></tr>\n"
        for p in parts
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}td,th{{text-align:left;padding:.2rem 1rem .2rem 0}}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p>Start with the <a href="report.html">report</a>. To run it again, read <a href="REPLAY.md">REPLAY.md</a>.
The description for programs is <a href="ro-crate-metadata.json">ro-crate-metadata.json</a>.</p>
<table>
<caption>Files</caption>
<thead><tr><th scope="col">file</th><th scope="col">what it is</th><th scope="col">bytes</th></tr></thead>
<tbody>
{rows}</tbody>
</table>
</main>
</body>
</html>
""".encode()
