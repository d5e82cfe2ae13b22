"""Rate the quality of cleansed rows by completeness, validity, consistency and uniqueness.

Method. Each dimension is a share between 0 and 1:
  completeness  expected fields that asset rows have, in the row itself or in a detail row of the
                same name / fields that their asset types expect;
  validity      1 - cells with a validity finding / cells read or refused;
  consistency   1 - rows with a consistency finding / asset rows;
  uniqueness    1 - rows that repeat an identifier of their sheet / asset rows.
The score is the mean of the dimensions weighted by `DEFAULT_WEIGHTS` or the weights given. Findings
of severity info never lower it. Rows of an asset sheet that only declare a dependency are not rated.
Without asset rows the score is None: there is nothing to rate.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from masterflow.domain.inventory.identity import display_name, is_dependency, quarantine_reason
from masterflow.domain.records import CleanRecord, Issue, Place, Severity

Dimension = Literal["completeness", "validity", "consistency", "uniqueness"]
DIMENSIONS: tuple[Dimension, ...] = ("completeness", "validity", "consistency", "uniqueness")

DEFAULT_WEIGHTS: Mapping[Dimension, float] = MappingProxyType(
    {"completeness": 0.35, "validity": 0.3, "consistency": 0.2, "uniqueness": 0.15}
)

_MACHINE_FIELDS = ("name", "operating_system", "cpu_cores", "memory_gb", "storage_gb", "environment")
EXPECTED_FIELDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "virtual_machine": (*_MACHINE_FIELDS, "ip_address", "power_state"),
        "server": (*_MACHINE_FIELDS, "ip_address"),
        "database": ("name", "technology_stack", "storage_gb", "memory_gb", "business_criticality"),
        "application": ("name", "technology_stack", "architecture_type", "business_criticality"),
    }
)
"""Fields a complete row of an asset type has; other types are expected to have a name."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One quality rule; `id` is also the code of the issues it gives."""

    id: str
    dimension: Dimension
    severity: Severity
    title: str


def _rules(dimension: Dimension, *rows: tuple[str, Severity, str]) -> tuple[Rule, ...]:
    return tuple(Rule(code, dimension, severity, title) for code, severity, title in rows)


RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.id: rule
        for rule in (
            *_rules(
                "completeness",
                ("row_without_identity", "error", "The row has no name, host name, address or source id"),
                ("not_collected", "info", "The source did not collect the figure (-1)"),
                ("environment_suggested", "info", "The name hints at an environment"),
            ),
            *_rules(
                "validity",
                ("number_unreadable", "error", "The cell is no number"),
                ("number_ambiguous", "error", "The number depends on the decimal mark"),
                ("number_negative", "error", "The figure cannot be negative"),
                ("not_a_whole_number", "error", "The figure must be whole"),
                ("unit_unknown", "error", "The unit is unknown or does not fit"),
                ("percent_out_of_range", "warning", "The percentage is not between 0 and 100"),
                ("percent_or_fraction", "warning", "The figure may be a percentage or a fraction"),
                ("boolean_unreadable", "error", "The cell is no yes or no"),
                ("power_state_unreadable", "error", "The cell is no power state"),
                ("value_not_listed", "error", "The value is not one of those the field takes"),
                ("environment_unrecognised", "info", "The environment has no standard word"),
                ("date_unreadable", "error", "The cell is no date"),
                ("date_ambiguous", "error", "Day and month can be exchanged"),
                ("ip_invalid", "error", "The text is no IP address"),
                ("ip_unusable", "warning", "Nobody else can reach the IP address"),
                ("mac_invalid", "error", "The text is no MAC address"),
                ("mac_unusable", "warning", "The MAC address belongs to no network card"),
                ("hostname_invalid", "error", "The text is no host name"),
                ("hostname_is_ip", "error", "An IP address stands where a host name belongs"),
                ("hostname_meaningless", "warning", "The host name is the same on every machine"),
                ("serial_meaningless", "warning", "The serial number is a maker's default"),
                ("text_too_long", "error", "The text is longer than the field takes"),
                ("os_unrecognised", "info", "The operating system is not recognised"),
            ),
            *_rules(
                "consistency",
                ("columns_disagree", "warning", "Two columns of one field differ"),
                ("used_exceeds_size", "warning", "More storage in use than there is"),
                ("cores_do_not_multiply", "warning", "Sockets times cores per socket is not the core count"),
                ("os_conflict", "warning", "Configuration and guest tools name different systems"),
                ("os_detail_differs", "info", "Configuration and guest tools differ in a detail"),
                ("detail_without_asset", "warning", "The detail row names no known asset"),
                ("detail_ambiguous", "warning", "The detail row names several assets"),
            ),
            *_rules(
                "uniqueness",
                ("name_repeated", "warning", "Two rows of a sheet have the same name"),
                ("source_id_repeated", "warning", "Two rows of a sheet have the same source id"),
                ("ip_repeated", "warning", "Two rows of a sheet have the same IP address"),
                ("duplicate_row_merged", "warning", "The row was merged with another of the same asset"),
                ("identifier_shared", "warning", "One identifier stands in differently named rows"),
                ("identity_ambiguous", "warning", "The row fits several assets"),
            ),
        )
    }
)


@dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """A row that can become no asset, and why."""

    record_id: str
    sheet: str
    row: int
    reason: str


@dataclass(frozen=True, slots=True)
class QualityReport:
    """Shares are 0..1. `score` and the dimensions are None without asset rows.

    `by_field` is the share of asset rows that have the field; `findings` are the issues the rules
    of this module found, to be shown with those of cleansing; `by_rule` counts both.
    """

    score: float | None
    by_dimension: dict[Dimension, float | None]
    by_field: dict[str, float]
    by_rule: dict[str, int]
    findings: tuple[Issue, ...]
    quarantined: tuple[QuarantinedRecord, ...]


def score(
    records: Sequence[CleanRecord],
    issues: Sequence[Issue],
    *,
    weights: Mapping[Dimension, float] = DEFAULT_WEIGHTS,
) -> QualityReport:
    """Rate cleansed rows; `issues` are those of `cleanse`. See the module for the method."""
    assets = [record for record in records if record.role.kind == "asset" and not is_dependency(record)]
    findings = (*_consistency(assets), *_uniqueness(assets))
    every = (*issues, *findings)
    present = _present(records, assets)
    dimensions: dict[Dimension, float | None] = dict.fromkeys(DIMENSIONS)
    if assets:
        dimensions = {
            "completeness": _completeness(assets, present),
            "validity": _validity(records, issues),
            "consistency": _untouched_rows(assets, every, "consistency"),
            "uniqueness": _untouched_rows(assets, every, "uniqueness"),
        }
    return QualityReport(
        score=_weighted(dimensions, weights),
        by_dimension=dimensions,
        by_field=_by_field(assets, present),
        by_rule=dict(sorted(Counter(issue.code for issue in every).items())),
        findings=findings,
        quarantined=_quarantined(records),
    )


