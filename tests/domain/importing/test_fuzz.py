"""Whatever the bytes, a reading ends with events or with FileRefused, and the counts agree."""

import csv
import io
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.importing.build import row, workbook
from masterflow.domain.importing import Event, Limits, SheetEnd, inspect, read
from masterflow.domain.records import Issue, Record
from masterflow.errors import FileRefused

LIMITS = Limits(max_rows=200, max_columns=20, max_cell_chars=2_000, max_unpacked_bytes=10_000_000)
COMMON = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
ROWS = row(1, "name", "cpu", "os") + "".join(row(n, f"srv{n}", n, "Linux") for n in range(2, 12))
WORKBOOK = workbook(ROWS)
CSV = b'name,cpu,note\nweb,1,"a, b"\ndb,2,"c\nd"\napp;1;2\n,,\nmail,3,\xc3\xb6\n'
JSON = b'{"result": [{"name": "web", "os": {"v": 1}}, {"name": "db", "ips": ["a", 1.5e3]}, {"x": null}]}'
LINES = b'{"name": "web", "cpu": 1}\n{"name": "db"}\n\n{"name": "app", "os": {"v": [1]}}\n'


def counted(content: bytes) -> None:
    """Reads to the end; records and rejected rows must be what the ends of the sheets say."""
    events: list[Event] = []
    refused = None
    try:
        for event in read(content, file_name="upload", limits=LIMITS):
            events.append(event)
    except FileRefused as error:
        refused = error
    records = [event for event in events if isinstance(event, Record)]
    for record in records:
        json.dumps(record.values, allow_nan=False).encode()
        assert "\0" not in "".join(value for value in record.values.values() if isinstance(value, str))
    if refused:
        assert refused.where["file"] == "upload"
        assert refused.next_step
        return
    ends = [event for event in events if isinstance(event, SheetEnd)]
    errors = [event for event in events if isinstance(event, Issue) and event.severity == "error"]
    assert len(records) == sum(end.records for end in ends)
    assert len(errors) >= sum(end.rejected for end in ends)


@st.composite
def mutated(draw, original: bytes) -> bytes:
    content = bytearray(original)
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(content)))
        piece = draw(st.binary(max_size=4) | st.sampled_from([b'"', b"\n", b"\0", b",", b"[", b"{", b"}", b"\xff"]))
        content[at : at + draw(st.integers(0, 5))] = piece
    return bytes(content)


@given(st.binary(max_size=400))
@COMMON
def test_arbitrary_bytes_are_read_or_refused(content):
    counted(content)


@given(st.text(max_size=300), st.sampled_from(["utf-8", "utf-16", "utf-16-le", "cp1252", "utf-32"]))
@COMMON
def test_arbitrary_text_is_read_or_refused(text, encoding):
    counted(text.encode(encoding, "replace"))


@given(mutated(CSV))
@COMMON
def test_mutated_csv_is_read_or_refused(content):
    counted(content)


@given(mutated(JSON) | mutated(LINES))
@COMMON
def test_mutated_json_is_read_or_refused(content):
    counted(content)


@given(mutated(WORKBOOK))
@COMMON
def test_mutated_workbooks_are_read_or_refused(content):
    counted(content)


@given(mutated(ROWS.encode()))
@COMMON
def test_workbooks_with_mutated_xml_are_read_or_refused(xml):
    counted(workbook(xml.decode("utf-8", "replace")))


CHARACTERS = st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], include_characters="\t\n\r")
CELLS = st.text(CHARACTERS, max_size=12).filter(lambda text: text == "" or text.strip())


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), min_size=1, max_size=40), st.sampled_from(",;\t|"))
@COMMON
def test_what_the_csv_module_writes_is_read_back(rows, delimiter):
    target = io.StringIO()
    writer = csv.writer(target, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["name", "cpu", "os"], *rows])
    events = list(read(target.getvalue().encode(), file_name="a.csv"))
    ours = [list(event.values.values()) for event in events if isinstance(event, Record)]
    assert ours == [[cell or None for cell in cells] for cells in rows if any(cells)]


@given(
    st.lists(st.dictionaries(st.sampled_from("abcd"), st.integers() | st.booleans() | st.none() | CELLS), min_size=1)
)
@COMMON
def test_what_the_json_module_writes_is_read_back_in_both_forms(objects):
    keys = {key for item in objects for key in item}
    if not keys:
        return
    expected = [{key: _stored(item.get(key)) for key in keys} for item in objects if item]
    for text in (json.dumps(objects), "\n".join(json.dumps(item) for item in objects)):
        events = list(read(text.encode(), file_name="a.json"))
        assert [event.values for event in events if isinstance(event, Record)] == expected


def _stored(value):
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return None if value == "" else value


@given(st.integers(0, 3_000))
@settings(max_examples=30, deadline=None)
def test_samples_are_spread_over_the_whole_column(count):
    content = "name,cpu\n" + "".join(f"srv{n},{n}\n" for n in range(count))
    samples = [int(value) for value in inspect(content.encode(), file_name="a.csv").sheets[0].samples["cpu"]]
    assert len(samples) == min(count, 200)
    assert samples == sorted(set(samples))
    if count:
        assert samples[0] == 0
        assert samples[-1] >= count - 1 - 2 * max(1, count / 200)
