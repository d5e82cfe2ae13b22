"""Bulk inserts: what arrives, in which chunks, and what is refused where."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.errors import InvalidInput
from masterflow.store import bulk
from masterflow.store.bulk import copy_rows, storable
from masterflow.store.database import driver_connection, driver_rows
from masterflow.store.tables import Asset, RawImportRecord
from support.rows import editing, reading

COLUMNS = ("id", "import_id", "sheet", "row_number", "values")

documents = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab\\u0é\n\t", max_size=6), inner, max_size=3),
    max_leaves=8,
)


def stored(values: object, *, sheet: str = "vInfo", row: int = 7) -> list[list[object]]:
    return [list(row) for row in storable(RawImportRecord, COLUMNS, [(uuid4(), uuid4(), sheet, row, values)])]


async def test_rows_arrive_as_given_over_several_chunks(database, scope, monkeypatch):
    monkeypatch.setattr(bulk, "CHUNK", 3)
    import_id = uuid4()
    rows = [(uuid4(), import_id, "vInfo", number, {"VM": f"müller\t{number}\\n", "n": None}) for number in range(1, 9)]
    async with editing(database, scope) as repositories:
        assert await copy_rows(repositories.session, RawImportRecord, COLUMNS, iter(rows)) == 8
    async with reading(database, scope) as repositories:
        found = await driver_rows(
            repositories.session,
            "select * from app.raw_import_records where import_id = %s order by row_number",
            (import_id,),
        )
    assert [tuple(row[name] for name in COLUMNS) for row in found] == rows


async def test_two_calls_in_one_transaction_do_not_meet(database, scope):
    async with editing(database, scope) as repositories:
        for columns in (COLUMNS, (*COLUMNS[:1], *reversed(COLUMNS[1:]))):
            known = dict(zip(COLUMNS, (uuid4(), uuid4(), "", 1, {}), strict=True))
            assert await copy_rows(repositories.session, RawImportRecord, columns, [[known[c] for c in columns]]) == 1


async def test_postgresql_refuses_a_copy_into_the_table_itself(database, scope):
    async with editing(database, scope) as repositories:
        cursor = (await driver_connection(repositories.session)).cursor()
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            await cursor.execute("copy app.raw_import_records (id) from stdin")
        await repositories.session.rollback()


@given(documents)
def test_every_document_without_a_nul_character_passes(value):
    assert len(stored({"cell": value})) == 1


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "a\\", "\\x00", "é\U0001f600"])
def test_text_that_only_looks_like_a_nul_character_passes(text):
    assert len(stored({"cell": text, "list": [text]})) == 1


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a\0b", "NUL"),
        (["\\\0"], "NUL"),
        ({"deep": "\0"}, "NUL"),
        ("\ud800", "surrogate"),
        (float("nan"), "JSON"),
        (float("inf"), "JSON"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_sheet_row_and_column(value, words):
    with pytest.raises(InvalidInput, match=words) as refused:
        stored({"fine": 1, "Annotation": value})
    assert refused.value.where == {"sheet": "vInfo", "row": 7, "column": "values/Annotation"}


@given(st.text(), st.text())
def test_a_nul_character_anywhere_in_a_document_is_found(before, after):
    with pytest.raises(InvalidInput):
        stored({"cell": f"{before}\0{after}"})


@pytest.mark.parametrize("text", ["a\0b", "\udfff"])
def test_text_outside_a_document_is_refused_by_its_position(text):
    rows = [(uuid4(), "key-1", "one"), (uuid4(), "key-2", text)]
    with pytest.raises(InvalidInput) as refused:
        list(storable(Asset, ("id", "natural_key", "name"), rows))
    assert refused.value.where == {"row": 2, "column": "name"}


def test_a_list_document_is_refused_under_its_column():
    with pytest.raises(InvalidInput) as refused:
        list(storable(Asset, ("id", "flags"), [(uuid4(), ["\0"])]))
    assert refused.value.where == {"row": 1, "column": "flags"}


def test_a_nul_character_in_a_key_is_refused():
    with pytest.raises(InvalidInput, match="NUL"):
        stored({"a\0": 1})
