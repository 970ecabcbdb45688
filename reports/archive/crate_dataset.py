"""How is a data set that a run referred to described in a crate? By its DOI or URL, version, licence and the digest of its tree."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

from reports.archive.recipe import RecipeDataset

Entity = dict[str, Any]
_WEB = re.compile(r"https?://[^\s/]+")


def name(d: RecipeDataset) -> str:
    """Its `@id`: others describe the whole at its DOI or URL; a folder of it is only ours."""
    if d.doi and not d.part:
        return f"https://doi.org/{quote(d.doi)}"
    return quote(d.url, safe=":/?&=%#+,;@~") if _WEB.match(d.url) and not d.part else f"#dataset-{d.name}-{d.digest[7:19]}"


def entities(d: RecipeDataset) -> list[Entity]:
    """The data set and its licence."""
    part = f" (its folder {d.part})" if d.part else ""
    entity: Entity = {
        "@id": name(d),
        "@type": "Dataset",
        "name": d.name,
        "description": f"Not in the bundle{part}: {d.files} files, {d.size} bytes; the digest of its tree (`auditor manifest`) is {d.digest}.",
        "alternateName": d.place,
    }
    told = {"version": d.version, "url": d.url if _WEB.match(d.url) else "", "identifier": f"doi:{d.doi}" if d.doi else ""}
    entity |= {key: value for key, value in told.items() if value}
    if not d.license:
        return [_clean(entity)]
    url = d.license if _WEB.match(d.license) else f"https://spdx.org/licenses/{quote(d.license)}"
    licence = {
        "@id": url,
        "@type": "CreativeWork",
        "name": d.license,
        "description": f"Licence {d.license} of the data set {d.name}.",
    }
    return [_clean(entity | {"license": {"@id": url}}), _clean(licence)]


def _clean(entity: Entity) -> Entity:
    """JSON-LD readers refuse lone surrogates."""
    return {
        k: v.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if isinstance(v, str) else v for k, v in entity.items()
    }
