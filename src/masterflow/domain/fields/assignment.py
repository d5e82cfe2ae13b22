"""Gives columns to fields one to one, with the choice to give a column to no field at all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.optimize import linear_sum_assignment

from masterflow.domain.fields.asset_field import MULTI_VALUED
from masterflow.domain.fields.scoring import ACCEPT, VETOED, Board

# A fixed choice (preset, people) outweighs any sum of similarities of the other columns.
FIXED_BONUS = 100.0
_FORBIDDEN = -1e6
_MARGIN_OVER_REJECT = 0.65
_REJECT_VALUE = 0.3


def reject_score(board: Board, row: int) -> float:
    """What a column is worth unmapped: the threshold, or more if its header is known to have no field."""
    resembles = float(board.rejects[row])
    if resembles < 0.9:
        return ACCEPT
    return max(ACCEPT, _MARGIN_OVER_REJECT * resembles + _REJECT_VALUE)


def assign(board: Board, fixed: Mapping[int, str | None]) -> dict[int, str]:
    """Row of the board -> target, for the columns that get one.

    The total worth (cube of the score, so that one sure column counts more than two doubtful ones)
    is the greatest possible under one column per single-valued target. `fixed` rows take that
    target (the better fitting of two that want one target) or none.
    """
    rows = board.scores.shape[0]
    wanted = {target for target in fixed.values() if target is not None}
    targets = [*board.targets, *sorted(wanted - set(board.targets))]
    slots = [target for target in targets for _ in range(rows if target in MULTI_VALUED else 1)]
    place = {target: number for number, target in enumerate(board.targets)}
    worth = np.full((rows, len(slots) + rows), _FORBIDDEN)
    for row in range(rows):
        worth[row, len(slots) + row] = reject_score(board, row) ** 3
        for number, target in enumerate(slots):
            score = float(board.scores[row, place[target]]) if target in place else 0.0
            worth[row, number] = _fixed_worth(fixed[row], target, score) if row in fixed else _worth(score)
    chosen_rows, chosen = linear_sum_assignment(worth, maximize=True)
    pairs = zip(chosen_rows, chosen, strict=True)
    return {int(row): slots[number] for row, number in pairs if number < len(slots)}


def _worth(score: float) -> float:
    return score**3 if score > VETOED else _FORBIDDEN


def _fixed_worth(wanted: str | None, target: str, score: float) -> float:
    return FIXED_BONUS + score if wanted == target else _FORBIDDEN
