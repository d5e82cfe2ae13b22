"""The command line: `masterflow`, one module per group of commands."""

from masterflow.cli.program import main

__all__ = ["main"]
