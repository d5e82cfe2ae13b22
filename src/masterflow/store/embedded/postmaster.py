"""The server process of a cluster: its configuration file, its pid file, its log and its orphans."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from masterflow.errors import ConfigurationInvalid
from masterflow.store.embedded.accounts import Account
from masterflow.store.embedded.homes import PORT, SOCKET_NAME

_STATES: dict[str, Literal["ready", "stopping"]] = {"ready": "ready", "stopping": "stopping"}
_SETTING_NAME = re.compile(r"[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?")
_FIXED_FILES = {"config_file", "data_directory", "external_pid_file", "hba_file", "ident_file"}
_FIXED_ADDRESS = {"cluster_name", "listen_addresses", "port", "unix_socket_directories"}
_FIXED = _FIXED_FILES | _FIXED_ADDRESS | {"include", "include_dir", "include_if_exists"}
_LOG_PREFIX = re.compile(r"^\S+ \S+ \S+ \[\d+\] (\S+@\S+ )?")  # as log_line_prefix below writes it
# For two cores and a few GiB of memory. No value of a tenant reaches the log: parameters are left out,
# and "terse" leaves out the DETAIL lines, which repeat rows. Durability is never traded for speed.
_DEFAULTS = {
    "max_connections": "120",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "maintenance_work_mem": "128MB",
    "work_mem": "8MB",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "max_parallel_workers": "2",
    "max_parallel_workers_per_gather": "1",
    "random_page_cost": "1.1",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "log_min_duration_statement": "1s",
    "log_lock_waits": "on",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_error_verbosity": "terse",
}


@dataclass(frozen=True, slots=True)
class Postmaster:
    """The main process of a running server, as its pid file shows it."""

    pid: int
    socket_dir: Path
    state: Literal["starting", "ready", "stopping"]

    @property
    def socket(self) -> Path:
        """The Unix socket it listens on."""
        return self.socket_dir / SOCKET_NAME


def cluster_name(home: Path) -> str:
    """The name that stands in the title of every process of the cluster."""
    return f"masterflow-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"


def read_postmaster(data: Path) -> Postmaster | None:
    """The live postmaster of a data directory, or None; a pid file left by a dead one does not count.

    The process must be a postgres of this very directory: after a reboot another program, or the
    server of another home, may have the old number.
    """
    with suppress(FileNotFoundError):
        lines = (data / "postmaster.pid").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
        lines += [""] * (8 - len(lines))
        if lines[0].isdecimal() and _is_postmaster(int(lines[0]), data):
            return Postmaster(int(lines[0]), Path(lines[4]), _STATES.get(lines[7].strip(), "starting"))
    return None


def _is_postmaster(pid: int, data: Path) -> bool:
    with suppress(OSError):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return os.path.basename(command[0]) == b"postgres" and os.fsencode(data) in command
    return False


def signal_orphans(account: Account, name: str, number: signal.Signals) -> None:
    """Signal the processes that a killed postmaster of the cluster `name` left behind."""
    title = f"postgres: {name}: ".encode("ascii")
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended just now
            is_orphan = (process / "cmdline").read_bytes().startswith(title)
            if is_orphan and process.stat().st_uid == account.uid:
                os.kill(int(process.name), number)


def write_configuration(home: Path, socket_dir: Path, settings: Mapping[str, str]) -> Path:
    """Write the server's configuration file into the home; returns its path. The home's lock is held.

    `settings` replace the defaults. Raises ConfigurationInvalid for a name that is no parameter's
    name or is fixed by the way the cluster is reached.
    """
    for name, value in settings.items():
        if name in _FIXED or not _SETTING_NAME.fullmatch(name) or not value.isprintable():
            raise ConfigurationInvalid(
                "This setting of the embedded PostgreSQL cannot be given.",
                where={"setting": name},
                next_step="Leave it out.",
            )
    placed = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": f'"{socket_dir}"',
        "unix_socket_permissions": "0700",
        "cluster_name": cluster_name(home),
        "log_directory": str(home / "log"),
    }
    lines = [f"{name} = '{_quoted(value)}'" for name, value in {**_DEFAULTS, **placed, **settings}.items()]
    notice = "# Written at every start. For a lasting change use ALTER SYSTEM."
    path = home / "postgresql.conf"
    draft = home / ".postgresql.conf"
    draft.write_text("\n".join([notice, *lines, ""]), encoding="utf-8", errors="surrogateescape")
    draft.chmod(0o644)  # the cluster's account reads it; it holds no secret
    draft.replace(path)
    return path


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


def last_error(log_dir: Path) -> str:
    """The last error in the newest logs of the server with the line before it, else "".

    The line before often holds the cause: a wrong setting is logged before the FATAL line.
    """
    logs = sorted(log_dir.glob("*.log"), key=lambda path: path.stat().st_mtime_ns)
    texts = [path.read_text(encoding="utf-8", errors="replace") for path in logs[-2:]]
    lines = [_LOG_PREFIX.sub("", line) for text in texts for line in text.splitlines()]
    errors = [number for number, line in enumerate(lines) if line.startswith(("FATAL:", "PANIC:", "ERROR:"))]
    return "; ".join(lines[max(0, errors[-1] - 1) : errors[-1] + 1]) if errors else ""
