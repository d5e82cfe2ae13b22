"""Workbooks made by hand: cell types, dates, formulas, layout, and what is refused."""

import io

import openpyxl
import pytest

from domain.importing.build import HEAD, MAIN, packed, parts, reading, refused, relationships, row, workbook
from masterflow.errors import FileRefused


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
