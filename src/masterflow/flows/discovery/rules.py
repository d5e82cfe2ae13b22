"""Calculations of the discovery phases over whole files; pure, run in a worker process."""

from __future__ import annotations

import copyreg
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from functools import cache
from operator import attrgetter
from typing import Any

from masterflow.domain.cleansing import MappedColumn, cleanse
from masterflow.domain.dependencies import Edge, GraphReport, Node, analyse, resolve_relations
from masterflow.domain.fields import FIELDS, Suggestion, profile, suggest
from masterflow.domain.importing import FileStart, SheetEnd, detect_source, read
from masterflow.domain.inventory import Inventory, build_inventory
from masterflow.domain.inventory import summarise as summarise_inventory
from masterflow.domain.inventory.columns import CUSTOM
from masterflow.domain.quality import QualityReport, score
from masterflow.domain.records import (
    Cell,
    CleanRecord,
    CleanValue,
    Column,
    Issue,
    PackedClean,
    PackedRaw,
    Place,
    Record,
    SheetHeader,
    SheetRole,
)
from masterflow.domain.tech_debt import LifecycleFinding, assess_lifecycle, load_catalog, summarise
from masterflow.domain.units import decimal_mark
from masterflow.flows.discovery.drafts import Row, asset_row

SHOWN_ISSUES = 200


def _travel_by_position(kind: type[Any]) -> None:
    """Pickle the objects of a slotted dataclass as a call with their values.

    The standard way asks for the fields of the class again for each object and takes most of the time
    of a calculation whose arguments are tens of thousands of cells.
    """
    values = attrgetter(*(field.name for field in fields(kind)))
    copyreg.pickle(kind, lambda found: (kind, values(found)))


for _kind in (Record, CleanRecord, CleanValue, Issue, Place, SheetRole, Edge, LifecycleFinding):
    _travel_by_position(_kind)


_FIGURES = frozenset({"number", "integer", "percent"})


@dataclass(frozen=True, slots=True)
class FileRead:
    """A file with all its records. `sheets` are documents with header, counts and role."""

    dialect: dict[str, Any]
    source: str
    source_title: str
    evidence: tuple[str, ...]
    sheets: list[dict[str, Any]]
    records: list[Record]
    issues: list[Issue]
    rejected: int


def read_file(content: bytes, file_name: str) -> FileRead:
    """Read a file whole. Raises FileRefused when it cannot be used at all."""
    dialect: dict[str, Any] = {}
    headers: dict[str, SheetHeader] = {}
    ends: dict[str, SheetEnd] = {}
    records: list[Record] = []
    issues: list[Issue] = []
    for event in read(content, file_name=file_name):
        match event:
            case FileStart():
                dialect = asdict(event.dialect)
            case SheetHeader():
                headers[event.name] = event
            case Record():
                records.append(event)
            case SheetEnd():
                ends[event.name] = event
            case Issue():
                issues.append(event)
    source = detect_source(tuple(headers.values()))
    sheets = [_sheet_document(header, ends.get(name), source.roles) for name, header in headers.items()]
    rejected = sum(end.rejected for end in ends.values())
    return FileRead(dialect, source.name, source.title, source.evidence, sheets, records, issues, rejected)


def _sheet_document(header: SheetHeader, end: SheetEnd | None, roles: Mapping[str, SheetRole]) -> dict[str, Any]:
    return {
        "name": header.name,
        "header_row": header.header_row,
        "columns": [asdict(column) for column in header.columns],
        "role": asdict(roles.get(header.name, SheetRole("ignored"))),
        "records": end.records if end else 0,
        "empty_rows": end.empty_rows if end else 0,
        "rejected": end.rejected if end else 0,
    }


