"""The system account a database cluster runs under, and programs started as that account."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from masterflow.errors import ConfigurationInvalid

SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# Nothing of the caller's environment reaches the server: no library path, locale, PG* variable or secret.
_ENVIRONMENT = {"PATH": SYSTEM_PATH, "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Account:
    """The system account that owns the cluster's files and runs its server."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether programs must be started under another account than this process's."""
        return self.uid != os.geteuid()


def account_name(uid: int) -> str:
    """The name of an account, or its number when it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def current_account() -> Account:
    """The account of this process."""
    return Account(account_name(os.geteuid()), os.geteuid(), os.getegid())


def cluster_account(data: Path) -> Account:
    """Whose cluster it is: this process's account, or as root the owner of `data`, or a service account.

    PostgreSQL refuses to run as root. Raises ConfigurationInvalid when no account can be had or
    the data directory belongs to root or to another ordinary account.
    """
    if not data.exists():
        return service_account() if os.geteuid() == 0 else current_account()
    owner = data.stat()
    if owner.st_uid == 0 or os.geteuid() not in (0, owner.st_uid):
        raise ConfigurationInvalid(
            f"The data directory belongs to account {account_name(owner.st_uid)}.",
            where={"directory": data},
            next_step="Run as the account that made it, or set MASTERFLOW_HOME to another directory.",
        )
    return Account(account_name(owner.st_uid), owner.st_uid, owner.st_gid)


def service_account(name: str = "masterflow", *, fallback: str = "postgres", search_path: str = SYSTEM_PATH) -> Account:
    """The account `name`, made with useradd when absent; without useradd `fallback`, if it runs nothing.

    An account that runs other programs is not safe: they could read and signal the cluster.
    Raises ConfigurationInvalid when there is neither.
    """
    found = _account(name) or _created(name, search_path)
    if found is None:
        found = _account(fallback)
        found = None if found is None or _runs_programs(found.uid) else found
    if found is None or found.uid == 0:
        raise ConfigurationInvalid(
            "PostgreSQL refuses to run as root and there is no account for it.",
            where={"account": name},
            next_step=f"Create it (useradd --system {name}), run as an ordinary user, or set"
            " MASTERFLOW_DATABASE_URL to another server.",
        )
    return found


def _account(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _created(name: str, search_path: str) -> Account | None:
    program = shutil.which("useradd", path=search_path)
    if program is None:
        return None
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    run_as(current_account(), [program, *options, "--shell", "/usr/sbin/nologin", name])
    return _account(name)  # also there when another process made it meanwhile


def _runs_programs(uid: int) -> bool:
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError):
            if process.stat().st_uid == uid:
                return True
    return False


def run_as(
    account: Account, command: Sequence[str | Path], *, pass_fds: Sequence[int] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a program as `account` in a session of its own, so that the terminal's Ctrl-C does not reach it.

    The environment is the minimal one; standard output and error are captured as text. Raises OSError
    when the program cannot be started.
    """
    other = account.is_other
    return subprocess.run(  # noqa: S603 - fixed programs, no shell
        list(command),
        check=False,
        capture_output=True,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        cwd="/",
        env=_ENVIRONMENT,
        start_new_session=True,
        umask=0o077,
        pass_fds=tuple(pass_fds),
        user=account.uid if other else None,
        group=account.gid if other else None,
        extra_groups=[] if other else None,
    )


def may(account: Account, test: str, path: Path) -> bool:
    """What `test -r`, `-w` or `-x` says about `path` for this account; access lists count."""
    return run_as(account, ["/bin/sh", "-c", f'test {test} "$1"', "sh", path]).returncode == 0


def require_reachable(directory: Path, account: Account) -> None:
    """Check that `account` may enter `directory`; the error names the directory that is closed to it."""
    if not account.is_other or may(account, "-x", directory):
        return
    closed = next(path for path in (*reversed(directory.parents), directory) if not may(account, "-x", path))
    raise ConfigurationInvalid(
        f"Account {account.name}, which runs PostgreSQL for root, cannot enter this directory.",
        where={"directory": closed},
        next_step=f"Allow it (chmod o+x {closed}), or set MASTERFLOW_HOME to a directory below one that"
        " every account can enter, such as /var/lib.",
    )
