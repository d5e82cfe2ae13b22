"""All canonical fields by name, and which of them a sheet of a given role may fill."""

from __future__ import annotations

from masterflow.domain.fields.asset_field import RELATION, AssetField
from masterflow.domain.fields.targets_business import (
    BUSINESS_FIELDS,
    LOAD_FIELDS,
    MIGRATION_FIELDS,
    RELATION_FIELDS,
)
from masterflow.domain.fields.targets_system import IDENTITY_FIELDS, PLACE_FIELDS, SYSTEM_FIELDS
from masterflow.domain.records import SheetRole

FIELDS: dict[str, AssetField] = {
    field.name: field
    for field in (
        *IDENTITY_FIELDS,
        *PLACE_FIELDS,
        *SYSTEM_FIELDS,
        *LOAD_FIELDS,
        *BUSINESS_FIELDS,
        *MIGRATION_FIELDS,
        *RELATION_FIELDS,
    )
}
"""Field name -> field. Columns of the asset table that the product fills itself (identifiers of
flows, scores, audit, provenance) are no mapping targets and are not listed."""

# In a sheet of disks or network cards these describe the card or disk, not the asset it belongs to.
_OF_THE_PART = frozenset({"asset_type", "vendor", "model", "serial_number", "status", "lifecycle", "risk_level"})
_ASSET_TARGETS = frozenset(FIELDS) - RELATION
_RELATION_TARGETS = RELATION | {"name", "description"}


def allowed_targets(role: SheetRole) -> frozenset[str]:
    """Target names a person may choose for a column of such a sheet; empty for an ignored one."""
    if role.kind == "ignored":
        return frozenset()
    if role.kind == "relation":
        return _RELATION_TARGETS
    if role.asset_type == "application":
        # Konveyor's import form declares dependencies in rows of the application sheet.
        return _ASSET_TARGETS | RELATION
    return _ASSET_TARGETS


def suggested_targets(role: SheetRole) -> frozenset[str]:
    """Targets proposed from names and values alone; presets and people may use all allowed ones."""
    if role.kind == "relation":
        return RELATION
    if role.kind == "detail":
        return allowed_targets(role) - RELATION - _OF_THE_PART
    return allowed_targets(role) - RELATION
