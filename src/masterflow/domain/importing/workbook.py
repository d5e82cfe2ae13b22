"""Reads the parts of an .xlsx workbook that its sheets refer to: sheet list, shared texts, date styles.

Only what an inventory needs is read, by local element names, so that a damaged theme or an unusual
style does not make a workbook unreadable. A document type declaration ends the reading (no entities).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, ParseError
from xml.parsers import expat
from zipfile import ZipFile

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format, is_timedelta_format

from masterflow.domain.importing.archive import ZIP_FAULTS, read_part
from masterflow.domain.importing.model import MIB, Limits
from masterflow.domain.importing.refusal import refusal
from masterflow.errors import FileRefused

DateStyle = Literal["date", "datetime", "duration"]

CHUNK = 65_536
_MAX_TOKEN = 4 * MIB
_EAST_ASIAN_DATES = frozenset([*range(27, 32), 36, *range(50, 59)])
_ESCAPED = re.compile(r"_x(000[9ADad]|005[Ff])_")


@dataclass(frozen=True, slots=True)
class SheetPart:
    """A worksheet's name and the path of its part in the archive."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Workbook:
    """What the cells of all sheets refer to; `date_styles` maps a cell style to its kind of date."""

    sheets: tuple[SheetPart, ...]
    texts: list[str]
    date_styles: dict[str, DateStyle]
    epoch_1904: bool


@dataclass(frozen=True, slots=True)
class _Link:
    kind: str
    path: str


def read_workbook(archive: ZipFile, *, file: str, limits: Limits) -> Workbook:
    """The workbook's parts. Raises `FileRefused` for damaged XML or too many sheets."""
    main = _links(archive, "_rels/.rels", base="", file=file, limits=limits)
    path = next((link.path for link in main.values() if link.kind == "officeDocument"), "xl/workbook.xml")
    folder, _, name = path.rpartition("/")
    links = _links(archive, f"{folder}/_rels/{name}.rels", base=folder, file=file, limits=limits)
    tree = _tree(archive, path, file=file, limits=limits)
    sheets = tuple(_sheets(tree, links))
    if len(sheets) > limits.max_sheets:
        raise refusal(
            f"The workbook has {len(sheets):,} sheets, the limit is {limits.max_sheets:,}.",
            file=file,
            next_step="Split it into several workbooks.",
        )
    texts_path = next((link.path for link in links.values() if link.kind == "sharedStrings"), "")
    styles_path = next((link.path for link in links.values() if link.kind == "styles"), "")
    names = set(archive.namelist())
    texts = _shared_texts(archive, texts_path, file=file, limits=limits) if texts_path in names else []
    styles = {}
    if styles_path in names:
        styles = _date_styles(_tree(archive, styles_path, file=file, limits=limits))
    return Workbook(sheets, texts, styles, _is_1904(tree))


def _links(archive: ZipFile, path: str, *, base: str, file: str, limits: Limits) -> dict[str, _Link]:
    """The relationships of a part by their id; targets outside the workbook are left out."""
    links = {}
    for element in _tree(archive, path, file=file, limits=limits):
        if element.get("TargetMode") != "External":
            kind = element.get("Type", "").rpartition("/")[2]
            links[element.get("Id", "")] = _Link(kind, _resolved(element.get("Target", ""), base))
    return links


def _resolved(target: str, base: str) -> str:
    if target.startswith("/"):
        return target[1:]
    path = base.split("/") if base else []
    for step in target.split("/"):
        if step == "..":
            path = path[:-1]
        elif step != ".":
            path.append(step)
    return "/".join(path)


def _tree(archive: ZipFile, path: str, *, file: str, limits: Limits) -> Element:
    content = read_part(archive, path, file=file, max_bytes=limits.max_part_bytes)
    try:
        tree: Element = fromstring(content, forbid_dtd=True)
    except (DefusedXmlException, ParseError, ValueError, LookupError) as fault:
        raise damaged_xml(file, path) from fault
    return tree


def damaged_xml(file: str, path: str) -> FileRefused:
    """The refusal of a part that is no XML, or XML with declarations that workbooks do not have."""
    return refusal(f"The workbook's part {path} is damaged or contains forbidden XML declarations.", file=file)


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _sheets(tree: Element, links: dict[str, _Link]) -> Iterator[SheetPart]:
    seen: set[str] = set()
    for element in tree.iter():
        if _local(element.tag) == "sheet":
            key = next((value for name, value in element.items() if _local(name) == "id"), "")
            link = links.get(key)
            if link and link.kind == "worksheet":
                name = unique(element.get("name", ""), seen)
                yield SheetPart(name, link.path)


