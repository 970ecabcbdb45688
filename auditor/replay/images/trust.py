"""May these names of images be handed to a container runtime? A bundle comes from a stranger, and its words must not become options."""

from __future__ import annotations

import re

from auditor.model import AuditError
from reports.archive.recipe import Recipe

_PULL = re.compile(r"[A-Za-z0-9\[][A-Za-z0-9._:/\[\]-]{0,500}@sha256:[0-9a-f]{64}")
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}|uuid:[0-9A-Fa-f-]{1,64}")
_FORMS = ("", "file", "oci-layout")
_BUILDERS = ("", "apptainer", "dockerfile")


def check_images(recipe: Recipe) -> None:
    """Raise AuditError for a name that is none."""
    for image in recipe.images:
        name = image.reference
        plain = bool(name) and not name.startswith("-") and not re.search(r"[\0\n]", name) and len(name) <= 4096
        pull = not image.pull or _PULL.fullmatch(image.pull)
        known = not image.image_id or _ID.fullmatch(image.image_id)
        if not (plain and pull and known) or image.form not in _FORMS or image.builder not in _BUILDERS:
            raise AuditError(
                f"the recipe names an image in a way it must not: {ascii(name)[:80]}", "nothing was run; do not trust this bundle"
            )
