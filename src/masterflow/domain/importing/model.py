"""The values an import is made of: limits, dialect, the events of a reading and the summary of a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from masterflow.domain.records import Cell, Issue, Record, SheetHeader, SheetRole, Source

Format = Literal["xlsx", "csv", "json", "ndjson"]
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost. Sizes in bytes, texts in characters, `max_ratio` as unpacked : packed.

    `max_rows` counts the data rows of a file over all its sheets, rejected ones included.
    `max_ratio` is applied to parts and archives above `ratio_from_bytes`.
    `max_issues` is the number of issues listed per code and sheet; the count goes on.
    """

    max_bytes: int = 512 * MIB
    max_rows: int = 1_048_576
    max_columns: int = 500
    max_cell_chars: int = 32_767
    max_sheets: int = 100
    max_zip_entries: int = 2_000
    max_unpacked_bytes: int = 2_048 * MIB
    max_shared_strings_bytes: int = 256 * MIB
    max_part_bytes: int = 16 * MIB
    max_ratio: int = 200
    ratio_from_bytes: int = 10_000_000
    max_json_depth: int = 64
    max_issues: int = 1_000
    max_broken_quotes: int = 1_000


@dataclass(frozen=True, slots=True)
class Dialect:
    """How the bytes were read. `encoding` and `delimiter` are "" where they do not apply (XLSX, JSON)."""

    format: Format
    encoding: str
    delimiter: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileStart:
    """The first event: the file can be read, in this dialect."""

    dialect: Dialect


@dataclass(frozen=True, slots=True)
class SheetEnd:
    """The last event of a sheet.

    `records` were handed on, `empty_rows` hold no value, `rejected` rows each have an error issue
    (listed up to `Limits.max_issues`). Rows above the header are in none of the three.
    """

    name: str
    records: int
    empty_rows: int
    rejected: int


Event = FileStart | SheetHeader | Record | Issue | SheetEnd


@dataclass(frozen=True, slots=True)
class SheetSummary:
    """A sheet without its rows; `samples` holds up to 200 non-empty values per `Column.key`."""

    header: SheetHeader
    records: int
    empty_rows: int
    rejected: int
    role: SheetRole
    samples: dict[str, list[Cell]]


@dataclass(frozen=True, slots=True)
class FileSummary:
    """What a file holds: its identity, how it reads, which tool wrote it, its sheets and findings."""

    file_name: str
    sha256: str
    size: int
    dialect: Dialect
    source: Source
    sheets: tuple[SheetSummary, ...]
    issues: tuple[Issue, ...]


class RawRow(NamedTuple):
    """A row as a format's reader hands it to the table: not yet matched with a header.

    `number` is the row or physical line it starts on. `cells` is dense from column 1. `empties`
    above 0 says the item stands for that many rows without a value. `issues` belong to the row;
    `rejected` keeps it from becoming a record. `beyond` is the first column with a value to the
    right of `Limits.max_columns`, 0 if none.
    """

    number: int
    cells: list[Cell]
    empties: int = 0
    issues: tuple[Issue, ...] = ()
    rejected: bool = False
    beyond: int = 0
