"""Workbooks made by hand: cell types, dates, formulas, layout, and what is refused."""

import io
import json
import struct
import subprocess
import sys
import zipfile

import openpyxl
import pytest

from domain.importing.build import DATA, MAIN, WORKSHOP, packed, parts, reading, relationships, row, workbook
from masterflow.domain.importing import Limits, inspect
from masterflow.errors import FileRefused

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


def test_cells_keep_their_types():
    cells = (
        '<c r="A2" t="b"><v>1</v></c><c r="B2"><v>1.5</v></c><c r="C2"><v>-7</v></c><c r="D2" t="str"><v>x</v></c>'
        '<c r="E2"><v>12345678901234567890</v></c><c r="F2"><v>1E999</v></c><c r="G2"><v>2E3</v></c>'
        '<c r="H2"><v>many</v></c><c r="I2" t="d"><v>2026-01-02T03:04:05</v></c><c r="J2" t="inlineStr"/>'
    )
    found = reading(workbook(row(1, *"abcdefghij") + f'<row r="2">{cells}</row>'))
    assert found.rows == [
        [True, 1.5, -7, "x", "12345678901234567890", "1E999", 2000.0, "many", "2026-01-02T03:04:05", None]
    ]


STYLES = (
    f'<styleSheet xmlns="{MAIN}"><numFmts><numFmt numFmtId="170" formatCode="yyyy\\-mm\\-dd hh:mm"/>'
    '<numFmt numFmtId="171" formatCode="[h]:mm:ss"/></numFmts><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="170"/><xf numFmtId="171"/><xf numFmtId="31"/><xf/></cellXfs></styleSheet>'
)


def _dated(properties: str = "") -> list[object]:
    cells = "".join(
        f'<c r="{column}2" s="{style}"><v>{value}</v></c>'
        for column, style, value in [
            ("A", 0, 45292), ("B", 1, 45292), ("C", 2, 45292.5), ("D", 3, 1.5), ("E", 4, 45292), ("F", 1, 99999999),
        ]
    )  # fmt: skip
    found = reading(workbook(row(1, *"abcdef") + f'<row r="2">{cells}</row>', styles=STYLES, properties=properties))
    assert found.codes == ["date_out_of_range"]
    assert found.issues[0].place.column == "F"
    return found.rows[0]


def test_dates_become_iso_texts_by_the_format_of_their_cell():
    assert _dated() == [45292, "2024-01-01", "2024-01-01T12:00:00", "PT129600S", "2024-01-01", 99999999]


def test_a_workbook_that_counts_from_1904_gives_its_own_dates():
    assert _dated('<workbookPr date1904="1"/>')[1] == "2028-01-02"


def test_shared_texts_are_joined_without_their_phonetic_readings():
    texts = (
        f'<sst xmlns="{MAIN}"><si><t>name</t></si><si><r><t>web</t></r><r><t>01</t></r>'
        "<rPh><t>reading</t></rPh></si><si><t>two_x000D_lines</t></si></sst>"
    )
    rows = '<row r="1"><c t="s"><v>0</v></c></row><row><c t="s"><v>1</v></c></row><row><c t="s"><v>2</v></c></row>'
    found = reading(workbook(rows, texts=texts))
    assert (found.keys, found.rows) == (["name"], [["web01"], ["two\rlines"]])


def test_an_inline_text_leaves_out_its_phonetic_reading():
    rows = HEAD + '<row r="2"><c r="A2" t="inlineStr"><is><t>web</t><rPh><t>no</t></rPh></is></c></row>'
    assert reading(workbook(rows)).rows == [["web", None]]


def test_a_reference_to_a_text_that_does_not_exist_refuses_the_file():
    error = refused(workbook(HEAD + '<row r="2"><c r="A2" t="s"><v>7</v></c></row>'))
    assert (error.where["sheet"], error.where["row"]) == ("S", 2)


def test_a_formula_without_a_stored_value_is_a_finding_with_its_cell():
    formulas = '<c r="A2"><f>1+1</f><v>2</v></c><c r="B2"><f>A2</f><v></v></c><c r="C2" t="str"><f>""</f><v></v></c>'
    found = reading(workbook(row(1, *"abc") + f'<row r="2">{formulas}</row>'))
    assert found.rows == [[2, None, None]]
    assert [(i.code, i.place.row, i.place.column) for i in found.issues] == [("formula_without_value", 2, "B")]


def test_formulas_written_by_openpyxl_are_found_to_have_no_value():
    book = openpyxl.Workbook()
    book.active.append(["name", "cpu"])
    book.active.append(["web", "=1+1"])
    target = io.BytesIO()
    book.save(target)
    found = reading(target.getvalue())
    assert found.codes == ["formula_without_value"]
    assert found.rows == [["web", None]]


def test_an_error_in_a_cell_counts_as_empty_and_is_named():
    found = reading(workbook(HEAD + '<row r="2"><c r="A2"><v>1</v></c><c r="B2" t="e"><v>#N/A</v></c></row>'))
    assert found.rows == [[1, None]]
    assert "#N/A" in found.issue("cell_error").message


def test_titles_above_the_header_are_left_out_and_named():
    found = reading(workbook(row(1, "Inventory of site A") + row(3, "name", "cpu", "os") + row(4, "web", 2, "Linux")))
    assert (found.headers[0].header_row, found.keys) == (3, ["name", "cpu", "os"])
    assert "Inventory of site A" in found.issue("rows_above_header").message
    assert found.records[0].row == 4


