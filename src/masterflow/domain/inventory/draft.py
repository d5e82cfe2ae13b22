"""An asset while it is being built: values with their sources, and how values of several rows meet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from masterflow.domain.fields.asset_field import RELATION
from masterflow.domain.inventory.identity import Group, display_name, name_field
from masterflow.domain.inventory.model import (
    LIST_FIELDS,
    AssetDraft,
    Conflict,
    FieldSource,
    place_key,
    source_of,
)
from masterflow.domain.records import CleanRecord, CleanValue

FQDN_STEPS = {"short name of fqdn": "derived from fqdn", "full name": "derived from hostname"}


@dataclass(slots=True, eq=False)
class Draft:
    """A mutable asset; `finished` freezes it."""

    asset_type: str
    name: str
    identity_rule: str
    values: dict[str, object] = field(default_factory=dict)
    sources: dict[str, list[FieldSource]] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)
    conflicts: list[Conflict] = field(default_factory=list)
    key: str = ""
    known: dict[str, set[str]] = field(default_factory=dict)

    def put(self, target: str, value: object, sources: Iterable[FieldSource]) -> None:
        """Set a value and what it rests on."""
        self.values[target] = value
        self.sources[target] = list(sources)

    def extend(self, target: str, items: Sequence[str], source: FieldSource) -> None:
        """Add the items that a list field does not hold yet; the cell counts as a source either way."""
        present = self.values.get(target)
        listed = present if isinstance(present, list) else [] if present is None else [str(present)]
        if target not in self.known:
            self.known[target] = set(listed)
        known = self.known[target]
        for item in items:
            if item not in known:
                known.add(item)
                listed.append(item)
        self.values[target] = listed
        self.sources.setdefault(target, []).append(source)

    def finished(self) -> AssetDraft:
        """The frozen asset, fields in alphabetical order."""
        return AssetDraft(
            key=self.key,
            asset_type=self.asset_type,
            name=self.name,
            values={target: self.values[target] for target in sorted(self.values)},
            sources={target: tuple(self.sources[target]) for target in sorted(self.sources)},
            flags=tuple(sorted(self.flags)),
            conflicts=tuple(self.conflicts),
            identity_rule=self.identity_rule,
        )


def natural_key(asset_type: str, name: str) -> str:
    """The key of an asset whose name is its own: type and name in lower case."""
    return f"{asset_type}:{name.lower()}"


def draft_of(group: Group, primary: str) -> Draft:
    """Merge the rows of one asset; rows of the `primary` sheet come first, then sheet name and row.

    Fields of a dependency are left to the dependency analysis, which reads the rows themselves.
    """
    rows = sorted(group.records, key=lambda record: (record.sheet != primary, *place_key(record)))
    draft = Draft(group.asset_type, display_name(rows[0]), group.rule)
    for record in rows:
        rule = _row_rule(record.sheet, primary)
        for target, value in record.values.items():
            if target not in RELATION:
                source = source_of(record, value, _derived_rule(value) or rule)
                _add(draft, target, value, source, primary)
    stand_in = name_field(rows[0])
    if stand_in is not None and "name" not in draft.values:
        _name_from(draft, rows[0], stand_in)
    return draft


def _add(draft: Draft, target: str, value: CleanValue, source: FieldSource, primary: str) -> None:
    if target in LIST_FIELDS or isinstance(value.value, list):
        draft.extend(target, as_items(value.value), source)
    elif target not in draft.values:
        draft.put(target, value.value, [source])
    elif agree(draft.values[target], value.value):
        draft.sources[target].append(source)
    else:
        add_conflict(draft, target, value.value, source, f"{_named(primary)} is the primary sheet")


def add_conflict(draft: Draft, target: str, rejected: object, source: FieldSource, rule: str) -> None:
    """Record that a further cell disagrees with the value that stands."""
    sources = (draft.sources[target][0], source)
    draft.conflicts.append(Conflict(target, draft.values[target], rejected, rule, sources))


def agree(left: object, right: object) -> bool:
    """Equal, or texts that differ in case only."""
    if isinstance(left, str) and isinstance(right, str):
        return left.casefold() == right.casefold()
    return left == right


def as_items(value: object) -> list[str]:
    """The value as a list of texts."""
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]


def _derived_rule(value: CleanValue) -> str:
    return next((FQDN_STEPS[step] for step in value.transform if step in FQDN_STEPS), "") if value.transform else ""


def _row_rule(sheet: str, primary: str) -> str:
    return f"{_named(primary)} is the primary sheet" if sheet == primary else f"further row in {_named(sheet)}"


def _named(sheet: str) -> str:
    return sheet or "the only table"


def _name_from(draft: Draft, record: CleanRecord, target: str) -> None:
    """A row without a name is called by its next identifier."""
    source = source_of(record, record.values[target], f"derived from {target}")
    draft.put("name", draft.name, [source])


def flag_state(draft: Draft) -> None:
    """Flag templates and machines that are off; neither counts for sizing."""
    if draft.values.get("is_template") is True:
        draft.flags.add("template")
    if draft.values.get("power_state") == "poweredOff":
        draft.flags.add("powered_off")
