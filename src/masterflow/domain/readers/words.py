"""Read words with a fixed meaning: booleans, power states, environments, listed values."""

from __future__ import annotations

import re
from dataclasses import dataclass

from masterflow.domain.readers.reading import EMPTY, Problem, Reading, refused
from masterflow.domain.readers.text import as_text, is_empty, one_line, read_text, tidy
from masterflow.domain.records import Cell

_TRUE = frozenset(
    {"true", "yes", "y", "on", "1", "enabled", "poweredon", "ja", "wahr", "oui", "vrai", "si", "sí", "sim"}
)
_FALSE = frozenset({"false", "no", "n", "off", "0", "disabled", "poweredoff", "nein", "falsch", "non", "faux", "não"})

_POWER = {
    **dict.fromkeys(
        ("poweredon", "on", "running", "vmrunning", "powerstaterunning", "up", "true", "1", "started"),
        "poweredOn",
    ),
    **dict.fromkeys(
        ("poweredoff", "off", "stopped", "deallocated", "vmdeallocated", "powerstatedeallocated"), "poweredOff"
    ),
    **dict.fromkeys(("vmstopped", "down", "terminated", "shutdown", "false", "0", "halted"), "poweredOff"),
    **dict.fromkeys(("suspended", "paused", "saved", "hibernated"), "suspended"),
    "unknown": "unknown",
}

_ENVIRONMENT = {
    **dict.fromkeys(("dev", "devl", "develop", "development", "entwicklung"), "development"),
    **dict.fromkeys(("test", "tst", "testing"), "test"),
    **dict.fromkeys(("qa", "quality assurance", "qas"), "qa"),
    **dict.fromkeys(("uat", "user acceptance", "user acceptance testing", "acceptance"), "uat"),
    **dict.fromkeys(("staging", "stage", "stg", "preprod", "pre-prod", "pre-production"), "staging"),
    **dict.fromkeys(("prod", "prd", "production", "live", "produktion"), "production"),
    **dict.fromkeys(("dr", "drp", "disaster recovery", "disaster_recovery"), "disaster_recovery"),
    **dict.fromkeys(("sandbox", "sbx"), "sandbox"),
    **dict.fromkeys(("training", "schulung"), "training"),
}
ENVIRONMENTS = tuple(dict.fromkeys(_ENVIRONMENT.values()))
"""The normal forms, in the order of a release path."""
_NAME_TOKENS = {
    word: environment
    for word, environment in _ENVIRONMENT.items()
    if word.isalpha() and word not in {"live", "stage", "training", "acceptance"}
}
_EMBEDDED = ("devl", "dev", "test", "tst", "prod", "prd", "uat", "stg")
"""Only tokens that are rarely the end of another word; "latest" and "contest" are left out below."""
_NOT_EMBEDDED = ("latest", "contest", "fastest", "attest")
_TOKEN = re.compile(r"[a-z]+")


@dataclass(frozen=True, slots=True)
class EnvironmentSuggestion:
    """An environment that a name hints at; a person decides. `confidence` is 0..1."""

    environment: str
    token: str
    confidence: float


def read_boolean(raw: Cell) -> Reading:
    """True or False from a boolean, 1/0 or a word (yes, ON, poweredOn, ja, ...)."""
    if isinstance(raw, bool):
        return Reading(raw)
    text = tidy(as_text(raw))
    word = text.lower().replace(" ", "")
    if word in _TRUE or word in _FALSE:
        return Reading(word in _TRUE, ("word to boolean",))
    if is_empty(text):
        return EMPTY
    return refused("boolean_unreadable", "a yes or no word (True, False, yes, no, on, off, 1, 0)")


def read_power_state(raw: Cell) -> Reading:
    """poweredOn, poweredOff, suspended or unknown."""
    text = tidy(as_text(raw))
    state = _POWER.get(re.sub(r"[\s_/-]", "", text.lower()))
    if state is not None:
        return Reading(state, () if raw == state else ("power state word",))
    if is_empty(text):
        return EMPTY
    return refused("power_state_unreadable", "a power state (poweredOn, poweredOff, suspended, unknown)")


def read_environment(raw: Cell) -> Reading:
    """A known environment word in its normal form; any other word stays as written, with a note."""
    reading = read_text(raw, target="environment")
    if not isinstance(reading.value, str):
        return reading
    normal = _ENVIRONMENT.get(one_line(reading.value))
    if normal is None and one_line(reading.value) not in _ENVIRONMENT.values():
        note = Problem("environment_unrecognised", "info", f"one of {', '.join(ENVIRONMENTS)}; kept as written")
        return Reading(reading.value, reading.steps, (note,))
    value = normal or one_line(reading.value)
    return Reading(value, reading.steps if value == reading.value else (*reading.steps, "environment word"))


def read_choice(raw: Cell, *, target: str, choices: tuple[str, ...]) -> Reading:
    """One of the listed values, compared without case, spaces, "_" and "-"; no list: text as written."""
    reading = read_text(raw, target=target)
    if not choices or not isinstance(reading.value, str):
        return reading
    known = {_folded(choice): choice for choice in choices}
    choice = known.get(_folded(reading.value))
    if choice is None:
        return refused("value_not_listed", f"one of {', '.join(choices)}")
    return Reading(choice, reading.steps if choice == reading.value else (*reading.steps, "listed value"))


def _folded(text: str) -> str:
    return re.sub(r"[\s_-]", "", text.lower())


def suggest_environment(name: str) -> EnvironmentSuggestion | None:
    """The environment that a name's letters hint at, or None.

    A token between digits or punctuation ("app-dev-01") gives 0.8, one at the end of a longer word
    ("wowasdev1") 0.5. The figures order the suggestions; they are not measured probabilities.
    """
    tokens = _TOKEN.findall(name.lower())
    for token in tokens:
        if token in _NAME_TOKENS:
            return EnvironmentSuggestion(_NAME_TOKENS[token], token, 0.8)
    for token in tokens:
        ending = next((word for word in _EMBEDDED if token.endswith(word)), None)
        if ending and not token.endswith(_NOT_EMBEDDED):
            return EnvironmentSuggestion(_NAME_TOKENS[ending], ending, 0.5)
    return None
