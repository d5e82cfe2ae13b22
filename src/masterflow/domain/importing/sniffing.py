"""Finds out by content, not by name, what kind of file was uploaded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from masterflow.domain.importing.encoding import Encoding, judge
from masterflow.domain.importing.model import MIB, Format, Limits
from masterflow.domain.importing.refusal import SAVE_AS_XLSX, refusal
from masterflow.domain.records import Issue, Place

Shape = Literal["table", "json"]

_ZIP = b"PK"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_FOREIGN = (
    (b"%PDF-", "This is a PDF document."),
    (b"\x1f\x8b", "This is a gzip archive; unpack it first."),
    (b"7z\xbc\xaf", "This is a 7z archive; unpack it first."),
    (b"Rar!", "This is a RAR archive; unpack it first."),
    (b"\x89PNG", "This is an image."),
    (b"\xff\xd8\xff", "This is an image."),
    (b"GIF8", "This is an image."),
    (b"{\\rtf", "This is an RTF document."),
    (b"SQLite format 3", "This is a SQLite database."),
    (b"PAR1", "This is a Parquet file."),
)
_NEEDED = "Upload an inventory as .xlsx, .csv or .json."
_LOOK = 65_536
_CONTROLS = bytes(code for code in range(1, 32) if code not in b"\t\n\v\f\r\x1a\x1b") + b"\x7f"
_STRAY_CONTROLS = 4
_JSON_START = re.compile(r"\s*(\[\s*[\[{\]]|\{\s*[\"}])")
_MARKUP = re.compile(r"\s*<(\?xml|!doctype|html|table|workbook|!--)", re.IGNORECASE)
_EXTENSIONS: dict[str, tuple[Format, ...]] = {
    "xlsx": ("xlsx",),
    "xlsm": ("xlsx",),
    "csv": ("csv",),
    "tsv": ("csv",),
    "tab": ("csv",),
    "txt": ("csv",),
    "json": ("json", "ndjson"),
    "ndjson": ("ndjson", "json"),
    "jsonl": ("ndjson", "json"),
}


@dataclass(frozen=True, slots=True)
class TextFile:
    """A text file: its encoding, its beginning (up to 64 KiB, decoded) and whether that looks like JSON."""

    encoding: Encoding
    sample: str
    shape: Shape


def check_size(content: bytes, *, file: str, limits: Limits) -> None:
    """Refuses an empty file and one above the limit."""
    if not content:
        raise refusal("The file is empty.", file=file)
    if len(content) > limits.max_bytes:
        raise refusal(
            f"The file has {len(content) // MIB:,} MiB, the limit is {limits.max_bytes // MIB:,} MiB.",
            file=file,
            next_step="Split it and upload the pieces one by one.",
        )


def is_zip(content: bytes) -> bool:
    """Whether the file is a ZIP container, as .xlsx workbooks are."""
    return content.startswith(_ZIP) and content[2:4] in (b"\x03\x04", b"\x05\x06", b"\x07\x08")


def sniff_text(content: bytes, *, file: str) -> TextFile:
    """The encoding and shape of a text file. Raises `FileRefused` for anything that is not text."""
    _refuse_foreign(content, file=file)
    encoding = judge(content)
    _refuse_binary(content, encoding, file=file)
    sample = encoding.stream(content[: _LOOK + encoding.mark]).read()
    if _MARKUP.match(sample):
        raise refusal("This is an HTML or XML document.", file=file, next_step=SAVE_AS_XLSX)
    if not sample.strip():
        raise refusal("The file holds nothing but blanks.", file=file)
    named_json = "json" in _EXTENSIONS.get(extension(file), ()) and sample.lstrip()[0] in "[{"
    return TextFile(encoding, sample, "json" if named_json or _JSON_START.match(sample) else "table")


def _refuse_foreign(content: bytes, *, file: str) -> None:
    if content.startswith(_OLE):
        if _ENCRYPTED_PACKAGE in content:
            step = "Save it without a password and upload it again."
            raise refusal("The workbook is protected by a password.", file=file, next_step=step)
        raise refusal("This is an old Excel workbook (.xls).", file=file, next_step=SAVE_AS_XLSX)
    for signature, what in _FOREIGN:
        if content.startswith(signature):
            raise refusal(what, file=file, next_step=_NEEDED)


def _refuse_binary(content: bytes, encoding: Encoding, *, file: str) -> None:
    """A text has next to no control characters; zero bytes are left to the rows unless they abound."""
    if encoding.name.startswith(("utf-16", "utf-32")):
        return
    sample = content[:_LOOK]
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if controls > max(_STRAY_CONTROLS, 0.02 * len(sample)) or sample.count(0) > 0.3 * len(sample):
        raise refusal("This is a binary file, not a text or a workbook.", file=file, next_step=_NEEDED)


def extension(file: str) -> str:
    """The extension of a file name in lower case, without the dot; "" if it has none."""
    name, dot, last = file.rpartition(".")
    return last.lower() if dot and name else ""


def extension_issues(file: str, found: Format) -> tuple[Issue, ...]:
    """A warning when the name promises another format than the content has."""
    promised = extension(file)
    if not promised or found in _EXTENSIONS.get(promised, (found,)):
        return ()
    message = f"The name ends in .{promised}, the content is {found}; it was read as {found}."
    return (Issue("extension_differs", "warning", message, Place(file)),)


def encoding_issues(file: str, encoding: Encoding) -> tuple[Issue, ...]:
    """Warnings when the encoding was guessed or some bytes do not fit it."""
    issues = []
    if encoding.guessed:
        message = (
            f"The text is not UTF-8. It was read as {encoding.name}; {encoding.alternative} is possible too. "
            "Check names with accents, or save the file as CSV UTF-8."
        )
        issues.append(Issue("encoding_guessed", "warning", message, Place(file)))
    if encoding.lossy:
        message = f"Some bytes are not valid {encoding.name}; the rows that hold them are left out."
        issues.append(Issue("encoding_faults", "warning", message, Place(file)))
    return tuple(issues)