def test_repeated_columns_get_keys_of_their_own():
    found = reading(workbook(row(1, "disk", "disk", "disk ") + row(2, 1, 2, 3)))
    assert found.keys == ["disk", "disk (2)", "disk (3)"]
    assert found.headers[0].columns[2].name == "disk "
    assert found.codes == ["duplicate_column", "duplicate_column"]


def test_a_column_without_a_name_is_kept_only_if_it_holds_values():
    head = row(1, "name", None, "cpu", None, "os")
    found = reading(workbook(head + row(2, "a", None, 1, None, "x") + row(3, "b", None, 2, "extra", "y")))
    assert found.keys == ["name", "cpu", "column 4", "os"]
    assert found.rows == [["a", 1, None, "x"], ["b", 2, "extra", "y"]]
    assert found.codes == ["unnamed_column"]


def test_a_value_beside_the_table_is_left_out_and_the_row_kept():
    found = reading(workbook(HEAD + row(2, "a", 1, None, "note") + row(3, "b", 2)))
    assert found.rows == [["a", 1], ["b", 2]]
    place = found.issue("value_outside_table").place
    assert (place.sheet, place.row, place.column) == ("S", 2, "D")


def test_empty_rows_between_and_after_are_counted():
    rows = HEAD + row(3, "a", 1) + '<row r="5"><c r="A5" s="1"/></row>' + row(7, "b", 2) + '<row r="9"/>'
    found = reading(workbook(rows))
    assert [record.row for record in found.records] == [3, 7]
    assert found.ends[0].empty_rows == 6


def test_a_row_of_blanks_is_empty():
    assert reading(workbook(HEAD + row(2, " ", "\t") + row(3, "a", 1))).ends[0].empty_rows == 1


def test_a_text_that_is_too_long_rejects_its_row_only():
    found = reading(workbook(HEAD + row(2, "x" * 40_000, 1) + row(3, "b", 2)))
    assert found.rows == [["b", 2]]
    assert (found.ends[0].rejected, found.issues[0].code, found.issues[0].place.row) == (1, "cell_too_long", 2)


def test_a_shared_text_that_is_too_long_rejects_its_row_only():
    texts = f'<sst xmlns="{MAIN}"><si><t>{"x" * 40_000}</t></si></sst>'
    rows = HEAD + '<row r="2"><c r="A2" t="s"><v>0</v></c></row>' + row(3, "b", 2)
    found = reading(workbook(rows, texts=texts))
    assert (found.rows, found.codes) == ([["b", 2]], ["cell_too_long"])


def test_an_empty_sheet_is_a_finding_and_a_workbook_of_them_is_refused():
    with pytest.raises(FileRefused, match="No sheet of the workbook holds a table"):
        reading(workbook(""))


def test_prefixed_elements_are_read_like_others():
    contents = parts("")
    contents["xl/worksheets/sheet1.xml"] = (
        f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row r="1"><x:c r="A1" t="str"><x:v>name</x:v></x:c></x:row>'
        '<x:row r="2"><x:c r="A2"><x:v>5</x:v></x:c></x:row></x:sheetData></x:worksheet>'
    )
    assert reading(packed(contents)).rows == [[5]]


def test_sheets_are_found_through_absolute_and_relative_targets():
    contents = parts(HEAD + row(2, "a", 1))
    for target in ("/xl/worksheets/sheet1.xml", "./worksheets/sheet1.xml", "../xl/worksheets/sheet1.xml"):
        links = relationships(("rId1", "worksheet", target), ("rId9", "chartsheet", "c.xml"))
        contents["xl/_rels/workbook.xml.rels"] = links
        assert reading(packed(contents)).rows == [["a", 1]]


def test_links_to_other_files_are_not_followed():
    contents = parts(HEAD + row(2, "a", 1))
    external = '<Relationship Id="rId5" Type="x/externalLink" TargetMode="External" Target="file:///etc/passwd"/>'
    rels = contents["xl/_rels/workbook.xml.rels"]
    contents["xl/_rels/workbook.xml.rels"] = rels.replace("</Rel", f"{external}</Rel")
    assert reading(packed(contents)).rows == [["a", 1]]


def test_a_sheet_that_is_a_chart_is_passed_over():
    contents = parts(HEAD + row(2, "a", 1))
    links = contents["xl/_rels/workbook.xml.rels"].replace("/worksheet", "/chartsheet", 1)
    contents["xl/_rels/workbook.xml.rels"] = links
    assert "No sheet" in refused(packed(contents)).detail


def test_a_sheet_with_a_wrong_checksum_is_refused():
    content = bytearray(workbook(HEAD + row(2, "a", 1)))
    at = content.rfind(b"xl/worksheets/sheet1.xml") - 46
    content[at + 16] ^= 0xFF
    assert "CRC" in refused(bytes(content)).detail


def test_two_sheets_of_the_same_name_are_told_apart():
    contents = parts(HEAD + row(2, "a", 1))
    sheet = '<sheet name="S" sheetId="1" r:id="rId1"/>'
    contents["xl/workbook.xml"] = contents["xl/workbook.xml"].replace(sheet, sheet * 2)
    assert [header.name for header in reading(packed(contents)).headers] == ["S", "S (2)"]


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