def suggest_mapping(
    sheets: Sequence[Mapping[str, Any]], source: str, values: Mapping[str, Sequence[Mapping[str, Cell]]]
) -> list[tuple[Suggestion, int, list[Cell]]]:
    """A suggestion for each column of each sheet that is used, with its position and sample values.

    `values` are raw records by sheet name.
    """
    found: list[tuple[Suggestion, int, list[Cell]]] = []
    for sheet in sheets:
        role = SheetRole(**sheet["role"])
        if role.kind == "ignored":
            continue
        columns = [Column(**column) for column in sheet["columns"]]
        rows = values.get(sheet["name"], ())
        cells = {column.key: [row.get(column.key) for row in rows] for column in columns}
        profiles = [profile(column, cells[column.key]) for column in columns]
        positions = {column.key: column.position for column in columns}
        found += [
            (suggestion, positions[suggestion.column], _samples(cells[suggestion.column]))
            for suggestion in suggest(sheet["name"], role, source, profiles)
        ]
    return found


def _samples(cells: Sequence[Cell]) -> list[Cell]:
    seen: dict[Cell, None] = dict.fromkeys(cell for cell in cells if cell not in (None, ""))
    return list(seen)[:5]


@dataclass(frozen=True, slots=True)
class Cleansed:
    """Clean records with what was found on the way."""

    records: list[CleanRecord]
    issues: list[Issue]
    report: QualityReport


def cleanse_records(
    rows: Sequence[PackedRaw], roles: Mapping[str, SheetRole], columns: Mapping[str, Sequence[MappedColumn]]
) -> Cleansed:
    """Cleanse raw records; roles and mapped columns are given by sheet name."""
    records: list[CleanRecord] = []
    issues: list[Issue] = []
    read = [(record_id, Record(sheet, row, json.loads(cells))) for record_id, sheet, row, cells in rows]
    marked = _with_decimal_marks([record for _, record in read], columns)
    for record_id, record in read:
        role = roles.get(record.sheet, SheetRole("ignored"))
        if role.kind == "ignored":
            continue
        clean, found = cleanse(record, record_id, role, marked.get(record.sheet, ()))
        records.append(clean)
        issues += found
    report = score(records, issues)
    return Cleansed(records, [*issues, *report.findings, *_quarantines(report)], report)


def _with_decimal_marks(
    records: Sequence[Record], columns: Mapping[str, Sequence[MappedColumn]]
) -> dict[str, list[MappedColumn]]:
    """The columns with the decimal mark that their own cells show."""
    cells: dict[tuple[str, str], list[str]] = defaultdict(list)
    for record in records:
        for column in columns.get(record.sheet, ()):
            value = record.values.get(column.column)
            if column.kind in _FIGURES and isinstance(value, str):
                cells[record.sheet, column.column].append(value)
    return {
        sheet: [replace(column, decimal=decimal_mark(cells.get((sheet, column.column), ()))) for column in found]
        for sheet, found in columns.items()
    }


def _quarantines(report: QualityReport) -> list[Issue]:
    """A finding at each row that is kept out of the inventory."""
    text = "The row is kept out of the inventory: {}. Correct it in the file, or map the column that identifies it"
    return [
        Issue("row_without_identity", "error", text.format(found.reason), Place(sheet=found.sheet, row=found.row))
        for found in report.quarantined
    ]


def mapped_columns(
    mappings: Sequence[Mapping[str, Any]], roles: Mapping[str, SheetRole]
) -> dict[str, list[MappedColumn]]:
    """Mapping rows (sheet, source_column, target_field, unit) as the columns of each sheet.

    A column of an asset sheet without a field is kept as a custom attribute, as it is written.
    """
    columns: dict[str, list[MappedColumn]] = defaultdict(list)
    for row in mappings:
        sheet, column, target = row["sheet"], row["source_column"], row["target_field"]
        if target is not None:
            field = FIELDS[target]
            columns[sheet].append(MappedColumn(column, target, field.kind, row["unit"], field.unit, field.values))
        elif roles.get(sheet, SheetRole("ignored")).kind == "asset":
            columns[sheet].append(MappedColumn(column, f"{CUSTOM}{column}", "text", "", ""))
    return dict(columns)


def clean_records(rows: Iterable[PackedClean]) -> list[CleanRecord]:
    """Clean records as they were before they were stored."""
    role = cache(lambda text: SheetRole(**json.loads(text)))
    return [
        CleanRecord(
            record_id,
            sheet,
            row,
            role(role_text),
            {
                target: CleanValue(v["value"], v["raw"], v["column"], tuple(v["transform"]))
                for target, v in json.loads(values).items()
            },
        )
        for record_id, sheet, row, role_text, values in rows
    ]


