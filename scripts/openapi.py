"""Write the generated reference: docs/reference/openapi.json, errors.md and permissions.md."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))

from reference import documents  # noqa: E402

if __name__ == "__main__":
    for name, text in documents().items():
        (ROOT / "docs" / "reference" / name).write_text(text, encoding="utf-8")
