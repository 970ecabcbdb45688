"""How does a script come to use the image that was checked, without being edited? A small program of the runtime's name, first in PATH.

It exchanges exactly one word, the first that equals the image's name as the script types it, for the digest, id or file that was checked,
notes that it did, and becomes the real runtime. Everything else goes through untouched. It lies in the replay's folder and nowhere else.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.replay.images.kinds import APPTAINER, ENGINES, programs
from auditor.replay.images.obtain import Had
from reports.archive.recipe import RecipeImage
from reports.archive.typed import expanded

USED = "used"

_HEAD = """#!/bin/sh
# Put here by a replay: names of images are exchanged for the very content that was checked; all else goes through.
real={real}
mapped=
left=$#
while [ "$left" -gt 0 ]; do
  word=$1
  shift
  if [ -z "$mapped" ]; then
    case $word in
{cases}
    esac
  fi
  set -- "$@" "$word"
  left=$((left - 1))
done
"""
_NOTE = """if [ -n "$mapped" ]; then
  printf '%s\\n' "$mapped" >>{used} 2>/dev/null
{pull}fi
exec "$real" "$@"
"""
# what would be pulled is here, checked; an id cannot be pulled
_ENGINE_PULL = """  left=$#
  while [ "$left" -gt 0 ]; do
    word=$1
    shift
    case $word in --pull=always|--pull=missing) word=--pull=never ;; esac
    set -- "$@" "$word"
    left=$((left - 1))
  done
  case "$1 $2" in
    "pull "*|"image pull") echo "$mapped is here already, by its digest" >&2; exit 0 ;;
  esac
"""
_FILE_PULL = """  if [ "$1" = pull ]; then
    file= before= last=
    while [ $# -gt 1 ]; do
      shift
      case $1 in --name) file=$2 ;; --name=*) file=${1#--name=} ;; --dir|--arch) [ $# -gt 1 ] && shift ;; -*) ;; *) before=$last; last=$1 ;; esac
    done
    [ -n "$file" ] || file=${before:-$(printf '%s' "${mapped##*/}" | tr ':@' '__').sif}
    cp -- "$last" "$file"
    exit
  fi
"""


@dataclass(frozen=True)
class Shims:
    """folder: to put first in PATH, empty when no word is exchanged. expected: names of which a use must be noted."""

    folder: str
    expected: tuple[str, ...]


def write(had: Sequence[tuple[RecipeImage, Had]], folder: Path, moved: Mapping[str, str], job: Mapping[str, str]) -> Shims:
    """Make the programs in `folder/bin`. moved: beginnings of paths that are others in the replay; job: its environment."""
    words: dict[str, dict[str, tuple[str, str]]] = {}
    expected = []
    for image, one in had:
        if not one.word or one.word == image.reference:
            continue
        names = {image.reference, *_moved(image.reference, moved), expanded(image.typed, job)} - {one.word, ""}
        for program in programs(image):
            words.setdefault(program, {}).update(dict.fromkeys(names, (one.word, image.reference)))
        if programs(image) and not _lies_there(image, one):
            expected.append(image.reference)
    for program, mapping in words.items():
        real = _real(program, job["PATH"])
        if real:
            _program(folder / "bin" / program, real, mapping, folder / USED)
    return Shims(str(folder / "bin") if words else "", tuple(expected))


def _real(program: str, path: str) -> str | None:
    other = shutil.which("apptainer", path=path) if program in APPTAINER else None
    return shutil.which(program, path=path) or other


def _lies_there(image: RecipeImage, one: Had) -> bool:
    """Is the file where a relative name leads anyway? Then nothing needs to be exchanged."""
    return image.transport == "file" and not image.reference.startswith("/") and one.word.endswith(f"/{image.reference}")


def _moved(text: str, moved: Mapping[str, str]) -> list[str]:
    """The name as the script types it when its work directory or home is another one."""
    return [
        new + text[len(old) :] for old, new in moved.items() if old and (text == old or text.startswith(f"{old.rstrip('/')}/"))
    ]


def _program(path: Path, real: str, mapping: Mapping[str, tuple[str, str]], used: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cases = "\n".join(
        f"      {shlex.quote(typed)}) word={shlex.quote(word)} mapped={shlex.quote(name)} ;;"
        for typed, (word, name) in sorted(mapping.items())
    )
    pull = _ENGINE_PULL if path.name in ENGINES else _FILE_PULL if path.name in APPTAINER else ""
    head = _HEAD.replace("{real}", shlex.quote(real)).replace("{cases}", cases)
    path.write_text(head + _NOTE.replace("{used}", shlex.quote(str(used))).replace("{pull}", pull), "utf-8", "surrogateescape")
    path.chmod(0o700)


def unused(shims: Shims, folder: Path) -> tuple[str, ...]:
    """Names that were to be exchanged and never were: the script reached its runtime by another way."""
    try:
        seen = set((folder / USED).read_text("utf-8", "surrogateescape").split("\n"))
    except OSError:
        seen = set()
    return tuple(name for name in shims.expected if re.sub(r"\n", " ", name) not in seen)
