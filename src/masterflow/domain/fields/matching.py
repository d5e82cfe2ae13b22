"""Suggests a canonical field for every column of a sheet, with confidence, evidence, alternatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

import numpy as np

from masterflow.domain.fields.assignment import assign, reject_score
from masterflow.domain.fields.calibration import MEMORY_CONFIDENCE, PRESET_CONFIDENCE, confidence
from masterflow.domain.fields.canonical import FIELDS, allowed_targets
from masterflow.domain.fields.lexical import UNMAPPED, LexicalIndex, Scores
from masterflow.domain.fields.presets import PRESETS, KnownColumn, Preset, known_columns
from masterflow.domain.fields.scoring import LEAST_ALIKE, Board, contradiction, score_sheet
from masterflow.domain.fields.shapes import ColumnProfile
from masterflow.domain.fields.units import Unit, find_unit
from masterflow.domain.fields.values_fit import fit
from masterflow.domain.fields.words import header_terms, normalise_header
from masterflow.domain.records import SheetRole

Decider = Literal["preset", "memory", "match", "none"]
NO_MEMORY: Mapping[str, str] = MappingProxyType({})
ALTERNATIVES = 3
_WORTH_SHOWING = 0.35
SAME_MEANING = 0.97
LEAST_CONFIDENCE = 0.3


@dataclass(frozen=True, slots=True)
class Candidate:
    """A field a column could mean: `confidence` 0..1 and the reasons in words."""

    target: str
    confidence: float
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The proposal for one column (`column` is `Column.key`).

    `target` is None when the column should stay unmapped. `confidence` is that of the decision,
    mapped or not. `unit` is the unit the source is written in ("MB", "MiB", "%", "fraction",
    "MHz"), "" when the field has none or it cannot be told. `alternatives` are up to three other
    fields, best first.
    """

    sheet: str
    column: str
    target: str | None
    confidence: float
    evidence: tuple[str, ...]
    alternatives: tuple[Candidate, ...]
    unit: str
    decided_by: Decider


@dataclass(frozen=True, slots=True)
class Choice:
    """What a preset or people say about a column; `target` None means: leave it unmapped."""

    target: str | None
    decided_by: Decider
    words: str
    unit: str = ""


def _remembered(name: str, memory: Mapping[str, str]) -> Choice | None:
    normal = normalise_header(name)
    if normal not in memory:
        return None
    target = memory[normal] or None
    if target is not None and target not in FIELDS:
        return None
    return Choice(target, "memory", f"people confirmed this for the header {name.strip()!r} before")


def _preset_choice(name: str, known: Mapping[str, KnownColumn], title: str) -> Choice | None:
    column = known.get(normalise_header(name))
    if column is None:
        return None
    words = f"header equals the {title} column {name.strip()!r}"
    if column.target is None:
        words += ", which has no canonical field; kept in custom_attributes"
    return Choice(column.target, "preset", words, column.unit)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet being matched: its columns in a fixed order that does not depend on the file's."""

    name: str
    role: SheetRole
    preset: Preset | None
    profiles: tuple[ColumnProfile, ...]
    board: Board
    choices: Mapping[int, Choice]
    refused: Mapping[int, str]

    @property
    def title(self) -> str:
        """The tool's name, "" when no tool was recognised."""
        return self.preset.title if self.preset else ""


def _in_fixed_order(profiles: Sequence[ColumnProfile]) -> tuple[ColumnProfile, ...]:
    return tuple(sorted(profiles, key=lambda profile: (header_terms(profile.name), profile.name, profile.key)))


def _checked(choice: Choice | None, profile: ColumnProfile, role: SheetRole) -> tuple[Choice | None, str]:
    """The choice if the values allow it, else None and why it was set aside."""
    if choice is None or choice.target is None:
        return choice, ""
    if choice.target not in allowed_targets(role):
        return None, ""
    reason = contradiction(FIELDS[choice.target], profile, one_row_each=role.kind == "asset")
    return (None, f"not {choice.target} although {choice.words}: {reason}") if reason else (choice, "")


