"""Field mapping: columns of any inventory file to canonical asset fields, with evidence."""

from __future__ import annotations

from masterflow.domain.fields.asset_field import IDENTITY, MULTI_VALUED, AssetField
from masterflow.domain.fields.canonical import FIELDS, allowed_targets
from masterflow.domain.fields.mapping import validate_mapping
from masterflow.domain.fields.matching import Candidate, Suggestion, suggest
from masterflow.domain.fields.shapes import ColumnProfile, profile
from masterflow.domain.fields.words import fingerprint, normalise_header

__all__ = [
    "FIELDS",
    "IDENTITY",
    "MULTI_VALUED",
    "AssetField",
    "Candidate",
    "ColumnProfile",
    "Suggestion",
    "allowed_targets",
    "fingerprint",
    "normalise_header",
    "profile",
    "suggest",
    "validate_mapping",
]
