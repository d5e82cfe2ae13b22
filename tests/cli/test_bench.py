"""`masterflow bench`: its document, and that it leaves nothing behind. Figures are never tested."""

from __future__ import annotations

import tempfile
from pathlib import Path

from support.console import command, temporary_home

RATIOS = {"phase_p50", "phase_p99", "create_p50", "create_p99"}
LAYERS = {"one_round_trip", "start", "finish", "finish_without_audit", "sealing_ms", "plain_json_ms"}


def _scratch() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("masterflow-bench-*"))


def test_the_document_has_every_figure_and_the_scratch_database_is_removed() -> None:
    before = _scratch()
    with temporary_home() as home:
        made = command(home, "bench", "--quick", "--json")
        assert made.code == 0, made
        document = made.document
        assert not home.exists(), "the installation itself is not touched"
    assert set(document["in_floors"]) == RATIOS
    assert set(document["layers"]) > LAYERS
    assert all(value > 0 for value in document["in_floors"].values())
    assert document["host"]["postgresql"]["fsync"] == "on"
    assert (document["first_phases"]["flows"], document["first_phases"]["failures"]) == (2, 0)
    assert document["workbook_to_inventory"]["seconds"] > 0
    assert document["capture"]["captured_rows"] == [200, 0], "with and without the triggers"
    assert _scratch() <= before
