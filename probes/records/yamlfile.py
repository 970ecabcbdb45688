"""How is YAML of a stranger read? Plain values only, as text where wanted; bounded, and no tag makes an object. https://yaml.org/spec/1.2.2/"""

from __future__ import annotations

from typing import Any

import yaml

from auditor.world import World

MAX_BYTES = 16 << 20
MAX_ALIASES = 1000

# C where PyYAML was built with it: ten times as fast
_SAFE: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BASE: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class NotYaml(ValueError):
    """No YAML, or more than we read: one line why."""


def load(text: str, *, texts: bool = False) -> Any:
    """The document. texts: every scalar stays text (`0o644`, `1:30`, `no`), as PyYAML's BaseLoader has it. Raises NotYaml."""
    if len(text) > MAX_BYTES:
        raise NotYaml(f"more than {MAX_BYTES} characters")
    if text.count("*") > MAX_ALIASES and _aliases(text) > MAX_ALIASES:
        raise NotYaml(f"more than {MAX_ALIASES} aliases")
    try:
        return yaml.load(text, _BASE if texts else _SAFE)  # both loaders make plain values only
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise NotYaml(" ".join(str(error).split())[:200]) from None


def read(world: World, path: str, *, texts: bool = False) -> Any:
    """As load, of a file. Raises NotYaml, OSError."""
    return load(world.text(path, MAX_BYTES), texts=texts)


def _aliases(text: str) -> int:
    try:
        return sum(isinstance(e, yaml.AliasEvent) for e in yaml.parse(text, _SAFE))
    except (yaml.YAMLError, ValueError):
        return 0
