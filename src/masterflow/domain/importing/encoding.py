"""Judges the encoding of a text file: byte order mark, then UTF-8, then UTF-16, then a stated guess."""

from __future__ import annotations

import codecs
import io
from dataclasses import dataclass

from charset_normalizer import from_bytes

from masterflow.domain.importing.model import MIB

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_LOOK = 65_536
_ENOUGH_BYTES = 32
_WESTERN = "cp1252"
_LOOKALIKES = ("cp125", "latin", "iso8859", "mac_", "cp437", "cp85", "cp775", "hp_roman8", "cp500", "cp037")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to decode a text: skip `mark` bytes, then `name`.

    `lossy`: some bytes do not fit and decode to U+FFFD; the rows that hold one cannot be trusted.
    `alternative` is set when `name` was guessed.
    """

    name: str
    mark: int
    evidence: str
    lossy: bool = False
    guessed: bool = False
    alternative: str = ""

    def stream(self, content: bytes) -> io.TextIOWrapper:
        """The text of `content` line by line, line ends kept as they are."""
        raw = io.BytesIO(content)
        raw.seek(self.mark)
        return io.TextIOWrapper(raw, self.name, errors="replace", newline="")


def judge(content: bytes) -> Encoding:
    """The encoding of a text file. Every input has an answer; a guess says so."""
    for mark, name in _MARKS:
        if content.startswith(mark):
            lossy = _first_fault(content, name) is not None
            return Encoding(name, len(mark), f"begins with the byte order mark of {name}", lossy)
    wide = _utf16(content)
    if wide:
        lossy = _first_fault(content, wide) is not None
        return Encoding(wide, 0, f"every other byte is zero as in {wide}", lossy)
    fault = _first_fault(content, "utf-8")
    if fault is None:
        return Encoding("utf-8", 0, "all bytes are valid UTF-8")
    around = content[max(0, fault - _LOOK) : fault + MIB]
    if _mostly_utf8(around):
        return Encoding("utf-8", 0, "nearly all non-ASCII bytes are valid UTF-8", lossy=True)
    return _guess(content, around[: 4 * _LOOK])


def _first_fault(content: bytes, name: str) -> int | None:
    """The offset of the first bytes that are not valid in an encoding, to within a chunk; None if all are."""
    decoder = codecs.getincrementaldecoder(name)()
    view = memoryview(content)
    for start in range(0, len(content), MIB):
        try:
            decoder.decode(view[start : start + MIB], start + MIB >= len(content))
        except UnicodeDecodeError as fault:
            return start + fault.start
    return None


def _utf16(content: bytes) -> str:
    """UTF-16 without a mark: ASCII letters leave a zero in every second byte and none in the others."""
    sample = content[:_LOOK]
    half = len(sample) // 2
    if half < 2:
        return ""
    even, odd = sample[0::2].count(0), sample[1::2].count(0)
    if odd > 0.6 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.6 * half and odd < 0.05 * half:
        return "utf-16-be"
    return ""


def _mostly_utf8(sample: bytes) -> bool:
    text = sample.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    good = sum(1 for char in text if char > "\x7f") - bad
    return good >= 4 * bad


def _guess(content: bytes, sample: bytes) -> Encoding:
    """charset-normalizer's suggestion; for little text or a lookalike the common Western code page.

    Short Western texts are regularly taken for a neighbouring code page, so a lookalike is believed
    only with enough non-ASCII bytes to tell. The alternative is always named.
    """
    matches = [match.encoding for match in from_bytes(sample)]
    best = matches[0] if matches else _WESTERN
    if best.startswith(_LOOKALIKES) and sum(byte > 127 for byte in sample) < _ENOUGH_BYTES:
        best = _WESTERN
    others = [name for name in [*matches, _WESTERN, "cp1250", "latin_1"] if name != best]
    lossy = _first_fault(content, best) is not None
    evidence = f"not valid UTF-8; {best} is a guess"
    return Encoding(best, 0, evidence, lossy, guessed=True, alternative=others[0])
