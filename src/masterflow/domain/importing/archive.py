"""Checks a workbook's ZIP container before anything in it is unpacked.

The limits and the list of attacks follow the project's measurements of hostile workbooks. Overlapping
entries are looked for here because Python before 3.11.8 does not (CVE-2024-0450).
"""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from itertools import pairwise

from masterflow.domain.importing.model import MIB, Limits
from masterflow.domain.importing.refusal import SAVE_AS_XLSX, refusal
from masterflow.errors import FileRefused

ZIP_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
    IndexError,
    KeyError,
)
"""What `zipfile` raises on damaged input."""

_END_RECORD = b"PK\x05\x06"
_END_RECORD_SIZE = 22
_LOCAL_HEADER_SIZE = 30
_DIRECTORY_BYTES_PER_ENTRY = 2_048
_ENCRYPTED = 0x1
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_FOREIGN = {
    "xl/workbook.bin": ("This is a binary Excel workbook (.xlsb).", SAVE_AS_XLSX),
    "content.xml": ("This is an OpenDocument file (.ods).", SAVE_AS_XLSX),
    "word/document.xml": ("This is a Word document.", "Save its table as .xlsx or CSV."),
    "ppt/presentation.xml": ("This is a presentation.", "Save its table as .xlsx or CSV."),
}


def open_archive(content: bytes, *, file: str, limits: Limits) -> zipfile.ZipFile:
    """The container of an .xlsx workbook, checked. Raises `FileRefused` for anything else."""
    _check_directory_size(content, file=file, limits=limits)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except ZIP_FAULTS as fault:
        raise _damaged(file, str(fault)) from fault
    entries = archive.infolist()
    _check_kind({entry.filename for entry in entries}, file=file)
    _check_names(entries, file=file)
    _check_packing(entries, file=file)
    _check_sizes(entries, file=file, limits=limits)
    _check_overlap(entries, file=file)
    return archive


def _damaged(file: str, why: str) -> FileRefused:
    return refusal(f"The workbook is damaged or incomplete: {why}.", file=file)


def _hostile(file: str, what: str) -> FileRefused:
    return refusal(
        f"The workbook's container is not acceptable: {what}.",
        file=file,
        next_step="Save the workbook again from a spreadsheet program and upload that copy.",
    )


def _check_directory_size(content: bytes, *, file: str, limits: Limits) -> None:
    """Bounds the directory before `zipfile` builds an object for each of its entries."""
    at = content.rfind(_END_RECORD, max(0, len(content) - 65_557))
    if at < 0 or len(content) < at + _END_RECORD_SIZE:
        raise _damaged(file, "its directory is missing, the upload may have been cut off")
    entries, size = struct.unpack_from("<HI", content, at + 10)
    too_many = entries > limits.max_zip_entries
    if too_many or size > limits.max_zip_entries * _DIRECTORY_BYTES_PER_ENTRY:
        raise _hostile(file, f"more than {limits.max_zip_entries:,} parts")


def _check_kind(names: set[str], *, file: str) -> None:
    for name, (what, next_step) in _FOREIGN.items():
        if name in names:
            raise refusal(what, file=file, next_step=next_step)
    if any(name.lower().endswith("vbaproject.bin") for name in names):
        raise refusal(
            "This workbook contains macros.",
            file=file,
            next_step="Save it as .xlsx (Excel workbook without macros).",
        )
    if "[Content_Types].xml" not in names:
        raise refusal(
            "This is a ZIP archive but not an Excel workbook.",
            file=file,
            next_step="Unpack it and upload the .xlsx, .csv or .json files one by one.",
        )


def _check_names(entries: Sequence[zipfile.ZipInfo], *, file: str) -> None:
    seen: set[str] = set()
    for entry in entries:
        name = entry.filename
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            raise _hostile(file, "a part's name points outside the workbook")
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise _hostile(file, "a part is a symbolic link")
        if name in seen:
            raise _hostile(file, "two parts have the same name")
        seen.add(name)


def _check_packing(entries: Sequence[zipfile.ZipInfo], *, file: str) -> None:
    if any(entry.flag_bits & _ENCRYPTED for entry in entries):
        raise refusal(
            "The workbook is encrypted.",
            file=file,
            next_step="Save it without a password and upload it again.",
        )
    if any(entry.compress_type not in _METHODS for entry in entries):
        raise _hostile(file, "a part is packed with a method that workbooks do not use")


def _check_sizes(entries: Sequence[zipfile.ZipInfo], *, file: str, limits: Limits) -> None:
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > limits.max_unpacked_bytes:
        allowed = limits.max_unpacked_bytes // MIB
        raise refusal(
            f"The workbook unpacks to {unpacked // MIB:,} MiB, the limit is {allowed:,} MiB.",
            file=file,
            next_step="Split it into several workbooks, or export the sheets as CSV.",
        )
    packed = sum(entry.compress_size for entry in entries)
    pairs = [(entry.file_size, entry.compress_size) for entry in entries]
    for size, stored in [*pairs, (unpacked, packed)]:
        if size > limits.ratio_from_bytes and size > limits.max_ratio * max(stored, 1):
            raise _hostile(file, f"a part unpacks to more than {limits.max_ratio} times its size")


def _check_overlap(entries: Sequence[zipfile.ZipInfo], *, file: str) -> None:
    spans = sorted(
        (e.header_offset, e.header_offset + _LOCAL_HEADER_SIZE + len(e.filename) + e.compress_size) for e in entries
    )
    if any(following[0] < span[1] for span, following in pairwise(spans)):
        raise _hostile(file, "its parts overlap")


def read_part(archive: zipfile.ZipFile, name: str, *, file: str, max_bytes: int) -> bytes:
    """A part of the workbook as a whole; refused above `max_bytes` or when it is damaged."""
    try:
        size = archive.getinfo(name).file_size
        if size > max_bytes:
            raise _hostile(file, f"the part {name} has {size // MIB:,} MiB")
        return archive.read(name)
    except ZIP_FAULTS as fault:
        raise _damaged(file, f"the part {name} cannot be read") from fault