def _weighted(dimensions: Mapping[Dimension, float | None], weights: Mapping[Dimension, float]) -> float | None:
    known = [(value, weights.get(name, 0.0)) for name, value in dimensions.items() if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total if total > 0 else None


def _quarantined(records: Iterable[CleanRecord]) -> tuple[QuarantinedRecord, ...]:
    return tuple(
        QuarantinedRecord(record.record_id, record.sheet, record.row, reason)
        for record in records
        if (reason := quarantine_reason(record)) is not None
    )


def _present(records: Sequence[CleanRecord], assets: Sequence[CleanRecord]) -> list[set[str]]:
    """Per asset row the fields it has, itself or through detail rows of its name."""
    from_details = _detail_fields(records)
    return [{*record.values, *from_details.get(display_name(record).lower(), ())} for record in assets]


def _by_field(assets: Sequence[CleanRecord], present: Sequence[set[str]]) -> dict[str, float]:
    """Share of asset rows with each field that any asset row has or should have."""
    counts = Counter(target for fields in present for target in fields)
    expected = {target for record in assets for target in _expected(record)}
    return {target: counts[target] / len(assets) for target in sorted({*counts, *expected})}


def _detail_fields(records: Iterable[CleanRecord]) -> dict[str, set[str]]:
    fields: dict[str, set[str]] = defaultdict(set)
    for record in records:
        if record.role.kind == "detail" and "name" in record.values:
            fields[str(record.values["name"].value).lower()].update(record.values)
    return fields


def _expected(record: CleanRecord) -> tuple[str, ...]:
    return EXPECTED_FIELDS.get(record.role.asset_type, ("name",))


def _completeness(assets: Sequence[CleanRecord], present: Sequence[set[str]]) -> float:
    """Share of the expected fields of all rows that are there."""
    wanted = [(target, fields) for record, fields in zip(assets, present, strict=True) for target in _expected(record)]
    return sum(1 for target, fields in wanted if target in fields) / len(wanted)


def _validity(records: Iterable[CleanRecord], issues: Iterable[Issue]) -> float:
    """Share of cells without a validity finding; a refused cell has a finding and no value."""
    read = {(record.sheet, record.row, value.column) for record in records for value in record.values.values()}
    faulty = {(issue.place.sheet, issue.place.row, issue.place.column) for issue in _lowering(issues, "validity")}
    cells = len(read | faulty)
    return 1 - len(faulty) / cells if cells else 1.0


def _untouched_rows(assets: Sequence[CleanRecord], issues: Iterable[Issue], dimension: Dimension) -> float:
    rows = {(record.sheet, record.row) for record in assets}
    touched = {(issue.place.sheet, issue.place.row) for issue in _lowering(issues, dimension)}
    return 1 - len(rows & touched) / len(rows)


def _lowering(issues: Iterable[Issue], dimension: Dimension) -> Iterable[Issue]:
    for issue in issues:
        rule = RULES.get(issue.code)
        if rule is not None and rule.dimension == dimension and issue.severity != "info":
            yield issue


def _consistency(assets: Iterable[CleanRecord]) -> tuple[Issue, ...]:
    return tuple(issue for record in assets for issue in (*_storage(record), *_cores(record)))


def _storage(record: CleanRecord) -> Iterable[Issue]:
    size, used = _figure(record, "storage_gb"), _figure(record, "storage_used_gb")
    if size is not None and used is not None and used > size * 1.01:
        # One percent: tools round provisioned and used sizes at different times.
        message = f"{used:g} GiB in use of {size:g} GiB; check the two storage columns of this row"
        yield _finding("used_exceeds_size", message, record, record.values["storage_used_gb"].column)


def _cores(record: CleanRecord) -> Iterable[Issue]:
    total, sockets = _figure(record, "cpu_cores"), _figure(record, "cpu_sockets")
    each = _figure(record, "cores_per_socket")
    if total is not None and sockets and each and total not in {sockets * each, sockets * each * 2}:
        message = f"{sockets:g} sockets of {each:g} cores are not {total:g} cores, with or without two threads each"
        yield _finding("cores_do_not_multiply", message, record, record.values["cpu_cores"].column)


def _figure(record: CleanRecord, target: str) -> float | None:
    value = record.values.get(target)
    return float(value.value) if value is not None and isinstance(value.value, int | float) else None


_UNIQUE = (("name", "name_repeated"), ("source_id", "source_id_repeated"), ("ip_address", "ip_repeated"))


def _uniqueness(assets: Iterable[CleanRecord]) -> tuple[Issue, ...]:
    """A finding for every row that repeats an identifier of an earlier row of its sheet."""
    first: dict[tuple[str, str, str], int] = {}
    found = []
    for record in sorted(assets, key=lambda record: (record.sheet, record.row)):
        for target, code in _UNIQUE:
            value = record.values.get(target)
            if value is None:
                continue
            for text in value.value if isinstance(value.value, list) else [str(value.value)]:
                row = first.setdefault((record.sheet, target, text.lower()), record.row)
                if row != record.row:
                    message = f"{target} {text!r} stands in row {row} too; the rows may be one asset"
                    found.append(_finding(code, message, record, value.column))
    return tuple(found)


def _finding(code: str, message: str, record: CleanRecord, column: str) -> Issue:
    return Issue(code, RULES[code].severity, message, Place("", record.sheet, record.row, column))
