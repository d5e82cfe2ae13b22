"""What commands print, piece by piece."""

from __future__ import annotations

import io
import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from rich.console import Console

from masterflow.cli.output import Output, error_document, error_lines, facts, plain, print_json, put, table
from masterflow.errors import InvalidInput

ID = UUID(int=1)


@dataclass(frozen=True, slots=True)
class _Thing:
    id: UUID
    at: datetime
    share: float


def test_json_holds_ids_times_sets_and_numbers_that_are_not_finite(capsys: pytest.CaptureFixture[str]) -> None:
    thing = _Thing(ID, datetime(2026, 1, 2, tzinfo=UTC), math.nan)
    print_json({"things": [thing], "names": {"ä"}})
    printed = json.loads(capsys.readouterr().out)
    assert printed == {"things": [{"id": str(ID), "at": "2026-01-02T00:00:00Z", "share": None}], "names": ["ä"]}


def test_control_characters_have_no_effect_but_line_breaks_stay() -> None:
    assert plain("a\x1b[2Jb\x00\nc").plain == "a\N{REPLACEMENT CHARACTER}[2Jb\N{REPLACEMENT CHARACTER}\nc"
    assert plain(None).plain == ""


def test_without_a_terminal_no_line_ends_in_spaces() -> None:
    stream = io.StringIO()
    put(
        Console(file=stream, width=40), table(["a", "b"], [(1, "x"), (22, "yy")], right=["a"]), facts([("n", 1)]), "end"
    )
    lines = stream.getvalue().splitlines()
    assert all(line == line.rstrip() for line in lines)
    assert lines[-1] == "end"


def test_on_a_terminal_tables_are_printed_as_they_are() -> None:
    stream = io.StringIO()
    put(Console(file=stream, width=40, force_terminal=True), facts([("name", "value")]))
    assert "value" in stream.getvalue()


def test_long_lines_are_not_wrapped() -> None:
    stream = io.StringIO()
    put(Console(file=stream, width=20), "x" * 15 + " " + "y" * 15)
    assert len(stream.getvalue().splitlines()) == 1


def test_a_remark_is_silent_with_json(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).say("hello")
    Output(as_json=False).say("spoken")
    printed = capsys.readouterr()
    assert printed.err == "spoken\n"
    assert printed.out == ""


def test_an_error_says_what_where_and_what_to_do() -> None:
    error = InvalidInput("no such sheet", where={"file": "a.xlsx", "row": 3}, next_step="Choose one.")
    assert error_lines(error) == "Error: no such sheet\n  where: file: a.xlsx, row: 3\n  now:   Choose one."
    assert error_document(error)["where"] == {"file": "a.xlsx", "row": 3}
    assert error_lines(InvalidInput("bare")) == "Error: bare"
