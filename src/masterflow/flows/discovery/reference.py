"""Reference data of the discovery phases that ships with the package."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

CATALOG_AS_OF = "2026-08-22"
"""Date of the bundled end-of-life data (its source is named in data/README.md)."""


@cache
def lifecycle_document() -> dict[str, Any]:
    """The parsed end-of-life file."""
    text = (resources.files("masterflow") / "data" / "endoflife.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document
