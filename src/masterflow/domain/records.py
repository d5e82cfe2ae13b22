"""The values that travel from a file to the inventory: columns, records, issues, clean values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Cell = str | int | float | bool | None
"""A cell as JSON can hold it; dates are ISO 8601 strings."""

PackedRaw = tuple[str, str, int, str]
"""A stored record as it is read in bulk: record id, sheet, row, cells as JSON text."""
PackedClean = tuple[str, str, int, str, str]
"""A stored clean record as it is read in bulk: record id, sheet, row, role and values as JSON text."""
Severity = Literal["error", "warning", "info"]
SheetKind = Literal["asset", "detail", "relation", "ignored"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the input something stands; rows and columns are counted from 1 as people see them."""

    file: str = ""
    sheet: str = ""
    row: int | None = None
    column: str | None = None


@dataclass(frozen=True, slots=True)
class Issue:
    """A finding about the input: `code` is stable, `message` is for people, `place` says where."""

    code: str
    severity: Severity
    message: str
    place: Place = Place()


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a sheet.

    `name` is the header as written, `position` counts from 1, `key` is unique within the sheet
    (a repeated header gets " (2)", " (3)"; an empty header becomes "column 7").
    """

    name: str
    position: int
    key: str


@dataclass(frozen=True, slots=True)
class SheetHeader:
    """A sheet of a workbook, or the only table of a CSV or JSON file (`name` is then "")."""

    name: str
    header_row: int
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Record:
    """One row of data as it stands in the file; `values` is keyed by `Column.key`."""

    sheet: str
    row: int
    values: dict[str, Cell]


@dataclass(frozen=True, slots=True)
class SheetRole:
    """What the rows of a sheet describe.

    `asset`: one row is one asset of `asset_type`. `detail`: rows add to the asset that
    `key_column` names (network cards, partitions). `relation`: rows are dependencies.
    """

    kind: SheetKind
    asset_type: str = ""
    key_column: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Which tool wrote the file, as far as its headers show; `name` is "unknown" if none fits."""

    name: str
    title: str
    confidence: float
    evidence: tuple[str, ...]
    roles: dict[str, SheetRole] = field(default_factory=dict)
    """Role of each sheet by sheet name."""


@dataclass(frozen=True, slots=True)
class CleanValue:
    """A value after cleansing, with its way back to the cell.

    `value` is in the unit of the target field; `transform` names what was done to the raw cell,
    in order ("trim", "MB->GiB /1024", "lower"); `column` is the `Column.key` it came from.
    """

    value: Cell | list[str]
    raw: Cell
    column: str
    transform: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CleanRecord:
    """A record after mapping and cleansing; `values` is keyed by target field name."""

    record_id: str
    sheet: str
    row: int
    role: SheetRole
    values: dict[str, CleanValue]
