"""Settings: read from an environment, every mistake at once, nothing guessed."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masterflow.errors import ConfigurationInvalid
from masterflow.settings import PREFIX, Settings, read_settings

VALUES = {
    "HOME": ("/srv/flows", Path("/srv/flows")),
    "DATABASE_URL": ("postgresql://db/x", "postgresql://db/x"),
    "KEK_FILE": ("/run/kek", Path("/run/kek")),
    "KEK": ("abc", "abc"),
    "HOST": ("0.0.0.0", "0.0.0.0"),  # noqa: S104
    "PORT": ("8080", 8080),
    "LOG_LEVEL": ("DEBUG", "debug"),
    "LOG_FORMAT": ("json", "json"),
    "POOL_SIZE": ("4", 4),
    "HEARTBEAT_SECONDS": ("1.5", 1.5),
    "COMPUTE_PROCESSES": ("1", 1),
    "MAX_UPLOAD_BYTES": ("2048", 2048),
    "MAX_JSON_BYTES": ("4096", 4096),
    "DEMO": ("no", False),
}


def test_an_empty_environment_gives_the_defaults():
    assert read_settings({"PATH": "/bin", "masterflow_port": "1"}) == Settings()


def test_every_setting_is_read_from_its_variable():
    found = read_settings({PREFIX + name: text for name, (text, _) in VALUES.items()})
    assert {f.name.upper(): getattr(found, f.name) for f in fields(Settings)} == {n: v for n, (_, v) in VALUES.items()}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("PORT", "eighty", "PORT"),
        ("PORT", "0", "at least 1"),
        ("PORT", "65536", "65535"),
        ("LOG_LEVEL", "loud", "debug, info, warning, error"),
        ("LOG_FORMAT", "xml", "text, json"),
        ("POOL_SIZE", "1", "at least 2"),
        ("HEARTBEAT_SECONDS", "0.1", "between 0.5 and 3600"),
        ("HEARTBEAT_SECONDS", "nan", "between 0.5 and 3600"),
        ("COMPUTE_PROCESSES", "0", "at least 1"),
        ("MAX_UPLOAD_BYTES", "10", "at least 1024"),
        ("MAX_JSON_BYTES", "-1", "at least 1024"),
        ("DEMO", "perhaps", "yes or no"),
        ("HOME", "", "empty"),
        ("DATABASE_URL", " ", "empty"),
    ],
)
def test_a_wrong_value_is_refused_with_what_it_takes(name, text, says):
    with pytest.raises(ConfigurationInvalid, match=says) as refused:
        read_settings({PREFIX + name: text})
    assert PREFIX + name in refused.value.detail


@pytest.mark.parametrize("name", ["KEK", "DATABASE_URL"])
def test_a_secret_is_not_repeated_in_the_error(name):
    with pytest.raises(ConfigurationInvalid) as refused:
        read_settings({PREFIX + name: "", PREFIX + "KEKK": "hunter2"})
    assert "hunter2" not in str(refused.value)


def test_an_unknown_name_is_refused_with_the_nearest_one():
    with pytest.raises(ConfigurationInvalid, match="did you mean MASTERFLOW_DATABASE_URL"):
        read_settings({"MASTERFLOW_DATABSE_URL": "x"})
    with pytest.raises(ConfigurationInvalid, match="unknown setting MASTERFLOW_ZZZZZZZZ") as refused:
        read_settings({"MASTERFLOW_ZZZZZZZZ": "x"})
    assert "did you mean" not in refused.value.detail


def test_every_mistake_is_told_at_once():
    wrong = {"MASTERFLOW_PORT": "x", "MASTERFLOW_DEMO": "x", "MASTERFLOW_HOEM": "x", "MASTERFLOW_POOL_SIZE": "5"}
    with pytest.raises(ConfigurationInvalid) as refused:
        read_settings(wrong)
    assert len(refused.value.detail.split("; ")) == 3


@pytest.mark.parametrize("text", ["1", "true", "YES", "0", "False", "no"])
def test_yes_and_no_have_the_usual_words(text):
    assert read_settings({"MASTERFLOW_DEMO": text}).demo is (text.lower() in ("1", "true", "yes"))


@given(st.dictionaries(st.sampled_from([PREFIX + f.name.upper() for f in fields(Settings)]), st.text(max_size=8)))
def test_any_text_gives_settings_or_one_error(environment):
    try:
        found = read_settings(environment)
    except ConfigurationInvalid:
        return
    assert 1 <= found.port <= 65535
    assert {field.name for field in fields(Settings) if getattr(found, field.name) == ""} == set()
