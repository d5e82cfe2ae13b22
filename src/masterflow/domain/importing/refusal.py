"""Builds the one error that ends a reading: what is wrong, where, and what to do now."""

from __future__ import annotations

from masterflow.errors import FileRefused

SAVE_AS_XLSX = "Open the file in a spreadsheet program and save it as .xlsx (Excel workbook) or CSV UTF-8."
EXPORT_AGAIN = "Export the file again from the source system and upload the new copy."


def refusal(
    detail: str, *, file: str, next_step: str = EXPORT_AGAIN, sheet: str = "", row: int | None = None
) -> FileRefused:
    """A `FileRefused` whose `where` names the places that are known."""
    where: dict[str, object] = {"file": file}
    if sheet:
        where["sheet"] = sheet
    if row is not None:
        where["row"] = row
    return FileRefused(detail, where=where, next_step=next_step)