class Matcher:
    """Suggests mappings with the knowledge of `presets`; holds no state of a file."""

    def __init__(self, presets: Mapping[str, Preset]) -> None:
        """`presets`: source name -> what that tool writes; other tools' columns serve as names."""
        self._presets = presets
        self._indexes: dict[str, LexicalIndex] = {}

    def _index(self, source: str) -> LexicalIndex:
        own = source if source in self._presets else ""
        if own not in self._indexes:
            self._indexes[own] = LexicalIndex(self._presets, without=own)
        return self._indexes[own]

    def suggest(
        self,
        sheet: str,
        role: SheetRole,
        source: str,
        profiles: Sequence[ColumnProfile],
        *,
        memory: Mapping[str, str] = NO_MEMORY,
    ) -> tuple[Suggestion, ...]:
        """One suggestion per column, in the order of `profiles`; see `suggest`."""
        if role.kind == "ignored":
            return tuple(_ignored(sheet, profile) for profile in profiles)
        prepared = self._prepare(sheet, role, source, profiles, memory)
        fixed = {row: choice.target for row, choice in prepared.choices.items()}
        assigned = name_one(prepared, _plausible(prepared, assign(prepared.board, fixed)))
        made = {
            profile.key: _suggestion(prepared, row, assigned.get(row)) for row, profile in enumerate(prepared.profiles)
        }
        return tuple(made[profile.key] for profile in profiles)

    def _prepare(
        self,
        sheet: str,
        role: SheetRole,
        source: str,
        profiles: Sequence[ColumnProfile],
        memory: Mapping[str, str],
    ) -> Sheet:
        ordered = _in_fixed_order(profiles)
        preset = self._presets.get(source)
        known = known_columns(preset, sheet, [profile.name for profile in ordered])
        choices: dict[int, Choice] = {}
        refused: dict[int, str] = {}
        for row, profile in enumerate(ordered):
            chosen = _remembered(profile.name, memory)
            chosen = chosen or _preset_choice(profile.name, known, preset.title if preset else "")
            kept, reason = _checked(chosen, profile, role)
            if kept:
                choices[row] = kept
            if reason:
                refused[row] = reason
        board = score_sheet(self._index(source), sheet, role, ordered)
        return Sheet(sheet, role, preset, ordered, board, choices, refused)


def _ignored(sheet: str, profile: ColumnProfile) -> Suggestion:
    words = "the sheet is not read as inventory"
    return Suggestion(sheet, profile.key, None, 1.0, (words,), (), "", "none")


def _plausible(sheet: Sheet, assigned: Mapping[int, str]) -> dict[int, str]:
    """The assignment without second choices that are less likely right than wrong."""
    return {
        row: target
        for row, target in assigned.items()
        if row in sheet.choices
        or confidence(_value(sheet.board, row, target), _lead(sheet.board, row, target)) >= LEAST_CONFIDENCE
    }


_CAN_BE_NAME = ("hostname", "fqdn", "application_name", "host_name")


def name_one(sheet: Sheet, assigned: Mapping[int, str]) -> dict[int, str]:
    """The assignment with exactly one column as `name`, if any column can name the rows.

    The key column of a detail sheet names its asset; otherwise, where no header says "name", the
    host name, domain name or application does.
    """
    result = dict(assigned)
    if sheet.role.kind == "relation" or "name" in result.values():
        return result
    keys = {profile.key: row for row, profile in enumerate(sheet.profiles)}
    if sheet.role.kind == "detail" and sheet.role.key_column in keys:
        row = keys[sheet.role.key_column]
        if result.get(row) not in {"source_id", "hostname", "fqdn"} and row not in sheet.choices:
            result[row] = "name"
        return result
    for target in _CAN_BE_NAME:
        rows = [row for row, given in result.items() if given == target and row not in sheet.choices]
        if rows and not (target == "host_name" and sheet.role.asset_type == "virtual_machine"):
            result[rows[0]] = "name"
            return result
    return result


def _of(board: Board, figures: Scores, row: int, target: str) -> float:
    return float(figures[row, board.targets.index(target)]) if target in board.targets else 0.0


def _value(board: Board, row: int, target: str) -> float:
    return _of(board, board.scores, row, target)


def _lead(board: Board, row: int, target: str) -> float:
    others = [float(score) for score, name in zip(board.scores[row], board.targets, strict=True) if name != target]
    rival = max([*others, reject_score(board, row) if board.rejects[row] >= 0.9 else 0.0])
    return _value(board, row, target) - rival


def _reasons(sheet: Sheet, row: int, target: str) -> tuple[str, ...]:
    profile = sheet.profiles[row]
    judged = fit(FIELDS[target], profile, one_row_each=sheet.role.kind == "asset")
    alike = _of(sheet.board, sheet.board.lexical, row, target)
    if alike < LEAST_ALIKE:
        return ("only the values point to it", judged.words)
    named = sheet.board.nearest_name(row, target)
    if normalise_header(profile.name) == normalise_header(named):
        return (f"header equals {named!r}", judged.words)
    verb = "means the same as" if alike >= SAME_MEANING else "resembles"
    return (f"header {verb} {named!r} ({alike:.2f})", judged.words)