@dataclass(frozen=True, slots=True)
class Built:
    """An inventory as columns of its assets, and what the phase tells of it."""

    rows: list[Row]
    outputs: dict[str, Any]


def inventory_rows(rows: Sequence[PackedClean], source: str) -> Built:
    """Build the inventory of clean records."""
    inventory = build_inventory(clean_records(rows), source=source)
    outputs = {
        "summary": asdict(summarise_inventory(inventory)),
        "assets": len(inventory.assets),
        "conflicts": sum(len(asset.conflicts) for asset in inventory.assets),
        "host_name_guesses": [asdict(guess) for guess in inventory.guesses],
        "reconciliation": asdict(inventory.reconciliation),
        "issues": [asdict(issue) for issue in inventory.issues[:SHOWN_ISSUES]],
    }
    return Built([asset_row(asset) for asset in inventory.assets], outputs)


def inventory_keys(rows: Sequence[PackedClean], source: str) -> set[str]:
    """Natural keys of the assets that clean records describe or name."""
    return {asset.key for asset in build_inventory(clean_records(rows), source=source).assets}


@dataclass(frozen=True, slots=True)
class Connected:
    """Edges between assets and what the graph shows; nodes are natural keys."""

    edges: list[Edge]
    report: GraphReport
    external: list[str]
    noise: int
    issues: list[Issue]


def connect(rows: Sequence[PackedClean], source: str) -> Connected:
    """Placement and stated relations of clean records as a graph over natural keys."""
    records = clean_records(rows)
    inventory = build_inventory(records, source=source)
    edges = [
        Edge(
            placement.asset,
            placement.target,
            placement.relation,
            1.0,
            (f"named in {len(placement.record_ids)} row(s) of the file",),
            placement.record_ids,
        )
        for placement in inventory.placements
    ]
    relations = [record for record in records if record.role.kind == "relation" or _states_target(record)]
    resolution = resolve_relations(relations, _indexes(inventory))
    edges += resolution.edges
    nodes = [Node(asset.key, asset.name, asset.asset_type) for asset in inventory.assets]
    report = analyse([*nodes, *resolution.external], edges)
    external = [node.name for node in resolution.external]
    return Connected(edges, report, external, len(resolution.noise), list(resolution.issues))


def _states_target(record: CleanRecord) -> bool:
    """Whether a row of an asset sheet also says what its asset needs."""
    return record.role.kind == "asset" and bool({"target_name", "target_ip"} & record.values.keys())


def _indexes(inventory: Inventory) -> dict[str, dict[str, str]]:
    indexes: dict[str, dict[str, str]] = {"name": {}, "fqdn": {}, "ip": {}}
    for asset in inventory.assets:
        indexes["name"].setdefault(asset.name.lower(), asset.key)
        if fqdn := asset.values.get("fqdn"):
            indexes["fqdn"].setdefault(str(fqdn).lower(), asset.key)
        addresses = asset.values.get("ip_address") or []
        for address in addresses if isinstance(addresses, list) else [str(addresses)]:
            indexes["ip"].setdefault(str(address), asset.key)
    return indexes


@dataclass(frozen=True, slots=True)
class Lifecycles:
    """Findings by asset id, and their summary as a document."""

    findings: list[tuple[str, LifecycleFinding]]
    summary: dict[str, Any]


def assess(
    assets: Sequence[tuple[str, str, str]], document: Mapping[str, object], *, catalog_as_of: str, on: date
) -> Lifecycles:
    """Judge the operating systems of (asset id, text, environment) rows at a date."""
    catalog = load_catalog(document, as_of=catalog_as_of)
    findings = [
        (asset_id, assess_lifecycle("operating_system", text, catalog, on=on, environment=environment))
        for asset_id, text, environment in assets
    ]
    summary = summarise([finding for _, finding in findings], on=on)
    return Lifecycles(findings, asdict(summary))
