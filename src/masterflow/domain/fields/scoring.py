"""Scores every column of a sheet against every field: names, values, dimension and role together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from masterflow.domain.fields.asset_field import AssetField
from masterflow.domain.fields.canonical import FIELDS, suggested_targets
from masterflow.domain.fields.dimension import dimension_of_field, dimension_of_unit
from masterflow.domain.fields.lexical import UNMAPPED, LexicalIndex, Scores
from masterflow.domain.fields.qualifiers import disqualified
from masterflow.domain.fields.readings import in_context, reading
from masterflow.domain.fields.shapes import ColumnProfile
from masterflow.domain.fields.values_fit import fit
from masterflow.domain.fields.words import header_unit
from masterflow.domain.records import SheetRole

LEXICAL_WEIGHT = 0.65
VALUE_WEIGHT = 0.35
ACCEPT = 0.55
"""Below this score a column stays unmapped."""

LEAST_ALIKE = 0.55
"""A header less alike than this is no evidence, however well the values fit."""

VETOED = -1.0
_OTHER_TYPE = 0.85
_CLEAR_NAME = 0.97
_AGAINST_THE_VALUES = 0.7
_BY_VALUES_ALONE = 0.57
_FEWEST_TO_TELL = 3
_NEARLY_ALL = 0.9

# A column wholly of one of these shapes means one field whatever its header says.
_TELLING = {
    "ip_address": "ip",
    "mac_address": "mac",
    "power_state": "power_state",
    "operating_system": "os",
    "six_r_strategy": "six_r",
    "environment": "environment",
    "virtualization_type": "virtual",
}

# In rows about such assets these fields would repeat the name.
_TAKEN_BY_NAME = {
    "application": frozenset({"application_name"}),
    "host": frozenset({"host_name"}),
    "cluster": frozenset({"cluster_name", "host_name"}),
}
_OTHER_READING = 0.8
# "CPU count" means sockets only beside a column that counts cores.
_SECOND_READING = {"cpu_sockets": 0.97}
_NEVER_FOR_GUESTS = 0.85


@dataclass(frozen=True, slots=True)
class Board:
    """Scores of a sheet: `scores[column, target]`, VETOED where values or dimension contradict.

    `lexical` holds the name part of the score, `rejects[column]` how much the column resembles a
    header that has no field; `index` and `nearest` tell which known name was the nearest.
    """

    targets: tuple[str, ...]
    scores: Scores
    lexical: Scores
    rejects: Scores
    index: LexicalIndex
    nearest: NDArray[np.intp]

    def nearest_name(self, row: int, target: str) -> str:
        """The known name of a target that the header of a column is most like."""
        place = int(self.nearest[row, self.index.targets.index(target)])
        return self.index.entries[place].written


def contradiction(target: AssetField, profile: ColumnProfile, *, one_row_each: bool) -> str:
    """Why the column's values or unit exclude this field, in words; "" when they do not."""
    judged = fit(target, profile, one_row_each=one_row_each)
    if judged.veto:
        return judged.words
    return _wrong_dimension(target, profile)


def _wrong_dimension(target: AssetField, profile: ColumnProfile) -> str:
    unit = header_unit(profile.name)
    if not unit or dimension_of_unit(unit) == dimension_of_field(target):
        return ""
    if target.kind not in {"integer", "number", "percent"}:
        return ""
    return f"the header names the unit {unit}, which {target.name} is not measured in"


def _told(profile: ColumnProfile) -> str:
    """The field the values alone point to, or ""."""
    if profile.filled < _FEWEST_TO_TELL:
        return ""
    return next((target for target, shape in _TELLING.items() if profile.share(shape) >= _NEARLY_ALL), "")


def _cell(target: AssetField, lexical: float, profile: ColumnProfile, *, told: str, role: SheetRole) -> float:
    judged = fit(target, profile, one_row_each=role.kind == "asset")
    if judged.veto or _wrong_dimension(target, profile):
        return VETOED
    by_values = _BY_VALUES_ALONE if told == target.name else VETOED
    if lexical < LEAST_ALIKE:
        return by_values
    blended = LEXICAL_WEIGHT * lexical + VALUE_WEIGHT * judged.score
    if told and told != target.name and lexical < _CLEAR_NAME:
        return blended * _AGAINST_THE_VALUES
    return max(blended, by_values)


def _role_weight(target: AssetField, role: SheetRole) -> float:
    if target.name == "cpu_sockets" and role.asset_type == "virtual_machine":
        return _NEVER_FOR_GUESTS
    known_type = role.kind == "asset" and bool(role.asset_type)
    if known_type and target.applies_to and role.asset_type not in target.applies_to:
        return _OTHER_TYPE
    return _SECOND_READING.get(target.name, 1.0)


def _alike(target: AssetField, lexical: float, profile: ColumnProfile, role: SheetRole) -> float:
    """The name part of a score, after what the type of the rows says about the header."""
    if disqualified(target.name, profile.name, role):
        return 0.0
    meant = reading(profile.name, role)
    if meant:
        return 1.0 if meant == target.name else lexical * _OTHER_READING
    return lexical * _role_weight(target, role)


def score_sheet(index: LexicalIndex, sheet: str, role: SheetRole, profiles: Sequence[ColumnProfile]) -> Board:
    """The board of a sheet with the columns in the order given."""
    best, nearest = index.compare([in_context(profile.name, sheet, role) for profile in profiles])
    column_of = {target: number for number, target in enumerate(index.targets)}
    taken = _TAKEN_BY_NAME.get(role.asset_type, frozenset()) if role.kind == "asset" else frozenset()
    targets = tuple(sorted(suggested_targets(role) - taken))
    scores = np.full((len(profiles), len(targets)), VETOED)
    lexical = np.zeros_like(scores)
    for row, profile in enumerate(profiles):
        told = _told(profile)
        for place, name in enumerate(targets):
            raw = float(best[row, column_of[name]])
            if raw < LEAST_ALIKE and name != told and not reading(profile.name, role):
                continue
            alike = _alike(FIELDS[name], raw, profile, role)
            lexical[row, place] = alike
            scores[row, place] = _cell(FIELDS[name], alike, profile, told=told, role=role)
    return Board(targets, scores, lexical, best[:, column_of[UNMAPPED]], index, nearest)