def unique(name: str, seen: set[str]) -> str:
    """`name`, or with " (2)", " (3)" ... behind it when it was seen before; adds it to `seen`."""
    candidate, count = name, 1
    while candidate in seen:
        count += 1
        candidate = f"{name} ({count})"
    seen.add(candidate)
    return candidate


def _is_1904(tree: Element) -> bool:
    properties = (element for element in tree.iter() if _local(element.tag) == "workbookPr")
    return any(element.get("date1904") in ("1", "true") for element in properties)


def _date_styles(tree: Element) -> dict[str, DateStyle]:
    codes: dict[str, str] = {str(number): code for number, code in BUILTIN_FORMATS.items()}
    codes |= {str(number): "yyyy-mm-dd" for number in _EAST_ASIAN_DATES}
    styles: dict[str, DateStyle] = {}
    for section in tree:
        kind = _local(section.tag)
        if kind == "numFmts":
            codes |= {fmt.get("numFmtId", ""): fmt.get("formatCode", "") for fmt in section}
        elif kind == "cellXfs":
            for index, style in enumerate(section):
                date = _date_style(codes.get(style.get("numFmtId", ""), ""))
                if date:
                    styles[str(index)] = date
    return styles


def _date_style(code: str) -> DateStyle | None:
    if not is_date_format(code):
        return None
    if is_timedelta_format(code):
        return "duration"
    return "datetime" if "h" in code.lower() else "date"


class _Texts:
    """Collects the shared texts while the parser runs; phonetic readings are left out."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._taking = False
        self._phonetic = False

    def start(self, tag: str, _attributes: dict[str, str]) -> None:
        name = tag.rpartition(":")[2]
        if name == "si":
            self._parts.clear()
        elif name == "rPh":
            self._phonetic = True
        elif name == "t":
            self._taking = not self._phonetic

    def end(self, tag: str) -> None:
        name = tag.rpartition(":")[2]
        if name == "si":
            self.texts.append(unescaped("".join(self._parts)))
        elif name == "rPh":
            self._phonetic = False
        elif name == "t":
            self._taking = False

    def text(self, text: str) -> None:
        if self._taking:
            self._parts.append(text)


def unescaped(text: str) -> str:
    """The text with Excel's `_x000D_` notation for tab, line feed, carriage return and "_" resolved."""
    if "_x" not in text:
        return text
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def _shared_texts(archive: ZipFile, path: str, *, file: str, limits: Limits) -> list[str]:
    if archive.getinfo(path).file_size > limits.max_shared_strings_bytes:
        raise refusal(
            f"The workbook holds more than {limits.max_shared_strings_bytes // MIB} MiB of texts.",
            file=file,
            next_step="Split it into several workbooks, or export the sheets as CSV.",
        )
    texts = _Texts()
    parser = xml_parser(file, path)
    parser.StartElementHandler = texts.start
    parser.EndElementHandler = texts.end
    parser.CharacterDataHandler = texts.text
    for _ in fed(parser, archive, path, file=file):
        pass
    return texts.texts


def xml_parser(file: str, path: str) -> expat.XMLParserType:
    """A streaming parser that refuses document type declarations, so no entity can be declared."""

    def refuse(*_declaration: object) -> None:
        raise damaged_xml(file, path)

    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = refuse
    return parser


def fed(parser: expat.XMLParserType, archive: ZipFile, path: str, *, file: str) -> Iterator[None]:
    """Feeds a part to the parser chunk by chunk and yields after each, so that rows can be taken."""
    try:
        with archive.open(path) as part:
            total = 0
            while chunk := part.read(CHUNK):
                parser.Parse(chunk, False)
                total += len(chunk)
                if total - parser.CurrentByteIndex > _MAX_TOKEN:
                    raise damaged_xml(file, path)
                yield
            parser.Parse(b"", True)
            yield
    except expat.ExpatError as fault:
        raise damaged_xml(file, path) from fault
    except ZIP_FAULTS as fault:
        raise refusal(f"The workbook's part {path} is damaged or incomplete: {fault}.", file=file) from fault
