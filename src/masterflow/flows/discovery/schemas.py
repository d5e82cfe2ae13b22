"""Inputs of the discovery phases and the output of the flow."""

from __future__ import annotations

from datetime import date
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Inputs(BaseModel):
    model_config = ConfigDict(extra="forbid")


class NoInputs(_Inputs):
    """The phase works on what earlier phases stored."""


class DataImportInputs(_Inputs):
    """Which upload to read."""

    import_file_id: str = Field(max_length=100, description="Id of an upload, as POST /imports answered it")


class FieldMappingInputs(_Inputs):
    """Decisions that stand above the suggestions."""

    mappings: dict[str, str | None] = Field(
        default_factory=dict,
        max_length=5000,
        description='Asset field by column: "Sheet!Column", or "Column" where only one sheet has it; '
        "null leaves a column unmapped",
    )


class TechDebtInputs(_Inputs):
    """At which date lifecycles are judged."""

    as_of: date | None = Field(default=None, description="ISO date; the day of the run when not given")


class DiscoveryOutput(BaseModel):
    """What a completed discovery flow hands on: the outputs of its phases."""

    data_import: dict[str, Any] = Field(default_factory=dict)
    field_mapping: dict[str, Any] = Field(default_factory=dict)
    data_cleansing: dict[str, Any] = Field(default_factory=dict)
    asset_inventory: dict[str, Any] = Field(default_factory=dict)
    dependency_analysis: dict[str, Any] = Field(default_factory=dict)
    tech_debt_assessment: dict[str, Any] = Field(default_factory=dict)
