"""What an inventory is made of: assets with the way back to every cell, conflicts, guesses, placements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from masterflow.domain.records import Cell, CleanRecord, CleanValue, Issue
from masterflow.errors import MasterflowError

Relation = Literal["runs_on", "member_of", "connected_to"]

LIST_FIELDS = frozenset({"ip_address", "mac_address", "network_name", "asset_tags"})
"""Fields that hold a list in an asset even for one value."""


@dataclass(frozen=True, slots=True)
class FieldSource:
    """One cell that a value of an asset rests on, and the rule by which it was chosen.

    `row` counts from 1 as in the file, `column` is the `Column.key`, `raw` the cell as it stands there.
    """

    record_id: str
    sheet: str
    row: int
    column: str
    raw: Cell
    transform: tuple[str, ...]
    rule: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two cells disagree on a field; `sources` lists the chosen cell first."""

    field: str
    chosen: object
    rejected: object
    rule: str
    sources: tuple[FieldSource, ...]


@dataclass(frozen=True, slots=True)
class AssetDraft:
    """An asset as the input describes it.

    `key` is the natural key in lower case ("virtual_machine:lvmbeasm003"; "#" and an identifier
    follow where several assets share the name). `values` is keyed by field, sizes in GiB. `flags`:
    template, powered_off, described (a host or cluster with a row of its own), named_only.
    `identity_rule` is the strongest identifier that holds its rows together: source_id,
    serial_number, hostname+ip or name.
    """

    key: str
    asset_type: str
    name: str
    values: dict[str, object]
    sources: dict[str, tuple[FieldSource, ...]]
    flags: tuple[str, ...]
    conflicts: tuple[Conflict, ...]
    identity_rule: str


@dataclass(frozen=True, slots=True)
class NameGuess:
    """A host that is only named may be a described one; a person decides. `confidence` is 0..1.

    `named` and `described` are names as written; `evidence` are sentences.
    """

    named: str
    described: str
    confidence: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where an asset is: `asset` runs on a host, is a member of a cluster or is connected to a network.

    `asset` and `target` are asset keys; `record_ids` are the rows that say so.
    """

    asset: str
    relation: Relation
    target: str
    record_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Where every row went. Raises MasterflowError when a row is unaccounted for.

    rows_in = asset_rows + detail_rows + relation_rows + ignored_rows;
    asset_rows = assets_from_rows + merged + quarantined;
    detail_rows = attached + unattached. `named_assets` (hosts, clusters, networks that other rows
    only name) come on top of `assets_from_rows`.
    """

    rows_in: int = 0
    asset_rows: int = 0
    detail_rows: int = 0
    relation_rows: int = 0
    ignored_rows: int = 0
    assets_from_rows: int = 0
    merged: int = 0
    quarantined: int = 0
    attached: int = 0
    unattached: int = 0
    named_assets: int = 0

    def __post_init__(self) -> None:
        """Check the three sums."""
        sums = (
            self.rows_in == self.asset_rows + self.detail_rows + self.relation_rows + self.ignored_rows,
            self.asset_rows == self.assets_from_rows + self.merged + self.quarantined,
            self.detail_rows == self.attached + self.unattached,
        )
        if not all(sums):
            raise MasterflowError(
                "Rows of the input and of the inventory do not add up",
                where={"reconciliation": repr(self)},
                next_step="Keep the file and report this: the inventory was not built.",
            )


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything `build_inventory` found, each part sorted by key or place."""

    assets: tuple[AssetDraft, ...]
    guesses: tuple[NameGuess, ...]
    issues: tuple[Issue, ...]
    placements: tuple[Placement, ...]
    reconciliation: Reconciliation = Reconciliation()


def source_of(record: CleanRecord, value: CleanValue, rule: str) -> FieldSource:
    """The way back from a clean value to its cell."""
    return FieldSource(record.record_id, record.sheet, record.row, value.column, value.raw, value.transform, rule)


def place_key(record: CleanRecord) -> tuple[str, int, str]:
    """The canonical order of records: sheet name, row, record id."""
    return record.sheet, record.row, record.record_id
