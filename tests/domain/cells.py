"""Cleansing of one cell at a time."""

from masterflow.domain.cleansing import MappedColumn, cleanse
from masterflow.domain.records import Record, SheetRole

GUEST = SheetRole("asset", "virtual_machine")
PLAIN = SheetRole("asset", "other")


def column(target, kind="text", unit="", target_unit="", **more):
    return MappedColumn("Cell", target, kind, unit, target_unit, **more)


def read(raw, mapped, role=PLAIN):
    """The clean value of one cell (or None) and the codes of its issues."""
    clean, issues = cleanse(Record("Sheet", 7, {"Cell": raw}), "r1", role, [mapped])
    value = clean.values.get(mapped.target)
    return (None if value is None else value.value), [issue.code for issue in issues]


def steps(raw, mapped):
    clean, _ = cleanse(Record("Sheet", 7, {"Cell": raw}), "r1", PLAIN, [mapped])
    return clean.values[mapped.target].transform
