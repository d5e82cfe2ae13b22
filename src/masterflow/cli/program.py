"""The program: its commands, and how each way of ending becomes an exit code and a message."""

from __future__ import annotations

import logging
import os
import signal
import sys
from importlib.metadata import version
from typing import Annotated, Any

import structlog
import typer
from pydantic import ValidationError
from typer.main import get_command

from masterflow import telemetry
from masterflow.cli import admin, database, demo, files, flows, health, serving
from masterflow.cli.output import Output, error_document, error_lines, print_json, put
from masterflow.errors import ConfigurationInvalid, MasterflowError
from masterflow.settings import read_settings

DONE, NO, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
_log = structlog.get_logger("masterflow.cli")

app = typer.Typer(
    name="masterflow",
    help="Master Flow Orchestrator: discovery to decommission of a cloud migration as flows of one orchestrator.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog="Exit codes: 0 done, 1 the answer is no or it failed, 2 wrong use. Settings: docs/reference/settings.md.",
)
for module in (serving, demo, files, health, database):
    module.register(app)
app.add_typer(flows.app, name="flow")
app.add_typer(database.app, name="db")
app.add_typer(admin.app, name="admin")


class WrongUse(MasterflowError):
    """The command line cannot be understood."""

    code = "wrong_use"
    status = 422


class Interrupted(MasterflowError):
    """The command was stopped from outside."""

    code = "interrupted"
    status = 499


class Unexpected(MasterflowError):
    """An error that nobody foresaw; a defect of the program."""

    code = "unexpected_error"


@app.callback(invoke_without_command=True)
def _start(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version and exit.", is_eager=True)] = False,
) -> None:
    if show_version:
        Output(as_json=False).people.print(f"masterflow {version('masterflow')}")
        raise typer.Exit


def main() -> int:
    """Run the command of this process; its exit code."""
    # The compute processes import the main module again when they find its file: they do not need it.
    vars(sys.modules["__main__"]).pop("__file__", None)
    signal.signal(signal.SIGTERM, _interrupt)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    return run(sys.argv[1:])


def _interrupt(*_: Any) -> None:
    signal.raise_signal(signal.SIGINT)


def run(arguments: list[str]) -> int:
    """Run a command line; its exit code. Every error becomes a message, never a traceback."""
    code = _run(arguments, as_json="--json" in arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _forget_output()
        return code or NO
    except OSError as error:
        _forget_output()
        return code or _failed(_unexpected(error), as_json=False)
    return code


def _run(arguments: list[str], *, as_json: bool) -> int:
    try:
        _configure_logs()
        found = get_command(app).main(args=arguments, prog_name="masterflow", standalone_mode=False)
    except ValidationError as error:
        return _failed(_invalid(error), as_json=as_json)
    except typer.TyperException as error:
        return _failed(_usage(error), as_json=as_json)
    except MasterflowError as error:
        return _failed(error, as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return _failed(Interrupted("stopped"), as_json=as_json)
    except BrokenPipeError:
        _forget_output()
        return NO
    except Exception as error:  # the rim: a person gets a sentence, the log the place
        _log.debug("unexpected_error", exc_info=True)
        return _failed(_unexpected(error), as_json=as_json)
    if found == INTERRUPTED:  # typer's word for Ctrl-C
        return _failed(Interrupted("stopped"), as_json=as_json)
    return found if isinstance(found, int) else DONE


def _configure_logs() -> None:
    settings = read_settings(os.environ)
    quiet = "MASTERFLOW_LOG_LEVEL" not in os.environ
    telemetry.configure(level="warning" if quiet else settings.log_level, form=settings.log_format)
    logging.captureWarnings(True)


def _usage(error: typer.TyperException) -> MasterflowError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "masterflow"
    message = getattr(error, "format_message", lambda: str(error))()
    return WrongUse(message, next_step=f"See `{command} --help`.")


def _invalid(error: ValidationError) -> MasterflowError:
    found = error.errors(include_input=False, include_url=False, include_context=False)
    places = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in found)
    return WrongUse(f"these values cannot be used: {places}", next_step="Correct them and repeat.")


def _unexpected(error: Exception) -> MasterflowError:
    if isinstance(error, OSError):
        where = {"file": error.filename} if error.filename else {}
        return Unexpected(
            f"the operating system refused: {error.strerror or error}",
            where=where,
            next_step="Check the file or device and the space on it, then repeat.",
        )
    return Unexpected(
        f"an error that was not foreseen: {type(error).__name__}",
        next_step="This is a defect. Repeat with MASTERFLOW_LOG_LEVEL=debug and report what it prints.",
    )


def _failed(error: MasterflowError, *, as_json: bool) -> int:
    try:
        if as_json:
            print_json({"error": error_document(error)})
    except OSError:  # standard output is what fails
        as_json = False
    if not as_json:
        put(Output(as_json=False).aside, error_lines(error))
    if isinstance(error, Interrupted):
        return INTERRUPTED
    return WRONG_USE if isinstance(error, WrongUse | ConfigurationInvalid) else NO


def _forget_output() -> None:
    """Nobody can read our output: let the interpreter's last flush go nowhere."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
