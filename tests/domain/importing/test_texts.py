"""Delimited text: encodings, delimiters, quotes, ragged rows, and what is refused."""

import codecs
import hashlib

import pytest

from domain.importing.build import reading, workbook
from masterflow.domain.importing import Limits, read
from masterflow.errors import FileRefused

SIMPLE = "name,cpu\nweb,1\n"
NOISE = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(200))


def refused(content: bytes | str, name: str = "a.csv", limits: Limits | None = None) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        reading(content, name, limits)
    assert caught.value.where["file"] == name
    assert caught.value.next_step
    return caught.value


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_judged_by_the_agreement_of_the_rows(delimiter):
    found = reading(delimiter.join(["name", "note", "cpu"]) + "\n" + delimiter.join(["web", '"a,b;c|d"', "2"]) + "\n")
    assert found.start.dialect.delimiter == delimiter
    assert found.rows == [["web", "a,b;c|d", "2"]]


def test_decimal_commas_do_not_win_over_semicolons():
    found = reading("Name;Preis\nweb;1,5\ndb;2,5\n")
    assert (found.start.dialect.delimiter, found.rows) == (";", [["web", "1,5"], ["db", "2,5"]])


def test_lists_inside_cells_do_not_win_over_commas():
    found = reading("name,ips,tags\nweb,1;2;3,a=b;c=d\ndb,4;5;6,e=f;g=h\n")
    assert found.start.dialect.delimiter == ","


def test_a_first_line_may_declare_the_delimiter():
    found = reading("sep=;\r\nname;cpu\r\nweb;1\r\n")
    assert (found.headers[0].header_row, found.records[0].row, found.rows) == (2, 3, [["web", "1"]])
    assert "declares" in found.start.dialect.evidence[1]


def test_a_single_column_needs_no_delimiter():
    found = reading("name\nweb\ndb\n")
    assert (found.keys, found.rows) == (["name"], [["web"], ["db"]])


def test_a_quoted_line_break_keeps_the_physical_line_numbers():
    found = reading('name,note\nweb,"a\nb"\ndb,c\n')
    assert [(record.row, record.values["note"]) for record in found.records] == [(2, "a\nb"), (4, "c")]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("utf-32-le", codecs.BOM_UTF32_LE),
        ("utf-16-le", b""),
        ("utf-16-be", b""),
    ],
)
def test_unicode_is_recognised_with_and_without_a_mark(encoding, mark):
    found = reading(mark + "name,ort\nweb,Köln\n".encode(encoding), "a.csv")
    assert found.start.dialect.encoding == encoding
    assert (found.keys, found.rows, found.codes) == (["name", "ort"], [["web", "Köln"]], [])


def test_a_guessed_encoding_is_said_with_its_alternative():
    found = reading("name,ort\nweb,Köln\ndb,Zürich\n".encode("cp1252"), "a.csv")
    assert found.rows == [["web", "Köln"], ["db", "Zürich"]]
    issue = found.issue("encoding_guessed")
    assert issue.severity == "warning"
    assert found.start.dialect.encoding == "cp1252"
    assert "is possible too" in issue.message


def test_enough_cyrillic_text_is_believed():
    line = "сервер,Москва и Санкт-Петербург\n"
    found = reading(("имя,город\n" + line * 30).encode("cp1251"), "a.csv")
    assert found.rows[0] == ["сервер", "Москва и Санкт-Петербург"]
    assert found.codes == ["encoding_guessed"]


def test_a_broken_byte_in_utf8_rejects_its_row_and_keeps_the_encoding():
    good = "".join(f"srv{i},Köln\n" for i in range(20)).encode()
    found = reading(b"name,ort\n" + good + b"bad,K\xf6ln\n" + good, "a.csv")
    assert found.start.dialect.encoding == "utf-8"
    assert (found.ends[0].records, found.ends[0].rejected) == (40, 1)
    assert found.issue("unreadable_row").place.row == 22


def test_half_a_surrogate_pair_in_utf16_rejects_its_row():
    text = "name,os\nweb,x\n".encode("utf-16-le") + b"a\0,\0\x00\xd8\n\0" + "db,y\n".encode("utf-16-le")
    found = reading(codecs.BOM_UTF16_LE + text, "a.csv")
    assert (found.rows, found.issue("unreadable_row").place.row) == ([["web", "x"], ["db", "y"]], 3)


def test_a_zero_byte_rejects_its_row_with_the_line():
    found = reading("name,cpu\nweb,1\ndb\0,2\napp,3\n")
    assert found.rows == [["web", "1"], ["app", "3"]]
    issue = found.issue("unreadable_row")
    assert (issue.severity, issue.place.row) == ("error", 3)
    assert "zero byte" in issue.message


def test_short_rows_are_filled_and_long_rows_rejected_with_their_lines():
    found = reading("name,cpu,os\nweb,1\ndb,2,linux,extra\napp,3,windows,,\n")
    assert found.rows == [["web", "1", None], ["app", "3", "windows"]]
    assert [(i.code, i.severity, i.place.row) for i in found.issues] == [
        ("short_row", "warning", 2),
        ("long_row", "error", 3),
    ]
    assert found.ends[0].rejected == 1


def test_a_quote_that_never_closes_costs_its_own_line_only():
    found = reading('name,os\nweb,linux\ndb,"wind\napp,linux\nmail,bsd\n')
    assert found.rows == [["web", "linux"], ["app", "linux"], ["mail", "bsd"]]
    assert found.issue("unreadable_row").place.row == 3


def test_a_quote_that_closes_is_no_fault():
    assert reading('name,os\nweb,"linux"\n').codes == []


