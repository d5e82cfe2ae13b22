"""Logs: one line per event on standard error, in which no secret and no control character appears."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from masterflow.telemetry import HIDDEN, configure, redact

TOKEN = "mf_abcd1234_" + "x" * 40
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """The root logger and structlog as they were."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    names = ("masterflow", "uvicorn", "uvicorn.access")
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, value in levels.items():
        logging.getLogger(name).setLevel(value)
    structlog.configure(**before)


def redacted(**event: object) -> dict[str, object]:
    return dict(redact(None, "info", event))


@pytest.mark.parametrize(
    "name",
    ["password", "db_passwd", "client_secret", "token", "api_key", "apiKey", "Authorization", "private_key", "kek"],
)
def test_a_value_under_a_secret_name_is_hidden(name):
    assert redacted(**{name: "hunter2"}) == {name: HIDDEN}
    assert redacted(outer={name: ["hunter2"]}) == {"outer": {name: HIDDEN}}


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"refused {TOKEN}", TOKEN),
        ("Authorization: Bearer abc.def", "abc.def"),
        (f"cookie {JWT} end", JWT),
        ("postgresql://admin:hunter2@db.example/x", "hunter2"),
        ("redis://:hunter2@cache", "hunter2"),
    ],
)
def test_a_secret_inside_a_text_is_hidden_wherever_the_text_is(text, secret):
    event = redacted(message=text, parts=[text, {"inner": (text,)}], **{text: 1})
    assert secret not in str({name: value for name, value in event.items() if name != text})
    assert HIDDEN in str(event["message"])


def test_an_ordinary_text_stays():
    event = {"event": "phase_started", "flow_id": "1f", "n": 3, "url": "https://example.org/a@b", "keys": ["monkey"]}
    assert redacted(**event) == event


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_event_is_one_line_whatever_its_text_holds(capsys, form):
    configure(level="info", form=form)
    forged = "phase\r\n2026-11-20 [info] forged\x1b[2J\u2028end"
    structlog.get_logger("masterflow.test").info(forged, file=forged, password="hunter2")
    logging.getLogger("masterflow.test").warning("plain %s", forged)
    written = capsys.readouterr().err
    assert len(written.splitlines()) == 2
    assert "\x1b" not in written
    assert "hunter2" not in written


def test_json_lines_can_be_read_by_programs(capsys):
    configure(level="info", form="json")
    structlog.get_logger("masterflow.test").info("started", flow_id="f-1")
    found = json.loads(capsys.readouterr().err)
    assert (found["event"], found["flow_id"], found["level"]) == ("started", "f-1", "info")


def test_a_traceback_shows_no_secret(capsys):
    configure(level="info", form="json")
    try:
        raise ValueError(f"bad token {TOKEN}")
    except ValueError:
        structlog.get_logger("masterflow.test").exception("failed")
        logging.getLogger("masterflow.test").exception("failed %s", "again")
    written = capsys.readouterr().err
    assert TOKEN not in written
    assert written.count("ValueError") >= 2


def test_levels_hold_for_our_loggers_and_libraries_stay_quiet(capsys):
    configure(level="warning", form="text")
    structlog.get_logger("masterflow.test").info("too detailed")
    logging.getLogger("some.library").info("chatter")
    logging.getLogger("uvicorn.access").info("GET /")
    assert capsys.readouterr().err == ""


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_value_can_be_redacted(value):
    assert redacted(value=f"{TOKEN}")["value"] == HIDDEN
    assert "mf_abcd1234" not in str(redacted(outer=[value, TOKEN]))
