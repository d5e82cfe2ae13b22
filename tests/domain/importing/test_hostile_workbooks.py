"""Hostile and damaged workbooks: what is refused, and what reading the large ones costs."""

import io
import json
import struct
import subprocess
import sys
import zipfile

import pytest

from domain.importing.build import DATA, HEAD, MAIN, WORKSHOP, packed, parts, reading, refused, repacked, row, workbook
from masterflow.domain.importing import Limits, inspect

BILLION = '<!DOCTYPE a [<!ENTITY b "aaaaaaaaaa"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">]>'
OUTSIDE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize("prolog", [BILLION, OUTSIDE], ids=["billion laughs", "external entity"])
@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/sharedStrings.xml"])
def test_entity_declarations_are_refused_in_every_part(prolog, part):
    contents = parts(HEAD + row(2, "a", 1), texts=f'<sst xmlns="{MAIN}"/>')
    assert reading(packed(contents)).rows == [["a", 1]]
    contents[part] = prolog + contents[part]
    assert "forbidden XML declarations" in refused(packed(contents)).detail


@pytest.mark.parametrize("keep", [100, 0.3, 0.9, 0.999])
def test_a_truncated_workbook_is_refused(keep):
    content = WORKSHOP.read_bytes()
    refused(content[: int(keep * len(content)) if keep < 1 else keep])


def test_a_workbook_with_a_flipped_byte_in_a_sheet_is_refused():
    content = bytearray(WORKSHOP.read_bytes())
    content[100_000] ^= 0xFF
    assert "damaged" in refused(bytes(content)).detail


def test_a_damaged_directory_is_refused():
    content = bytearray(workbook(HEAD))
    at = content.find(b"PK\x01\x02")
    content[at : at + 4] = b"xxxx"
    assert "damaged" in refused(bytes(content)).detail


def test_a_part_that_cannot_be_unpacked_is_refused():
    content = bytearray(workbook(HEAD))
    at = content.find(b"_rels/.rels") + len("_rels/.rels")
    content[at + 3] ^= 0xFF
    assert "_rels/.rels" in refused(bytes(content)).detail


def test_damaged_xml_is_refused_with_the_part():
    contents = parts(HEAD)
    contents["xl/worksheets/sheet1.xml"] = contents["xl/worksheets/sheet1.xml"][:-20]
    assert "sheet1.xml" in refused(packed(contents)).detail


def test_a_missing_part_is_refused():
    contents = parts(HEAD)
    del contents["xl/workbook.xml"]
    assert "xl/workbook.xml" in refused(packed(contents)).detail


def test_a_part_above_the_limit_is_refused():
    refused(workbook(HEAD), Limits(max_part_bytes=50))


def test_a_zip_bomb_is_refused_before_it_is_unpacked():
    bomb = repacked(lambda archive, name, text: archive.writestr(name, text + " " * 20_000_000 * ("sheet" in name)))
    assert len(bomb) < 100_000
    assert "200 times" in refused(bomb).detail


def test_the_unpacked_size_and_the_shared_texts_are_limited():
    texts = f'<sst xmlns="{MAIN}"><si><t>{"x" * 500}</t></si></sst>'
    content = workbook(HEAD, texts=texts)
    assert "unpacks to" in refused(content, Limits(max_unpacked_bytes=500)).detail
    assert "of texts" in refused(content, Limits(max_shared_strings_bytes=500)).detail


def test_entries_that_share_their_bytes_are_refused():
    content = bytearray(repacked(lambda archive, name, text: archive.writestr(name, text)))
    first, second = [i for i in range(len(content)) if content[i : i + 4] == b"PK\x01\x02"][:2]
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    assert "overlap" in refused(bytes(content)).detail


def test_more_parts_than_allowed_are_refused():
    good = workbook(HEAD + row(2, "a", 1))
    assert "parts" in refused(good, Limits(max_zip_entries=3)).detail
    assert reading(good, limits=Limits(max_zip_entries=5)).rows == [["a", 1]]


def test_a_directory_that_claims_to_be_huge_is_refused():
    content = bytearray(workbook(HEAD))
    at = content.rfind(b"PK\x05\x06")
    content[at + 12 : at + 16] = struct.pack("<I", 2**31)
    assert "parts" in refused(bytes(content)).detail


@pytest.mark.parametrize("name", ["../evil.xml", "/etc/passwd", "a\\..\\b.xml", "C:/a.xml", "xl/workbook.xml"])
def test_names_that_point_outside_or_occur_twice_are_refused(name):
    content = workbook(HEAD)
    target = io.BytesIO(content)
    with zipfile.ZipFile(target, "a") as archive:
        if name == "xl/workbook.xml":
            with pytest.warns(UserWarning, match="Duplicate"):
                archive.writestr(name, "x")
        else:
            archive.writestr(name, "x")
    assert "container" in refused(target.getvalue()).detail


