"""The settings of a process: read once from the environment, unknown names refused."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from masterflow.errors import ConfigurationInvalid

PREFIX = "MASTERFLOW_"
LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("text", "json")


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting; the environment variable is the upper-case name with the prefix MASTERFLOW_.

    Sizes in bytes, times in seconds.
    """

    home: Path | None = None
    """Folder of the embedded database and the keys; None means the user's data folder."""
    database_url: str | None = None
    """Administrator's URL of a PostgreSQL >= 15; None means the embedded one."""
    kek_file: Path | None = None
    """File with the key-encryption keys, one base64 text of 32 bytes a line, the active one first."""
    kek: str | None = None
    """The same as text, for secret stores that set variables."""
    host: str = "127.0.0.1"
    port: int = 8000
    log_level: str = "info"
    log_format: str = "text"
    pool_size: int = 10
    heartbeat_seconds: float = 3.0
    compute_processes: int = 2
    max_upload_bytes: int = 512 * 1024 * 1024
    max_json_bytes: int = 1024 * 1024
    demo: bool = True
    """Whether `serve` runs the demo journey the first time."""


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in an environment.

    Raises:
        ConfigurationInvalid: lists every unknown name and every value that cannot be read.
    """
    known = {f"{PREFIX}{field.name.upper()}": field.name for field in fields(Settings)}
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, text in sorted(environ.items()):
        if not name.startswith(PREFIX):
            continue
        if name not in known:
            near = difflib.get_close_matches(name.removeprefix(PREFIX), [k.removeprefix(PREFIX) for k in known], n=1)
            problems.append(f"unknown setting {name}" + (f" (did you mean {PREFIX}{near[0]}?)" if near else ""))
            continue
        try:
            values[known[name]] = _READERS.get(known[name], str)(_filled(text))
        except ValueError as error:
            problems.append(f"{name}={text!r}: {error}")
    if problems:
        raise ConfigurationInvalid("; ".join(problems), next_step="See docs/reference/settings.md for all settings.")
    return Settings(**values)


def _filled(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; leave the variable out for the default")
    return text


def _one_of(*allowed: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError(f"one of {', '.join(allowed)}")
        return text.lower()

    return read


def _at_least(smallest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = int(text)
        if value < smallest:
            raise ValueError(f"at least {smallest}")
        return value

    return read


def _port(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 65_535:
        raise ValueError("at least 1 and at most 65535")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.5 <= value <= 3600:
        raise ValueError("between 0.5 and 3600")
    return value


def _yes_or_no(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if text.lower() not in words:
        raise ValueError("yes or no")
    return words[text.lower()]


_READERS: dict[str, Callable[[str], Any]] = {
    "home": Path,
    "kek_file": Path,
    "port": _port,
    "log_level": _one_of(*LOG_LEVELS),
    "log_format": _one_of(*LOG_FORMATS),
    "pool_size": _at_least(2),
    "heartbeat_seconds": _seconds,
    "compute_processes": _at_least(1),
    "max_upload_bytes": _at_least(1024),
    "max_json_bytes": _at_least(1024),
    "demo": _yes_or_no,
}
