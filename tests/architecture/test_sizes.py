"""Files and functions stay small enough to be read at once."""

from __future__ import annotations

import ast
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
Function = ast.FunctionDef | ast.AsyncFunctionDef


def files(root: Path) -> list[Path]:
    """The Python files of the product and of its tests."""
    return sorted(path for folder in ("src", "tests") for path in (root / folder).rglob("*.py"))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Name and number of lines of every function of a file, nested ones included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, Function):
            yield node.name, (node.end_lineno or node.lineno) - node.lineno + 1


def too_long(root: Path) -> list[str]:
    """Files and functions over the limits, with their length."""
    found = []
    for path in files(root):
        place = path.relative_to(root)
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length > LONGEST_FILE:
            found.append(f"{place}: {length} lines")
        found += [f"{place}: {name} has {lines} lines" for name, lines in functions(path) if lines > LONGEST_FUNCTION]
    return found


def test_no_file_and_no_function_is_too_long() -> None:
    assert too_long(ROOT) == []


def test_half_of_the_products_functions_have_eight_lines_or_fewer() -> None:
    lengths = [lines for path in files(ROOT) if "src" in path.parts for _, lines in functions(path)]
    assert statistics.median(lengths) <= 8
    assert statistics.quantiles(lengths, n=20)[-1] <= 40


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("x = 1\n" * 401, "src/planted.py: 401 lines"),
        ("async def f():\n" + "    x = 1\n" * 50, "src/planted.py: f has 51 lines"),
        ("class A:\n    def g(self):\n" + "        x = 1\n" * 50, "src/planted.py: g has 51 lines"),
    ],
)
def test_a_planted_length_is_found(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "planted.py").write_text(text, encoding="utf-8")
    assert too_long(tmp_path) == [found]


def test_the_limits_themselves_are_allowed(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    text = "def f():\n" + "    x = 1\n" * 49 + "x = 1\n" * 350
    (tmp_path / "tests" / "planted.py").write_text(text, encoding="utf-8")
    assert too_long(tmp_path) == []
