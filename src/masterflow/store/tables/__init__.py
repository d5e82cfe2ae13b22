"""Every table of the schema as SQLAlchemy classes, for repositories and for Alembic."""

from masterflow.store.tables.asset import Asset, AssetDependency, AssetTechDebt
from masterflow.store.tables.base import Base
from masterflow.store.tables.flow import (
    CapturedTable,
    ChangeSet,
    Checkpoint,
    KnownStatus,
    KnownTransition,
    MasterFlow,
    PhaseRun,
    RunStep,
)
from masterflow.store.tables.imports import (
    Blob,
    BlobChunk,
    CleansedRecord,
    DataImport,
    ImportFieldMapping,
    QualityIssue,
    RawImportRecord,
)
from masterflow.store.tables.record import AgentInsight, AuditEntry, FlowEvent, IdempotencyKey, LearningPattern
from masterflow.store.tables.tenant import ApiKey, ClientAccount, Engagement, Principal, RoleGrant

__all__ = [
    "AgentInsight",
    "ApiKey",
    "Asset",
    "AssetDependency",
    "AssetTechDebt",
    "AuditEntry",
    "Base",
    "Blob",
    "BlobChunk",
    "CapturedTable",
    "ChangeSet",
    "Checkpoint",
    "CleansedRecord",
    "ClientAccount",
    "DataImport",
    "Engagement",
    "FlowEvent",
    "IdempotencyKey",
    "ImportFieldMapping",
    "KnownStatus",
    "KnownTransition",
    "LearningPattern",
    "MasterFlow",
    "PhaseRun",
    "Principal",
    "QualityIssue",
    "RawImportRecord",
    "RoleGrant",
    "RunStep",
]
