"""This machine and its settings: preflight, doctor, demo, config, hook, shim."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from auditor.cli.common import Json, console, emit, say
from auditor.model import AuditError


def preflight(script: Annotated[Path, typer.Argument(help="A batch script.", readable=False)], json: Json = False) -> None:
    """What would an audit say of this script? Before it is submitted; nothing is run.

    Example: auditor preflight train.sh
    """
    from auditor.preflight import preflight as look

    result = look(script)
    if json:
        emit(result)
    else:
        from auditor.cli.tables import preflight_view

        console().print(preflight_view(result))
    sys.exit(1 if result.problems or any(f.outcome == "failed" for f in result.findings) else 0)


def doctor(json: Json = False) -> None:
    """What does this site allow, and what does that mean for evidence? Looks only; contacts nobody.

    Example: auditor doctor
    """
    from auditor.doctor import examine
    from auditor.world import RealWorld

    rows = examine(RealWorld())
    if json:
        emit(rows)
        return
    from auditor.cli.tables import doctor_table

    console().print(doctor_table(rows))


def demo(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder to work in.")] = Path("auditor-demo"),
    on: Annotated[str, typer.Option(help="auto, slurm or local.")] = "auto",
    json: Json = False,
) -> None:
    """The whole road on a small campaign that ships with the program: simulate, train, predict, simulate, twice around.

    Captured, stored, scored, reported, bundled, verified, and replayed in another folder. Under two minutes.

    Example: auditor demo /tmp/demo
    """
    from auditor.demo import run

    result = run(folder, on=on)
    if json:
        emit(result)
    sys.exit(0 if result.verdict in {"identical", "equivalent"} else 1)


def config(
    key: Annotated[str, typer.Argument(help="A setting; none: show all.", show_default=False)] = "",
    value: Annotated[str, typer.Argument(help="Its new value; lists are separated by `:`.", show_default=False)] = "",
    project: Annotated[bool, typer.Option("--project", help="Write ./.auditor.toml instead of your own file.")] = False,
    json: Json = False,
) -> None:
    """Settings in force and where each comes from: defaults < your file < project file < AUDITOR_* variables < options.

    Examples: auditor config     auditor config hook 0     auditor config label paper --project
    """
    import os

    from auditor import config as settings

    if value:
        path = str(Path.cwd() / settings.PROJECT_FILE) if project else settings.user_file(os.environ)
        if not path:
            raise AuditError("there is no home for a settings file", "set AUDITOR_CONFIG to a path, or use --project")
        settings.write(path, key, value)
        say(f"wrote {path}")
        return
    now = settings.load()
    if key and key not in now.origin:
        raise AuditError(f"there is no setting `{key}`", f"settings are: {', '.join(now.origin)}")
    keys = [key] if key else list(now.origin)
    if json:
        emit({k: {"value": getattr(now.config, k), "from": now.origin[k]} for k in keys})
        return
    from auditor.cli.tables import settings_table

    console().print(settings_table(now, keys))


def hook() -> None:
    """Write the in-job hook, and print its path: for jobs that are not submitted through us, one line in a bash script is enough.

    Example: . ~/.local/state/auditor/hook/hook.sh     as the first command of the script
    """
    from auditor.cli.common import home
    from auditor.submit.hook import install

    where = home()
    install(where)
    print(Path(where.root) / "hook" / "hook.sh")


def shim(folder: Annotated[Path, typer.Argument(help="A folder that stands first in PATH where tools call sbatch.")]) -> None:
    """Write a file named `sbatch` that is `auditor sbatch`, for tools that submit by themselves.

    Example: auditor shim ~/auditor-bin && PATH=~/auditor-bin:$PATH snakemake --executor slurm
    """
    from auditor.submit.shim import install_shim

    print(install_shim(str(folder.absolute())))


def add_to(app: typer.Typer) -> None:
    for verb in (preflight, doctor, demo, config, hook, shim):
        app.command(rich_help_panel="This site")(verb)
