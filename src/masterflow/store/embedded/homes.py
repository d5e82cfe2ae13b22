"""The home directory of an installation: where it is, whose it is, and the keys of its roles."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from masterflow.errors import ConfigurationInvalid, MasterflowError, Unavailable
from masterflow.store.embedded.accounts import Account, account_name, current_account

PORT = 5432
SOCKET_NAME = f".s.PGSQL.{PORT}"
SOCKET_PATH_LIMIT = 100
"""Bytes of the full socket path; the kernel's own limit is 107."""

# pg_ctl writes these paths between double quotes into a shell command.
_UNUSABLE_IN_PATH = re.compile(r'["$`\\\x00-\x1f\x7f]')
_ROLE_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_OTHER_HOME = "Set MASTERFLOW_HOME to another directory"
_NOT_WRITABLE = f"{_OTHER_HOME} that this account may write to, or run as the account that owns it."
_IN_THE_WAY = f"A file stands where a directory is needed. Remove it. Otherwise: {_OTHER_HOME}."
_ADVICE = {
    errno.ENOSPC: "Free space on that file system, then start again.",
    errno.EDQUOT: "Free space within the quota of this account, then start again.",
    errno.EROFS: f"{_OTHER_HOME} on a writable file system.",
    errno.EACCES: _NOT_WRITABLE,
    errno.EPERM: _NOT_WRITABLE,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EEXIST: _IN_THE_WAY,
}
_LATER = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM})


def default_home(*, is_root: bool, environ: Mapping[str, str]) -> Path:
    """MASTERFLOW_HOME, else the system's state directory (root) or the user's data directory.

    Raises ConfigurationInvalid when an ordinary user has neither HOME nor XDG_DATA_HOME. A relative
    XDG_DATA_HOME is ignored, as the XDG base directory specification asks.
    """
    if chosen := environ.get("MASTERFLOW_HOME"):
        return resolved(Path(chosen))
    if is_root:
        return Path("/var/lib/masterflow")
    if os.path.isabs(shared := environ.get("XDG_DATA_HOME", "")):
        return Path(shared) / "masterflow"
    if user := environ.get("HOME"):
        return Path(user) / ".local" / "share" / "masterflow"
    raise ConfigurationInvalid("There is no directory for the database.", next_step="Set MASTERFLOW_HOME.")


