"""Processes of this test process, read from /proc."""

from __future__ import annotations

import os
from pathlib import Path


def children(parent: int | None = None) -> set[int]:
    """Live direct children of a process; of this one unless another is named. Ended ones do not count."""
    wanted, found = str(parent or os.getpid()), set()
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[1] == wanted and fields[0] != "Z":
            found.add(int(status.parent.name))
    return found
