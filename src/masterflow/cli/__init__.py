"""The command line: `masterflow`, one module per group of commands."""

from masterflow.cli import bench
from masterflow.cli.program import app, main

bench.register(app)

__all__ = ["main"]