def test_a_quote_that_swallows_a_field_beyond_the_limit_costs_its_own_line_only():
    rest = "".join(f"srv{i},linux\n" for i in range(20_000))
    found = reading('name,os\ndb,"wind\n' + rest)
    assert (found.ends[0].records, found.ends[0].rejected) == (20_000, 1)
    assert found.issue("unreadable_row").place.row == 2


def test_too_many_broken_quotes_refuse_the_file():
    lines = '"b"c,"\n' * 50
    assert "quotation marks" in refused("name,os\n" + lines, limits=Limits(max_broken_quotes=10)).detail


def test_a_field_that_is_too_long_rejects_its_row():
    found = reading(f"name,os\nweb,{'x' * 40_000}\ndb,{'y' * 200_000}\napp,linux\n")
    assert (found.rows, found.ends[0].rejected) == ([["app", "linux"]], 2)


def test_a_row_with_too_many_fields_is_rejected():
    found = reading("name,os\nweb,1\n" + "x," * 600 + "x\n")
    assert (found.rows, found.ends[0].rejected) == ([["web", "1"]], 1)


def test_a_line_without_end_is_refused():
    refused("name,os\n" + "x" * 2_000, limits=Limits(max_columns=10, max_cell_chars=100))


def test_too_many_columns_are_refused():
    assert "columns" in refused("a,b,c\n1,2,3\n", limits=Limits(max_columns=2)).detail


def test_too_many_rows_are_refused_when_the_limit_is_passed():
    content = "name,cpu\n" + "web,1\n" * 11
    error = refused(content, limits=Limits(max_rows=10))
    assert error.where["row"] == 12
    assert len(reading(content, limits=Limits(max_rows=11)).records) == 11


def test_too_large_a_file_is_refused():
    assert "limit" in refused(SIMPLE, limits=Limits(max_bytes=5)).detail


def test_duplicate_headers_get_keys_of_their_own():
    found = reading("disk,disk,Disk\n1,2,3\n")
    assert (found.keys, found.rows) == (["disk", "disk (2)", "Disk"], [["1", "2", "3"]])
    assert found.codes == ["duplicate_column"]


def test_an_index_column_without_a_name_is_kept():
    found = reading(",name,os,\n0,web,linux,\n1,db,linux,\n")
    assert found.keys == ["column 1", "name", "os"]
    assert found.rows[0] == ["0", "web", "linux"]


def test_titles_above_the_header_are_left_out():
    found = reading("Inventory report\ncreated 2026-01-01\n\nname,cpu,os\nweb,1,linux\ndb,2,linux\n")
    assert (found.headers[0].header_row, found.keys) == (4, ["name", "cpu", "os"])
    assert "2 rows above" in found.issue("rows_above_header").message
    assert found.ends[0].empty_rows == 0


def test_rows_without_a_header_are_read_under_the_first_with_a_warning():
    found = reading("1,2\n3,4\n")
    assert found.issue("header_uncertain").place.row == 1
    assert found.rows == [["3", "4"]]


def test_only_a_header_is_said():
    found = reading("name,cpu\n")
    assert (found.codes, found.ends[0].records) == (["no_rows"], 0)


def test_blank_lines_are_counted():
    found = reading("name,cpu\n\nweb,1\n , \n,\ndb,2\n")
    assert ([record.row for record in found.records], found.ends[0].empty_rows) == ([3, 6], 3)


def test_an_unreadable_first_line_refuses_the_file():
    error = refused("na\0me,cpu\nweb,1\ndb,2\n")
    assert error.where["row"] == 1


def test_the_list_of_findings_is_capped_and_its_total_stated():
    found = reading("name,cpu\n" + "web\n" * 25, limits=Limits(max_issues=10))
    assert found.codes == ["short_row"] * 10 + ["issues_capped"]
    assert found.issues[-1].message.startswith("25 findings")
    assert len(found.records) == 25


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b" \n\t\n", "blanks"),
        (b",,\n,,\n", "no values"),
        (b"%PDF-1.7\n1 0 obj", "PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), ".xls"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"\x1f\x8b\x08\x00", "gzip"),
        (b"\x89PNG\r\n\x1a\n", "image"),
        (b"<html><table><tr><td>name", "HTML"),
        (b'<?xml version="1.0"?><Workbook>', "XML"),
        (b"PK\x03\x04rubbish", "damaged"),
        (bytes(1_000), "binary"),
        (NOISE, "binary"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_is_no_inventory_is_refused_by_its_kind(content, word):
    assert word in refused(content, "upload").detail


def test_a_name_that_promises_another_format_is_a_warning():
    assert "extension_differs" in reading(SIMPLE, "a.xlsx").codes
    assert "extension_differs" in reading(workbook('<row r="1"><c><v>1</v></c></row>'), "a.csv").codes
    for name in ("a.csv", "a.txt", "a", ".csv", "a.2026"):
        assert reading(SIMPLE, name).codes == []


def test_a_single_control_character_does_not_make_a_small_table_binary():
    assert reading("name,os\nweb,a\x19b\n").rows == [["web", "a\x19b"]]


def test_rows_come_one_by_one():
    events = read(b"name,cpu\n" + b"web,1\n" * 40 + b"\0,2\n", file_name="a.csv")
    first = [type(next(events)).__name__ for _ in range(5)]
    assert first == ["FileStart", "SheetHeader", "Record", "Record", "Record"]


def test_a_column_without_a_name_is_kept_as_soon_as_a_row_holds_a_value():
    found = reading(b"name,cpu,\na,1,x\nb,2,\n", "a.csv")
    assert [column.key for column in found.headers[0].columns] == ["name", "cpu", "column 3"]
    assert found.records[0].values["column 3"] == "x"
