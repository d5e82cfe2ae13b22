"""Attach the rows of detail sheets (network cards, partitions, disks) to the assets they name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from masterflow.domain.inventory.draft import Draft, add_conflict, agree, as_items
from masterflow.domain.inventory.model import LIST_FIELDS, FieldSource, place_key, source_of
from masterflow.domain.records import CleanRecord, Issue, Place

SUMMED_FIELDS = ("storage_gb", "storage_used_gb", "storage_free_gb")
"""Sizes of a part (a partition, a disk): their sum describes the asset, in GiB."""

TECHNICAL = "technical_details"
_KEYS = frozenset({"name", "source_id"})


@dataclass(slots=True)
class Attached:
    """Rows by the asset and sheet they belong to, and the rows that found none."""

    rows: dict[tuple[int, str], list[CleanRecord]] = field(default_factory=lambda: defaultdict(list))
    count: int = 0
    issues: list[Issue] = field(default_factory=list)


def attach_details(drafts: Sequence[Draft], records: Sequence[CleanRecord]) -> tuple[int, tuple[Issue, ...]]:
    """Add detail rows to their assets; returns how many found one, and an issue for each that did not.

    An asset is found by source id where the row has one, else by name without regard to case.
    Lists (addresses, networks) are joined. Sizes are listed and summed per sheet under
    `technical_details`; the sum fills an empty field but never replaces a value of the asset's own
    sheet. Other fields fill an empty field when all rows of the sheet agree.
    """
    found = _assign(drafts, records)
    by_draft = {id(draft): draft for draft in drafts}
    for (owner, sheet), rows in sorted(found.rows.items(), key=lambda item: item[0][1]):
        _add_rows(by_draft[owner], sheet, sorted(rows, key=place_key))
    return found.count, tuple(found.issues)


def _assign(drafts: Sequence[Draft], records: Sequence[CleanRecord]) -> Attached:
    by_name: dict[str, list[Draft]] = defaultdict(list)
    by_id: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        by_name[draft.name.lower()].append(draft)
        if "source_id" in draft.values:
            by_id[str(draft.values["source_id"]).lower()].append(draft)
    found = Attached()
    for record in records:
        owners = _owners(record, by_name, by_id)
        if len(owners) == 1:
            found.rows[id(owners[0]), record.sheet].append(record)
            found.count += 1
        else:
            found.issues.append(_unattached(record, len(owners)))
    return found


def _owners(record: CleanRecord, by_name: dict[str, list[Draft]], by_id: dict[str, list[Draft]]) -> list[Draft]:
    identifier, name = record.values.get("source_id"), record.values.get("name")
    owners = by_id.get(str(identifier.value).lower(), []) if identifier else []
    if len(owners) != 1 and name is not None:
        owners = by_name.get(str(name.value).lower(), [])
    wanted = [draft for draft in owners if draft.asset_type == record.role.asset_type]
    return wanted or owners


def _unattached(record: CleanRecord, owners: int) -> Issue:
    place = Place(sheet=record.sheet, row=record.row, column=record.role.key_column or None)
    named = record.values.get("name") or record.values.get("source_id")
    if named is None:
        message = "The row names no asset; fill its key column to use it"
        return Issue("row_without_identity", "error", message, place)
    if owners:
        message = f"{named.value!r} is the name of {owners} assets; add a source id column to tell them apart"
        return Issue("detail_ambiguous", "warning", message, place)
    message = f"No asset is called {named.value!r}; the row is kept but belongs to nothing"
    return Issue("detail_without_asset", "warning", message, place)


def _add_rows(draft: Draft, sheet: str, rows: list[CleanRecord]) -> None:
    targets = sorted({target for row in rows for target in row.values} - _KEYS)
    for target in targets:
        holders = [row for row in rows if target in row.values]
        if target in LIST_FIELDS or any(isinstance(row.values[target].value, list) for row in holders):
            for row in holders:
                source = source_of(row, row.values[target], f"list of the rows of {sheet}")
                draft.extend(target, as_items(row.values[target].value), source)
        elif target in SUMMED_FIELDS:
            _fill_sum(draft, target, sheet, holders)
        else:
            _fill_common(draft, target, sheet, holders)
    _list_rows(draft, sheet, rows)


def _fill_sum(draft: Draft, target: str, sheet: str, rows: list[CleanRecord]) -> None:
    if target not in draft.values:
        rule = f"sum of {len(rows)} rows of {sheet}"
        draft.put(target, _total(target, rows), _sources(target, rows, rule))


def _fill_common(draft: Draft, target: str, sheet: str, rows: list[CleanRecord]) -> None:
    """Fill or compare with the one value that all rows give; rows that differ are only listed."""
    first = rows[0].values[target].value
    if not all(agree(first, row.values[target].value) for row in rows):
        return
    if target not in draft.values:
        draft.put(target, first, _sources(target, rows, "first non-empty of detail rows"))
    elif not agree(draft.values[target], first):
        source = source_of(rows[0], rows[0].values[target], f"rows of {sheet}")
        add_conflict(draft, target, first, source, "asset sheet over detail sheet")


def _list_rows(draft: Draft, sheet: str, rows: list[CleanRecord]) -> None:
    """Keep under `technical_details` what the rows say beyond the asset's own values."""
    extra = [{t: v.value for t, v in row.values.items() if _is_extra(draft, t, v.value)} for row in rows]
    if not any(extra):
        return
    sums = {t: _total(t, rows) for t in SUMMED_FIELDS if any(t in row.values for row in rows)}
    listed = draft.values.get(TECHNICAL)
    part = {sheet: {"count": len(rows), "sums": sums, "rows": extra}}
    draft.values[TECHNICAL] = {**listed, **part} if isinstance(listed, dict) else part
    sources = draft.sources.setdefault(TECHNICAL, [])
    for row in rows:
        kept = [target for target, value in row.values.items() if _is_extra(draft, target, value.value)]
        sources.extend(source_of(row, row.values[target], f"listed row of {sheet}") for target in kept)


def _is_extra(draft: Draft, target: str, value: object) -> bool:
    if target in _KEYS or target in LIST_FIELDS:
        return False
    return target in SUMMED_FIELDS or not agree(draft.values.get(target), value)


def _total(target: str, rows: list[CleanRecord]) -> float:
    values = (row.values[target].value for row in rows if target in row.values)
    return float(sum(value for value in values if isinstance(value, int | float)))


def _sources(target: str, rows: list[CleanRecord], rule: str) -> list[FieldSource]:
    return [source_of(row, row.values[target], rule) for row in rows]
