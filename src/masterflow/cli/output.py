"""What a command prints: lines and tables for people, or one JSON document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal

from pydantic_core import to_jsonable_python
from rich.console import Console
from rich.table import Table
from rich.text import Text

from masterflow.errors import MasterflowError

_WIDTH_WITHOUT_TERMINAL = 160
_HIDDEN = "\N{REPLACEMENT CHARACTER}"


class Output:
    """Answers go to standard output, everything else to standard error.

    With `as_json` standard output gets exactly one document; `say` is silent then.
    """

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self.people = _console(stderr=False)
        self.aside = _console(stderr=True)

    def answer(self, document: Any, show: Callable[[Console], None]) -> None:
        """The answer of the command: the document as JSON, or what `show` prints."""
        if self.as_json:
            print_json(document)
        else:
            show(self.people)

    def say(self, text: str) -> None:
        """A line on the way, on standard error; nothing with JSON."""
        if not self.as_json:
            put(self.aside, text)


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
        width=None if stream.isatty() else _WIDTH_WITHOUT_TERMINAL,
    )


def print_json(document: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(jsonable(document), indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    sys.stdout.flush()


def jsonable(document: Any) -> Any:
    """Dataclasses, ids, times and sets as JSON can hold them."""
    return to_jsonable_python(document, inf_nan_mode="null")


def plain(value: object) -> Text:
    """A value as text for a terminal: control characters of files and names have no effect."""
    text = "" if value is None else str(value)
    return Text(
        "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)
    )


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = (), whole: Sequence[str] = ()
) -> Table:
    """A table without a frame; columns named in `right` are aligned to the right, those in `whole` never folded."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        justify: Literal["left", "right"] = "right" if name in right else "left"
        made.add_column(name, justify=justify, overflow="fold", no_wrap=name in whole)
    for row in rows:
        made.add_row(*(plain(value) for value in row))
    return made


def put(console: Console, *things: str | Table) -> None:
    """Print texts unwrapped, one a line, and tables; without a terminal no line ends in spaces."""
    for thing in things:
        if isinstance(thing, str):
            console.print(plain(thing), soft_wrap=True)
        elif console.is_terminal:
            console.print(thing)
        else:
            with console.capture() as captured:
                console.print(thing)
            console.file.write("".join(line.rstrip() + "\n" for line in captured.get().splitlines()))


def facts(rows: Iterable[tuple[str, object]]) -> Table:
    """Names with their values, one pair a line."""
    made = Table(box=None, pad_edge=False, show_header=False)
    made.add_column(style="dim", no_wrap=True)
    made.add_column(overflow="fold")
    for name, value in rows:
        made.add_row(plain(name), plain(value))
    return made


def error_document(error: MasterflowError) -> dict[str, Any]:
    """An error as every command reports it with --json."""
    return {
        "code": error.code,
        "detail": error.detail,
        "where": jsonable(
            {
                key: str(value) if not isinstance(value, str | int | list) else value
                for key, value in error.where.items()
            }
        ),
        "next_step": error.next_step,
    }


def error_lines(error: MasterflowError) -> str:
    """An error for people: what, where, what to do now."""
    place = ", ".join(f"{key}: {value}" for key, value in error.where.items())
    lines = [f"Error: {error.detail}"]
    lines += [f"  where: {place}"] if place else []
    lines += [f"  now:   {error.next_step}"] if error.next_step else []
    return "\n".join(lines)
