"""What the inventory answers: imports, mappings, assets and where their values come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from masterflow.domain.fields import FIELDS
from masterflow.store.tables import Asset, AssetDependency, AssetTechDebt, DataImport, ImportFieldMapping

_COUNTS = frozenset(name for name, field in FIELDS.items() if field.kind == "integer")
_HIDDEN = frozenset({"client_account_id", "engagement_id", "field_sources"})


@dataclass(frozen=True, slots=True)
class ImportView:
    """An uploaded file; `already_uploaded` says that the engagement had this content before."""

    import_id: UUID
    file_name: str
    size: int
    sha256: str
    media_type: str
    status: str
    source: str
    source_title: str
    dialect: dict[str, Any]
    sheets: list[dict[str, Any]]
    total_records: int | None
    rejected_records: int | None
    issues: list[dict[str, Any]]
    flow_id: UUID | None
    created_at: datetime
    created_by: str
    already_uploaded: bool = False


@dataclass(frozen=True, slots=True)
class MappingView:
    """One column of an import and the asset field it holds."""

    sheet: str
    column: str
    position: int
    target: str | None
    suggested: str | None
    confidence: float
    unit: str
    evidence: list[str]
    alternatives: list[dict[str, Any]]
    samples: list[Any]
    decided_by: str
    status: str


@dataclass(frozen=True, slots=True)
class FieldLineage:
    """Where one value of an asset comes from: source cells first, then edits by people, oldest first."""

    field: str
    value: Any
    sources: list[dict[str, Any]]
    edits: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class DependencyView:
    """An edge between two assets."""

    dependency_id: UUID
    source_asset_id: UUID
    target_asset_id: UUID
    kind: str
    confidence: float
    evidence: list[str]
    record_ids: list[str]
    port: int | None
    protocol: str
    flow_id: UUID | None


@dataclass(frozen=True, slots=True)
class TechDebtView:
    """What was found about the support of one thing on an asset."""

    asset_id: UUID
    subject: str
    found_text: str
    product: str
    cycle: str
    state: str
    severity: str
    end_of_life: date | None
    extended_end: date | None
    days_left: int | None
    reasons: list[str]
    assessed_on: date
    catalog_as_of: str
    flow_id: UUID | None


def import_view(row: DataImport, *, blob: Any, already_uploaded: bool = False) -> ImportView:
    """An import with its file."""
    return ImportView(
        import_id=row.id,
        file_name=row.file_name,
        size=blob.size,
        sha256=blob.sha256.hex(),
        media_type=blob.media_type,
        status=row.status,
        source=row.source,
        source_title=row.source_title,
        dialect=dict(row.dialect),
        sheets=list(row.sheets),
        total_records=row.total_records,
        rejected_records=row.rejected_records,
        issues=list(row.issues),
        flow_id=row.flow_id,
        created_at=row.created_at,
        created_by=row.created_by,
        already_uploaded=already_uploaded,
    )


def mapping_view(row: ImportFieldMapping) -> MappingView:
    """A mapping row."""
    return MappingView(
        sheet=row.sheet,
        column=row.source_column,
        position=row.position,
        target=row.target_field,
        suggested=row.suggested_field,
        confidence=row.confidence,
        unit=row.unit,
        evidence=list(row.evidence),
        alternatives=list(row.alternatives),
        samples=list(row.sample_values),
        decided_by=row.decided_by,
        status=row.status,
    )


def asset_view(row: Asset) -> dict[str, Any]:
    """Every column of an asset but the tenant's and the lineage, which has a route of its own."""
    names = (column.name for column in Asset.__table__.c if column.name not in _HIDDEN)
    return {("asset_id" if name == "id" else name): _shown(name, getattr(row, name)) for name in names}


def _shown(name: str, value: Any) -> Any:
    """Counts are stored as numbers like all figures and shown without a fraction that they lack."""
    return int(value) if name in _COUNTS and isinstance(value, float) and value.is_integer() else value


def dependency_view(row: AssetDependency) -> DependencyView:
    """An edge row; port 0 means none was stated."""
    return DependencyView(
        dependency_id=row.id,
        source_asset_id=row.source_asset_id,
        target_asset_id=row.target_asset_id,
        kind=row.kind,
        confidence=row.confidence,
        evidence=list(row.evidence),
        record_ids=list(row.record_ids),
        port=row.port or None,
        protocol=row.protocol,
        flow_id=row.flow_id,
    )


def tech_debt_view(row: AssetTechDebt) -> TechDebtView:
    """A finding row."""
    return TechDebtView(
        asset_id=row.asset_id,
        subject=row.subject,
        found_text=row.found_text,
        product=row.product,
        cycle=row.cycle,
        state=row.state,
        severity=row.severity,
        end_of_life=row.end_of_life,
        extended_end=row.extended_end,
        days_left=row.days_left,
        reasons=list(row.reasons),
        assessed_on=row.assessed_on,
        catalog_as_of=row.catalog_as_of,
        flow_id=row.flow_id,
    )
