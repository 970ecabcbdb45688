"""Where does a text or an environment say that a tracker's store is? Files and databases to read; servers only to name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_URI = re.compile(
    r"(?:MLFLOW_(?:TRACKING|REGISTRY)_URI\s*=|(?:--backend-store-uri|--tracking-uri)[= ]\s*|set_tracking_uri\(\s*|(?<![\w.])storage\s*=)\s*"
    r"""(?P<quote>["']?)(?P<uri>[A-Za-z][\w+]*:/[^\s"';,)&|<>$`]+|/[^\s"';,)&|<>$`]+)(?P=quote)"""
)
_FOLDERS = re.compile(r"""(?:WANDB_DIR|TENSORBOARD_LOGDIR)\s*=\s*(["']?)(/[^\s"';,)&|<>$`]+)\1""")
_URIS = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI", "WANDB_BASE_URL")
_PLACES = ("WANDB_DIR", "TENSORBOARD_LOGDIR")
_MAX = 20


@dataclass(frozen=True)
class Pointed:
    """Absolute paths: databases are files, folders are looked through. servers: scheme, host and path, no login."""

    databases: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    servers: tuple[str, ...] = ()


def in_text(text: str, workdir: str) -> Pointed:
    """By a batch script or a command line: MLFLOW_TRACKING_URI=..., --backend-store-uri ..., set_tracking_uri("..."), WANDB_DIR=..."""
    return _sorted((m["uri"] for m in _URI.finditer(text)), (m[2] for m in _FOLDERS.finditer(text)), workdir)


def in_environment(environment: Mapping[str, str], workdir: str) -> Pointed:
    told = (environment.get(name, "") for name in _URIS)
    places = (environment.get(name, "") for name in _PLACES)
    return _sorted(told, (p for p in places if p.startswith("/")), workdir)


def _sorted(uris: Iterable[str], folders: Iterable[str], workdir: str) -> Pointed:
    every = [pair for uri in uris for pair in _kind(uri, workdir)] + [("folder", os.path.normpath(f)) for f in folders]
    databases, places, servers = (
        tuple(dict.fromkeys(place for kind, place in every if kind == wanted))[:_MAX]
        for wanted in ("database", "folder", "server")
    )
    return Pointed(databases, places, servers)


def _kind(uri: str, workdir: str) -> Iterator[tuple[str, str]]:
    """(kind, place) of a URI: SQLAlchemy's `sqlite:///relative`, `sqlite:////absolute`; `file:`, a plain path, a server."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return
    scheme = parts.scheme.split("+")[0]
    if scheme == "sqlite" and len(parts.path) > 1:
        yield "database", os.path.normpath(os.path.join(workdir, unquote(parts.path[1:])))
    elif scheme in {"file", ""} and parts.path.startswith("/"):
        yield "folder", os.path.normpath(unquote(parts.path) if scheme else uri)
    elif scheme and parts.netloc:
        yield "server", f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
