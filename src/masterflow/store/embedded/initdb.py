"""The data directory of the embedded PostgreSQL: made once, whole or not at all, checked at every start."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from masterflow.errors import ConfigurationInvalid, MasterflowError, Unavailable
from masterflow.store.embedded.accounts import Account, run_as
from masterflow.store.embedded.homes import role_password, sync_directory
from masterflow.store.embedded.installation import Installation

SUPERUSER = "masterflow_superuser"
_CAUSE = re.compile(r"FATAL:|PANIC:|ERROR:|error:")
_OPTIONS = (
    "--auth-host=scram-sha-256",
    "--auth-local=scram-sha-256",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--encoding=UTF8",
    "--data-checksums",
    f"--username={SUPERUSER}",
)


def ensure_cluster(home: Path, account: Account, installation: Installation, *, lock: int) -> None:
    """Make `data` in the home when it is missing, else check that these programs can run it.

    `lock` is the descriptor of the home's lock. Raises ConfigurationInvalid for a directory that is
    not ours or has another major version, and Unavailable when the disk is full.
    """
    data = home / "data"
    if data.exists():
        _check(data, home / "keys" / SUPERUSER, installation)
    else:
        _create(data, account, installation, lock)


def unusable_data(data: Path, detail: str) -> ConfigurationInvalid:
    """The error for a data directory that does not belong to its home."""
    return ConfigurationInvalid(
        detail,
        where={"directory": data},
        next_step="Restore data and keys of this home from the same backup, or set MASTERFLOW_HOME to"
        " another directory.",
    )


def failure(what: str, reason: str, *, home: Path) -> MasterflowError:
    """The error for a PostgreSQL program that failed, with the line of its answer that says why."""
    lines = reason.strip().splitlines() or ["no reason given"]
    cause = next((line for line in lines if _CAUSE.search(line)), lines[-1])
    kind: type[MasterflowError] = ConfigurationInvalid
    advice = "Read the log, correct the cause and start again."
    if "No space left on device" in reason:
        kind, advice = Unavailable, "Free space on that file system, then start again."
    return kind(f"{what}: {cause}", where={"home": home, "log": home / "log"}, next_step=advice)


def _check(data: Path, key: Path, installation: Installation) -> None:
    version = data / "PG_VERSION"
    if not version.is_file():
        raise unusable_data(data, "The data directory was not made by PostgreSQL.")
    major = version.read_text(encoding="ascii").strip()
    if major != installation.major:
        raise ConfigurationInvalid(
            f"The data directory has the format of PostgreSQL {major}; these programs are {installation.version}.",
            where={"directory": data},
            next_step=f"Dump it with PostgreSQL {major} and restore the dump into a new home (MASTERFLOW_HOME).",
        )
    if not key.exists():
        raise unusable_data(data, f"The password of its superuser is missing (keys/{SUPERUSER}).")


def _create(data: Path, account: Account, installation: Installation, lock: int) -> None:
    home = data.parent
    draft = Path(tempfile.mkdtemp(prefix=".initdb-", dir=home))
    secret = draft / "password"
    secret.touch(mode=0o600)
    secret.write_text(role_password(home, SUPERUSER), encoding="ascii")
    for path in (secret, draft):
        os.chown(path, account.uid, account.gid)
    places = (f"--pwfile={secret}", f"--pgdata={draft / 'data'}")
    # initdb inherits the home's lock: should this process be killed, the next one waits for initdb.
    made = run_as(account, [installation.bin_dir / "initdb", *_OPTIONS, *places], pass_fds=(lock,))
    if made.returncode != 0:
        shutil.rmtree(draft)
        raise failure("The database could not be created", made.stderr, home=home)
    (draft / "data").rename(data)
    sync_directory(home)
    shutil.rmtree(draft)
