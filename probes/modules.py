"""Which environment modules were loaded, and what did their files say?"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Module:
    """A loaded module (`gcc/12.2.0`) and its modulefile; sha256 empty when the file could not be read."""

    name: str
    path: str
    sha256: str


@dataclass(frozen=True)
class LoadedModules:
    """Lmod or Environment Modules, from LOADEDMODULES and _LMFILES_; at submit also the ones that the script loads."""

    system: str
    modules: tuple[Module, ...]
    modulepath: tuple[str, ...]