def resolved(home: Path) -> Path:
    """The one absolute path of a home, links followed; raises ConfigurationInvalid for unusable names."""
    path = Path(os.path.realpath(home.expanduser()))
    if _UNUSABLE_IN_PATH.search(str(path)):
        raise ConfigurationInvalid(
            "The path of the home holds a quote, dollar, backslash or control character.",
            where={"directory": repr(str(path))},
            next_step=f"{_OTHER_HOME} with a plain name.",
        )
    return path


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an operating system error into a MasterflowError that says where and what to do."""
    try:
        yield
    except OSError as error:
        raise _explanation(error, path) from error


def _explanation(error: OSError, path: Path) -> MasterflowError:
    kind = Unavailable if error.errno in _LATER else ConfigurationInvalid
    return kind(
        f"The home of the embedded PostgreSQL cannot be used: {error.strerror or error}.",
        where={"path": error.filename or path},
        next_step=_ADVICE.get(error.errno or 0, f"{_OTHER_HOME}, or repair this one."),
    )


def prepare_home(home: Path) -> None:
    """Create the home, or check that the one found is ours to use; parents are never changed.

    Root's home gets mode 0711 so that the cluster's account reaches the directories in it; the
    permissions of a directory that already holds something are left alone.
    """
    as_root = os.geteuid() == 0
    with explained(home):
        if not home.exists():
            _create_parents(home)
            _create_directory(home, 0o711 if as_root else 0o700)
        found = home.stat()
        _refuse_foreign(home, found)
        if as_root and not found.st_mode & stat.S_IXOTH and not any(home.iterdir()):
            home.chmod(0o711)
        os.close(os.open(lock_path(home), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600))


def lock_path(home: Path) -> Path:
    """The file whose lock serialises starting and stopping."""
    return home / "masterflow.lock"


def _create_parents(home: Path) -> None:
    missing = [parent for parent in home.parents if not parent.exists()]
    for parent in reversed(missing):
        _create_directory(parent, 0o755 if os.geteuid() == 0 else 0o700)


def _create_directory(path: Path, mode: int) -> None:
    with suppress(FileExistsError):
        path.mkdir(mode=mode)
        path.chmod(mode)  # the umask may have taken bits away


def _refuse_foreign(home: Path, found: os.stat_result) -> None:
    if not stat.S_ISDIR(found.st_mode):
        raise ConfigurationInvalid(
            "The home is a file, not a directory.", where={"path": home}, next_step=f"{_OTHER_HOME}."
        )
    if found.st_uid != os.geteuid():
        raise ConfigurationInvalid(
            f"The home belongs to account {account_name(found.st_uid)}.",
            where={"directory": home},
            next_step=f"Run as that account. Otherwise: {_OTHER_HOME}.",
        )
    if found.st_mode & stat.S_IWOTH:
        raise ConfigurationInvalid(
            "Every account of this machine may write to the home.",
            where={"directory": home},
            next_step=f"Remove that permission (chmod o-w). Otherwise: {_OTHER_HOME}.",
        )


def private_directory(path: Path, account: Account) -> None:
    """Create `path` with mode 0700 for `account`; refuse one that somebody else put there.

    Raises ConfigurationInvalid, or OSError when a file or a link stands there.
    """
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _take_over(descriptor, path, account)
    finally:
        os.close(descriptor)


def _take_over(descriptor: int, path: Path, account: Account) -> None:
    found = os.fstat(descriptor)
    if found.st_uid == os.geteuid():
        os.fchmod(descriptor, 0o700)
        if account.is_other:
            os.fchown(descriptor, account.uid, account.gid)
    elif found.st_uid != account.uid or found.st_mode & 0o077:
        raise ConfigurationInvalid(
            f"A private directory is needed; this one has owner {account_name(found.st_uid)} and mode"
            f" {stat.S_IMODE(found.st_mode):o}.",
            where={"directory": path},
            next_step="Find out who made it and remove it, then start again.",
        )


def socket_directory(home: Path, account: Account) -> Path:
    """`run` in the home, or a short directory elsewhere when the socket's path would exceed 100 bytes."""
    inside = home / "run"
    is_short = len(os.fsencode(inside / SOCKET_NAME)) <= SOCKET_PATH_LIMIT
    if is_short and "," not in str(inside):  # a comma separates hosts in a connection string
        return inside
    base = Path("/run") if account.is_other and Path("/run").is_dir() else Path("/tmp")  # noqa: S108 - short by definition; private_directory refuses a planted one
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return base / f"masterflow-{account.uid}-{digest}"


def role_password(home: Path, role: str) -> str:
    """The password of a database role, 256 random bits; made at the first call, then read.

    Kept in `keys/<role>` (0600) in the home. Raises ConfigurationInvalid for a name that is no
    plain lower-case identifier and for a key file that others may read.
    """
    if not _ROLE_NAME.fullmatch(role):
        raise ConfigurationInvalid(
            "A role's name needs 1 to 63 lower-case letters, digits or underscores.",
            where={"role": repr(role)},
            next_step="Choose another name.",
        )
    home = resolved(home)
    prepare_home(home)
    with explained(home):
        private_directory(home / "keys", current_account())
        path = home / "keys" / role
        if not path.exists():
            _store_key(path, secrets.token_urlsafe(32))
        return _read_key(path)


def _store_key(path: Path, value: str) -> None:
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as stream:
            stream.write(value)
            stream.flush()
            os.fsync(stream.fileno())
        with suppress(FileExistsError):  # another process was first: its key holds
            os.link(draft, path)
    finally:
        draft.unlink()
    sync_directory(path.parent)


def _read_key(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    with os.fdopen(descriptor, encoding="ascii") as stream:
        mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
        value = stream.read().strip()
    if mode & 0o077 or not value:
        raise ConfigurationInvalid(
            f"The key file is {'readable by other accounts' if value else 'empty'} (mode {mode:o}).",
            where={"file": path},
            next_step="chmod 600 it." if value else "Restore it from a backup.",
        )
    return value


def sync_directory(path: Path) -> None:
    """Make the entries of a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
