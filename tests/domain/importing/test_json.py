"""JSON and NDJSON: shapes, nesting, numbers, and what is refused or rejected."""

import pytest

from domain.importing.build import reading
from masterflow.domain.importing import Limits
from masterflow.errors import FileRefused


def refused(content: bytes | str, limits: Limits | None = None) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        reading(content, "a.json", limits)
    assert caught.value.next_step
    return caught.value


def test_an_array_of_objects_becomes_a_table_of_all_their_keys():
    found = reading('[{"name": "web", "cpu": 2}, {"name": "db", "ram": 1.5, "on": true, "x": null}]', "a.json")
    assert (found.start.dialect.format, found.keys) == ("json", ["name", "cpu", "ram", "on", "x"])
    assert found.rows == [["web", 2, None, None, None], ["db", None, 1.5, True, None]]
    assert (found.headers[0].header_row, [record.row for record in found.records]) == (0, [1, 2])


def test_nested_keys_are_joined_by_dots_and_arrays_kept_as_text():
    found = reading('[{"os": {"name": "Linux", "v": {"major": 9}}, "ips": ["a", {"b": 1}], "e": {}, "l": []}]')
    assert found.records[0].values == {
        "os.name": "Linux",
        "os.v.major": 9,
        "ips": '["a", {"b": 1}]',
        "e": None,
        "l": None,
    }


def test_an_object_may_hold_the_array():
    found = reading('{"count": 2, "tags": ["x"], "none": [], "result": [{"name": "web"}, {"name": "db"}]}')
    assert (found.headers[0].name, found.rows) == ("", [["web"], ["db"]])


def test_several_arrays_are_several_sheets():
    found = reading('{"servers": [{"name": "web"}], "apps": [{"app": "shop"}]}')
    assert [end.name for end in found.ends] == ["servers", "apps"]
    assert [record.sheet for record in found.records] == ["servers", "apps"]


def test_a_single_object_is_one_record():
    assert reading('{"name": "web", "cpu": 2}').rows == [["web", 2]]


def test_one_object_a_line_is_ndjson_with_line_numbers():
    found = reading('{"name": "web"}\n\n{"name": "db"}\n{"name": \n[1]\n{"name": "app"}', "a.ndjson")
    assert found.start.dialect.format == "ndjson"
    assert [record.row for record in found.records] == [1, 3, 6]
    assert (found.ends[0].empty_rows, found.ends[0].rejected) == (1, 2)
    assert [issue.place.row for issue in found.issues] == [4, 5]


@pytest.mark.parametrize(
    "line",
    [
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "b": 2}}',
        '{"a": "\\ud800"}',
        '{"a": "\\u0000"}',
        '{"a": 1e999}',
        '{"a.b": 1, "a": {"b": 2}}',
        '{"a": 1} x',
        "3",
        '{"a": ' + "9" * 5_000 + "}",
        '{"a": "' + "x" * 40_000 + '"}',
        '{"a": ' + "[" * 70 + "]" * 70 + "}",
        '{"a": ' + "[" * 100_000,
    ],
)
def test_a_bad_line_of_ndjson_is_rejected_alone(line):
    found = reading('{"name": "web"}\n{"name": "db"}\n' + line + "\n", "a.ndjson")
    assert (found.rows, found.ends[0].rejected) == ([["web"], ["db"]], 1)
    assert found.issues[0].severity == "error"
    assert found.issues[0].place.row == 3


@pytest.mark.parametrize(
    "value", ['"\\ud800"', '"\\u0000"', "1e999", '"' + "x" * 40_000 + '"'], ids=["surrogate", "zero", "inf", "long"]
)
def test_a_value_that_cannot_be_stored_rejects_its_object(value):
    found = reading('[{"name": "web"}, {"name": ' + value + "}, 7]")
    assert (found.rows, found.ends[0].rejected) == ([["web"]], 2)
    assert [issue.place.row for issue in found.issues] == [2, 3]


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ('[{"a": NaN}]', "NaN"),
        ('[{"a": Infinity}]', "Infinity"),
        ('[{"a": 1, "a": 2}]', "same key twice"),
        ('{"x": [{"a": 1}], "x": []}', "twice"),
        ('[{"a": ' + "[" * 70 + "]" * 70 + "}]", "deeply"),
        ('[{"a": ' + "[" * 100_000, "deeply"),
        ("[" * 100_000, "deeply"),
        ('[{"a": 1}', "missing"),
        ('[{"a": 1} {"a": 2}]', "missing"),
        ('[{"a": 1}] rest', "more text"),
        ('{"a": 1} rest', "more text"),
        ('{"a" 1}', "missing"),
        ('{"a": }', "line 1"),
        ('{"a": 1, 3: 4}', "no text"),
        ("[{]", "line 1"),
        ('{"a": ' + "9" * 5_000 + "}", "digits"),
        ("[]", "no object"),
        ("[[1, 2], [3, 4]]", "no object"),
        ("{}", "no object"),
        ("[1, 2]", "no object"),
    ],
    ids=range(20),
)
def test_a_document_that_is_not_acceptable_is_refused(content, word):
    assert word in str(refused(content))


def test_the_place_of_a_fault_in_an_array_is_the_object():
    assert refused('[{"a": 1}, {"a": 2}, {"a": NaN}]').where["row"] == 3


def test_a_document_with_bytes_that_do_not_fit_is_refused():
    assert "not valid utf-8" in refused(b"\xef\xbb\xbf" + b'[{"a": "\xff"}]').detail


def test_a_line_with_bytes_that_do_not_fit_is_rejected():
    found = reading(b'\xef\xbb\xbf{"a": 1}\n{"a": "\xff"}\n', "a.jsonl")
    assert (found.rows, found.ends[0].rejected) == ([[1]], 1)


def test_a_number_beyond_64_bits_is_kept_as_text():
    assert reading('[{"a": 99999999999999999999, "b": -9223372036854775808}]').rows == [
        ["99999999999999999999", -9223372036854775808]
    ]


def test_keys_and_rows_are_limited():
    assert "different keys" in refused('[{"a": 1, "b": 2}]', Limits(max_columns=1)).detail
    assert "rows" in refused('[{"a": 1}, {"a": 2}]', Limits(max_rows=1)).detail
    assert "rows" in refused('{"x": [{"a": 1}], "y": [{"a": 2}]}', Limits(max_rows=1)).detail


def test_the_end_of_a_line_is_awaited_within_a_limit():
    line = '{"a": "' + "x" * 17_000_000 + '"}\n'
    assert "characters" in refused('{"a": 1}\n{"a": 2}\n' + line).detail


def test_the_encoding_may_be_marked():
    assert reading(b"\xff\xfe" + '[{"a": "ö"}]'.encode("utf-16-le"), "a.json").rows == [["ö"]]
