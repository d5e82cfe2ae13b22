"""Build the inventory: identity, details, operating systems, hosts, and the account of every row."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from masterflow.domain.inventory.details import attach_details
from masterflow.domain.inventory.draft import Draft, draft_of, flag_state, natural_key
from masterflow.domain.inventory.hosts import find_surroundings
from masterflow.domain.inventory.identity import (
    Group,
    asset_type_of,
    group_records,
    is_dependency,
    quarantine_reason,
    shared_identifiers,
)
from masterflow.domain.inventory.model import Inventory, Reconciliation, place_key
from masterflow.domain.inventory.systems import settle_system
from masterflow.domain.records import CleanRecord, Issue, Place


def build_inventory(records: Sequence[CleanRecord], *, source: str) -> Inventory:
    """The assets that the rows describe, with every value's way back to its cells.

    `source` names the origin in messages. The order of `records` does not matter: rows are taken by
    sheet name, row and record id, and the sheet with most rows of an asset type is the primary one.
    Relation and ignored rows are counted and left alone. A row without any identity becomes an
    issue, never an asset. Raises MasterflowError when rows in and assets, merged and quarantined
    rows do not add up.
    """
    ordered = sorted(records, key=place_key)
    kinds = Counter(record.role.kind for record in ordered)
    asset_rows = [record for record in ordered if record.role.kind == "asset"]
    usable = [record for record in asset_rows if quarantine_reason(record) is None]
    groups = group_records(usable)
    drafts = _drafts(groups, usable)
    details = [record for record in ordered if record.role.kind == "detail"]
    attached, detail_issues = attach_details(drafts, details)
    issues = [*_row_issues(asset_rows, usable, source), *_group_issues(groups), *detail_issues]
    for draft in drafts:
        flag_state(draft)
    issues += [issue for draft in drafts if (issue := settle_system(draft)) is not None]
    around = find_surroundings(drafts)
    reconciliation = Reconciliation(
        rows_in=len(ordered),
        asset_rows=len(asset_rows),
        detail_rows=len(details),
        relation_rows=kinds["relation"],
        ignored_rows=kinds["ignored"],
        assets_from_rows=len(drafts),
        merged=sum(len(group.records) - 1 for group in groups),
        quarantined=len(asset_rows) - len(usable),
        attached=attached,
        unattached=len(detail_issues),
        named_assets=len(around.named),
    )
    assets = sorted((draft.finished() for draft in (*drafts, *around.named)), key=lambda asset: asset.key)
    return Inventory(tuple(assets), around.guesses, _sorted(issues), around.placements, reconciliation)


def _drafts(groups: Sequence[Group], records: Sequence[CleanRecord]) -> list[Draft]:
    primary = _primary_sheets(records)
    drafts = [draft_of(group, primary[group.asset_type]) for group in groups]
    _give_keys(drafts, groups)
    return sorted(drafts, key=lambda draft: draft.key)


def _primary_sheets(records: Sequence[CleanRecord]) -> dict[str, str]:
    """Per asset type the sheet with most rows; the first by name where two have as many."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records:
        counts[asset_type_of(record)][record.sheet] += 1
    return {asset_type: min(sheets, key=lambda sheet: (-sheets[sheet], sheet)) for asset_type, sheets in counts.items()}


def _give_keys(drafts: Sequence[Draft], groups: Sequence[Group]) -> None:
    """Type and name; assets that share a name also carry what tells them apart."""
    names = Counter(natural_key(draft.asset_type, draft.name) for draft in drafts)
    taken: set[str] = set()
    for draft, group in zip(drafts, groups, strict=True):
        key = natural_key(draft.asset_type, draft.name)
        if names[key] > 1:
            key = f"{key}#{_discriminator(group)}"
        if key in taken:
            key = f"{key}#{group.records[0].sheet.lower()}:{group.records[0].row}"
        taken.add(key)
        draft.key = key


def _discriminator(group: Group) -> str:
    """The source id, serial number or first address of the rows, else sheet and row of the first."""
    for text in ("source_id", "serial"):
        found = sorted(filter(None, (getattr(identity, text) for identity in group.identities)))
        if found:
            return str(found[0])
    addresses = sorted(ip for identity in group.identities for ip in identity.ips)
    first = min(group.records, key=place_key)
    return addresses[0] if addresses else f"{first.sheet.lower()}:{first.row}"


def _row_issues(rows: Sequence[CleanRecord], usable: Sequence[CleanRecord], source: str) -> list[Issue]:
    found = [
        Issue(
            "row_without_identity",
            "error",
            f"The row of {source} becomes no asset: {quarantine_reason(row)}",
            Place(sheet=row.sheet, row=row.row),
        )
        for row in rows
        if quarantine_reason(row) is not None
    ]
    for target, text in sorted(shared_identifiers(usable)):
        message = (
            f"{target} {text!r} stands in rows with different names; it is not used to tell assets apart. "
            "Check the mapping of that column, or correct the cloned identifiers in the source"
        )
        found.append(Issue("identifier_shared", "warning", message))
    return found


def _group_issues(groups: Sequence[Group]) -> list[Issue]:
    found = []
    for group in groups:
        first, *others = sorted(group.records, key=place_key)
        repeated = [row for row in others if row.sheet == first.sheet and not is_dependency(row)]
        found += [_merged(row, first, group.rule) for row in repeated]
        if group.is_ambiguous:
            message = "Several assets fit this row equally well; it stays an asset of its own until a person decides"
            found.append(Issue("identity_ambiguous", "warning", message, Place("", first.sheet, first.row)))
    return found


def _merged(row: CleanRecord, first: CleanRecord, rule: str) -> Issue:
    message = f"The row describes the same asset as row {first.row} (by {rule}) and was merged with it"
    return Issue("duplicate_row_merged", "warning", message, Place(sheet=row.sheet, row=row.row))


def _sorted(issues: Sequence[Issue]) -> tuple[Issue, ...]:
    return tuple(
        sorted(issues, key=lambda i: (i.place.sheet, i.place.row or 0, i.place.column or "", i.code, i.message))
    )
