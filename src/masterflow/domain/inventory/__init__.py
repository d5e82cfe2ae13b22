"""The inventory: assets out of clean rows, each value with its way back to a cell."""

from masterflow.domain.inventory.build import build_inventory
from masterflow.domain.inventory.model import (
    AssetDraft,
    Conflict,
    FieldSource,
    Inventory,
    NameGuess,
    Placement,
    Reconciliation,
)
from masterflow.domain.inventory.summary import InventorySummary, summarise

__all__ = [
    "AssetDraft",
    "Conflict",
    "FieldSource",
    "Inventory",
    "InventorySummary",
    "NameGuess",
    "Placement",
    "Reconciliation",
    "build_inventory",
    "summarise",
]