def test_a_symbolic_link_is_refused():
    def change(archive, name, text):
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (0o120777 if name.startswith("xl/work") else 0o100644) << 16
        archive.writestr(entry, text)

    assert "symbolic link" in refused(repacked(change)).detail


def test_an_encrypted_entry_is_refused():
    content = bytearray(workbook(HEAD))
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1
    assert "encrypted" in refused(bytes(content)).detail


def test_unusual_compression_is_refused():
    content = repacked(lambda archive, name, text: archive.writestr(name, text), zipfile.ZIP_BZIP2)
    assert "packed with a method" in refused(content).detail


@pytest.mark.parametrize(
    ("entry", "word"),
    [
        ("xl/vbaProject.bin", "macros"),
        ("xl/workbook.bin", ".xlsb"),
        ("content.xml", ".ods"),
        ("word/document.xml", "Word"),
        ("ppt/presentation.xml", "presentation"),
    ],
)
def test_other_office_files_are_refused_by_their_kind(entry, word):
    error = refused(packed({**parts(HEAD), entry: "x"}))
    assert word in error.detail
    assert "xlsx" in error.next_step


def test_an_archive_that_is_no_workbook_is_refused():
    assert "not an Excel workbook" in refused(packed({"inventory.csv": "a,b"})).detail


def test_more_sheets_rows_or_columns_than_allowed_are_refused():
    content = (DATA / "rvtools/mjvincent_rvtools-small-complete.xlsx").read_bytes()
    assert "17 sheets" in refused(content, Limits(max_sheets=16)).detail
    assert "rows" in refused(content, Limits(max_rows=5)).detail
    assert "columns" in refused(content, Limits(max_columns=10)).detail
    assert len(reading(content, limits=Limits(max_sheets=17, max_columns=14, max_rows=43)).ends) == 17


@pytest.mark.parametrize(
    "rows",
    [
        row(2, "a") + row(1, "b"),
        row(1_048_577, "a"),
        '<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>',
        '<row r="1"><c r="XFE1"><v>1</v></c></row>',
        '<row r="1"><c r="ABCDE1"><v>1</v></c></row>',
        '<row r="1"><c r="a1"><v>1</v></c></row>',
    ],
)
def test_rows_and_cells_out_of_order_or_beyond_excel_are_refused(rows):
    assert "out of order" in refused(workbook(rows)).detail


def test_a_piece_of_xml_without_end_is_refused():
    assert "damaged" in refused(workbook(f'<row r="1"><c r="A1" x="{"y" * 6_000_000}"/></row>')).detail


SPARSE = (
    '<row r="1"><c r="A1" t="inlineStr"><is><t>name</t></is></c></row>'
    '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
)


def test_two_cells_in_opposite_corners_cost_nothing_and_the_far_one_is_named():
    content = workbook(SPARSE)
    assert len(content) < 2_048
    found = reading(content)
    assert (found.ends[0].records, found.ends[0].empty_rows) == (0, 1_048_575)
    assert found.issue("value_outside_table").place.column == "XFD"


MEASURE = """
import json, pathlib, sys, time
from masterflow.domain.importing import read
content = open(sys.argv[1], "rb").read()
start = time.perf_counter()
events = sum(1 for _ in read(content, file_name="a.xlsx"))
status = pathlib.Path("/proc/self/status").read_text()
peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
print(json.dumps({"events": events, "seconds": time.perf_counter() - start, "peak": peak}))
"""


def measured(content: bytes, folder) -> dict[str, float]:
    path = folder / "input"
    path.write_bytes(content)
    ran = subprocess.run([sys.executable, "-c", MEASURE, str(path)], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def test_a_million_formatted_empty_rows_are_read_in_bounded_time_and_memory(tmp_path):
    empties = "".join(f'<row r="{i}" s="1" customFormat="1"><c r="A{i}" s="1"/></row>' for i in range(2, 1_048_577))
    content = workbook(HEAD + empties)
    found = measured(content, tmp_path)
    assert found["events"] == 4
    assert found["peak"] < 120
    assert found["seconds"] < 30


def test_the_workshop_workbook_is_read_in_bounded_time_and_memory(tmp_path):
    found = measured(WORKSHOP.read_bytes(), tmp_path)
    assert found["events"] == 1 + 4 * 2 + 805 + 805 + 1618 + 34
    assert found["peak"] < 120
    assert found["seconds"] < 5


def test_the_summary_of_a_sheet_without_rows_says_so():
    found = inspect(workbook(HEAD), file_name="a.xlsx")
    assert [issue.code for issue in found.issues] == ["no_rows"]
    assert found.sheets[0].records == 0
