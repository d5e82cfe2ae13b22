"""What lists can be restricted to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from masterflow.store.repositories.assets import AssetFilter
from masterflow.store.repositories.audit import AuditFilter
from masterflow.store.repositories.flows import FlowFilter

__all__ = ["AssetFilter", "AuditFilter", "FlowFilter", "FlowFilters"]


@dataclass(frozen=True, slots=True)
class FlowFilters:
    """Which flows a list shows; empty or None does not restrict.

    `status` takes several, also the older "processing" (queued or running). `created_after` is
    inclusive, `created_before` exclusive. Deleted flows are shown only when asked for.
    """

    status: tuple[str, ...] = ()
    flow_type: tuple[str, ...] = ()
    current_phase: str | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    name_contains: str | None = None
    include_deleted: bool = False
