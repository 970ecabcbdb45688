"""How is YAML of a stranger read? Plain values only, as text where wanted; bounded, and no tag makes an object. https://yaml.org/spec/1.2.2/"""

from __future__ import annotations

from typing import Any

from auditor.world import World

MAX_BYTES = 16 << 20
MAX_ALIASES = 1000


class NotYaml(ValueError):
    """No YAML, or more than we read: one line why."""


def load(text: str, *, texts: bool = False) -> Any:
    """The document. texts: every scalar stays text (`0o644`, `1:30`, `no`), as PyYAML's BaseLoader has it. Raises NotYaml."""
    import yaml  # not where jobs import probes

    if len(text) > MAX_BYTES:
        raise NotYaml(f"more than {MAX_BYTES} characters")
    if text.count("*") > MAX_ALIASES and _aliases(text) > MAX_ALIASES:
        raise NotYaml(f"more than {MAX_ALIASES} aliases")
    try:
        return yaml.load(text, _loader("Base" if texts else "Safe"))  # both loaders make plain values only
    except (yaml.YAMLError, ValueError, RecursionError, OverflowError) as error:
        raise NotYaml(" ".join(str(error).split())[:200]) from None


def read(world: World, path: str, *, texts: bool = False) -> Any:
    """As load, of a file. Raises NotYaml, OSError."""
    return load(world.text(path, MAX_BYTES), texts=texts)


def _loader(kind: str) -> Any:
    """In C where PyYAML was built with it: ten times as fast."""
    import yaml

    return getattr(yaml, f"C{kind}Loader", getattr(yaml, f"{kind}Loader"))


def _aliases(text: str) -> int:
    import yaml

    try:
        return sum(isinstance(e, yaml.AliasEvent) for e in yaml.parse(text, _loader("Safe")))
    except (yaml.YAMLError, ValueError):
        return 0