def _alternatives(sheet: Sheet, row: int, target: str | None) -> tuple[Candidate, ...]:
    board = sheet.board
    order = np.lexsort((np.arange(len(board.targets)), -board.scores[row]))
    ranked = [board.targets[place] for place in order if board.targets[place] != target]
    shown = [name for name in ranked if _value(board, row, name) >= _WORTH_SHOWING][:ALTERNATIVES]
    return tuple(
        Candidate(name, confidence(_value(board, row, name), _lead(board, row, name)), _reasons(sheet, row, name))
        for name in shown
    )


def _unit(sheet: Sheet, row: int, target: str) -> Unit:
    choice = sheet.choices.get(row)
    return find_unit(
        FIELDS[target],
        sheet.profiles[row],
        known=choice.unit if choice else "",
        binary_megabytes=bool(sheet.preset and sheet.preset.binary_megabytes),
        title=sheet.title,
    )


def _suggestion(sheet: Sheet, row: int, target: str | None) -> Suggestion:
    if target is None:
        return _unmapped(sheet, row)
    profile, choice = sheet.profiles[row], sheet.choices.get(row)
    unit = _unit(sheet, row, target)
    reasons = _reasons(sheet, row, target)
    if choice is not None:
        sure = PRESET_CONFIDENCE if choice.decided_by == "preset" else MEMORY_CONFIDENCE
        reasons, decided_by = (choice.words, *reasons[1:]), choice.decided_by
    else:
        sure = confidence(_value(sheet.board, row, target), _lead(sheet.board, row, target))
        decided_by = "match"
    evidence = tuple(filter(None, (*reasons, unit.words, sheet.refused.get(row, ""))))
    others = _alternatives(sheet, row, target)
    return Suggestion(sheet.name, profile.key, target, sure, evidence, others, unit.name, decided_by)


def _why_unmapped(sheet: Sheet, row: int, others: Sequence[Candidate]) -> str:
    if sheet.board.rejects[row] >= 0.9:
        known = sheet.board.nearest_name(row, UNMAPPED)
        return f"header resembles {known!r}, which has no canonical field; kept in custom_attributes"
    if others and others[0].confidence >= 0.5:
        return f"{others[0].target} is the nearest field, but another column fits it better"
    return "no canonical field resembles it; kept in custom_attributes"


def _unmapped(sheet: Sheet, row: int) -> Suggestion:
    profile, choice = sheet.profiles[row], sheet.choices.get(row)
    if choice is not None and choice.target is None:
        sure = PRESET_CONFIDENCE if choice.decided_by == "preset" else MEMORY_CONFIDENCE
        others = _alternatives(sheet, row, None)
        return Suggestion(sheet.name, profile.key, None, sure, (choice.words,), others, "", choice.decided_by)
    others = _alternatives(sheet, row, None)
    best = others[0].confidence if others else 0.0
    evidence = tuple(filter(None, (_why_unmapped(sheet, row, others), sheet.refused.get(row, ""))))
    return Suggestion(sheet.name, profile.key, None, round(1.0 - best, 3), evidence, others, "", "none")


@lru_cache(maxsize=1)
def default_matcher() -> Matcher:
    """The matcher with all presets of the project."""
    return Matcher(PRESETS)


def suggest(
    sheet: str,
    role: SheetRole,
    source: str,
    profiles: Sequence[ColumnProfile],
    *,
    memory: Mapping[str, str] = NO_MEMORY,
) -> tuple[Suggestion, ...]:
    """One suggestion per column, in the order of `profiles`.

    `source` is the name of the tool that wrote the file ("rvtools", "unknown"); `memory` maps
    normalised headers to targets that people confirmed earlier ("" for: leave it unmapped).
    Memory goes before the tool's known columns, both before matching; all yield to values that
    contradict the target. Method: 0.65 lexical similarity (half TF-IDF cosine of character
    n-grams, half edit ratio, greatest over all names of a field) plus 0.35 fit of the values,
    then an optimal one-to-one assignment with the choice to leave a column unmapped.
    """
    return default_matcher().suggest(sheet, role, source, profiles, memory=memory)
