"""Builds the files of the tests: workbooks from raw XML, and the events of a reading in lists."""

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import masterflow
from masterflow.domain.importing import FileStart, Limits, SheetEnd, read
from masterflow.domain.records import Issue, Record, SheetHeader
from masterflow.errors import FileRefused

DATA = Path(__file__).parents[2] / "data"
WORKSHOP = Path(masterflow.__file__).parent / "data" / "rvtools-workshop.xlsx"

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
TYPES = '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def relationships(*links: tuple[str, str, str]) -> str:
    inner = "".join(f'<Relationship Id="{i}" Type="{OFFICE}/{t}" Target="{to}"/>' for i, t, to in links)
    return f'<Relationships xmlns="{PACKAGE}">{inner}</Relationships>'


def row(number: int, *cells: object) -> str:
    """A row of inline texts and numbers; None leaves the cell out."""
    parts = []
    for position, cell in enumerate(cells):
        reference = f'r="{chr(65 + position)}{number}"'
        if isinstance(cell, str):
            parts.append(f'<c {reference} t="inlineStr"><is><t>{cell}</t></is></c>')
        elif cell is not None:
            parts.append(f"<c {reference}><v>{cell}</v></c>")
    return f'<row r="{number}">{"".join(parts)}</row>'


def parts(rows: str, *, prolog: str = "", texts: str = "", styles: str = "", properties: str = "") -> dict[str, str]:
    """The parts of a workbook with one sheet named S."""
    links = [("rId1", "worksheet", "worksheets/sheet1.xml")]
    extra = {}
    if texts:
        links.append(("rId2", "sharedStrings", "sharedStrings.xml"))
        extra["xl/sharedStrings.xml"] = texts
    if styles:
        links.append(("rId3", "styles", "styles.xml"))
        extra["xl/styles.xml"] = styles
    return {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": relationships(("rId1", "officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">{properties}<sheets>'
        '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relationships(*links),
        "xl/worksheets/sheet1.xml": f'{prolog}<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>',
        **extra,
    }


def packed(contents: dict[str, str]) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in contents.items():
            archive.writestr(name, text)
    return target.getvalue()


def workbook(rows: str, **options: str) -> bytes:
    return packed(parts(rows, **options))


@dataclass
class Reading:
    start: FileStart
    headers: list[SheetHeader]
    records: list[Record]
    issues: list[Issue]
    ends: list[SheetEnd]

    @property
    def codes(self) -> list[str]:
        return [issue.code for issue in self.issues]

    @property
    def keys(self) -> list[str]:
        return [column.key for column in self.headers[0].columns]

    @property
    def rows(self) -> list[list[object]]:
        return [list(record.values.values()) for record in self.records]

    def issue(self, code: str) -> Issue:
        return next(issue for issue in self.issues if issue.code == code)


def reading(content: bytes | str, name: str = "input", limits: Limits | None = None) -> Reading:
    raw = content.encode() if isinstance(content, str) else content
    events = list(read(raw, file_name=name, limits=limits or Limits()))

    def of(kind):
        return [event for event in events if isinstance(event, kind)]

    return Reading(of(FileStart)[0], of(SheetHeader), of(Record), of(Issue), of(SheetEnd))


HEAD = row(1, "name", "cpu")


def refused(content: bytes, limits: Limits | None = None) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        reading(content, "a.xlsx", limits)
    assert caught.value.where["file"] == "a.xlsx"
    assert caught.value.next_step
    return caught.value


def repacked(change, method=zipfile.ZIP_DEFLATED) -> bytes:
    """A good workbook whose entries were written by `change(archive, name, text)`."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name, text in parts(HEAD + row(2, "a", 1)).items():
            change(archive, name, text)
    return target.getvalue()
