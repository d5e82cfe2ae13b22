"""The embedded PostgreSQL: one private cluster per home, started by its first user, stopped by its last."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal
from urllib.parse import quote, urlencode

import psycopg
from psycopg.conninfo import make_conninfo

from masterflow.errors import MasterflowError, Unavailable
from masterflow.store.embedded.accounts import Account, cluster_account, require_reachable, run_as
from masterflow.store.embedded.homes import (
    PORT,
    SOCKET_NAME,
    default_home,
    explained,
    prepare_home,
    private_directory,
    resolved,
    role_password,
    socket_directory,
)
from masterflow.store.embedded.initdb import SUPERUSER, ensure_cluster, failure, unusable_data
from masterflow.store.embedded.installation import (
    Installation,
    installation_for,
    remove_other_copies,
    wheel_installation,
)
from masterflow.store.embedded.locks import (
    Registration,
    home_locked,
    live_users,
    register_user,
    try_lock,
    unregister_user,
)
from masterflow.store.embedded.postmaster import (
    Postmaster,
    cluster_name,
    last_error,
    read_postmaster,
    signal_orphans,
    write_configuration,
)

__all__ = ["Cluster", "EmbeddedPostgres", "ServerStatus", "default_home", "role_password"]

START_TIMEOUT = 120.0
_AUTHENTICATION = "scram-sha-256"
_STARTING_UP = "the database system is"  # ... starting up, in recovery mode, shutting down
# A killed postmaster's children end by themselves; one in a long query is asked, then made to.
_ORPHAN_STEPS = ((2.0, signal.SIGQUIT), (5.0, signal.SIGKILL))


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running cluster and how to reach it; `bin_dir` also holds pg_dump and pg_restore."""

    home: Path
    data: Path
    socket_dir: Path
    port: int
    superuser: str
    password: str = field(repr=False)
    bin_dir: Path

    def dsn(self, database: str, *, user: str | None = None, password: str | None = None) -> str:
        """A libpq connection string over the Unix socket; without `user` for the superuser.

        Without `password` it takes the one in the home's keys for that role. A server that asks for
        anything but SCRAM is refused, so the password never leaves in clear. Needs libpq >= 16.
        """
        return make_conninfo(
            host=str(self.socket_dir),
            port=self.port,
            dbname=database,
            user=user or self.superuser,
            password=password or self._password(user),
            require_auth=_AUTHENTICATION,
        )

    def url(self, database: str, *, user: str | None = None, password: str | None = None) -> str:
        """The same as a `postgresql://` URL, which libpq and SQLAlchemy both read."""
        credentials = f"{quote(user or self.superuser, safe='')}:{quote(password or self._password(user), safe='')}"
        place = urlencode(
            {"host": str(self.socket_dir), "port": self.port, "require_auth": _AUTHENTICATION}, quote_via=quote
        )
        return f"postgresql://{credentials}@/{quote(database, safe='')}?{place}"

    def _password(self, user: str | None) -> str:
        return role_password(self.home, user) if user else self.password


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """What is known about the server of a home without changing anything."""

    state: Literal["stopped", "starting", "ready", "stopping"]
    pid: int | None
    version: str
    socket: Path | None
    port: int | None
    users: tuple[int, ...]
    log_dir: Path

    @property
    def is_running(self) -> bool:
        """Whether a server process lives, even if it does not answer yet."""
        return self.pid is not None


class EmbeddedPostgres:
    """The cluster of one home, shared by every process that starts it there.

    `settings` are PostgreSQL parameters over the defaults; they count for the process that really
    starts the server, one that attaches takes the server as it runs. `start_timeout` is in seconds.
    """

    def __init__(
        self,
        home: Path,
        *,
        settings: Mapping[str, str] = MappingProxyType({}),
        start_timeout: float = START_TIMEOUT,
    ) -> None:
        self.home = resolved(home)
        self._data = self.home / "data"
        self._log_dir = self.home / "log"
        self._server_lock = self.home / "server.lock"
        self._settings = dict(settings)
        self._timeout = start_timeout
        self._registration: Registration | None = None

    def start(self) -> Cluster:
        """Create, start or attach to the cluster, and count this process as its user.

        Repeatable. Blocks up to `start_timeout`; call it in a thread from async code. Raises
        ConfigurationInvalid when home, account or data directory cannot be used, and Unavailable
        when the server does not answer in time or the disk is full.
        """
        with explained(self.home):
            prepare_home(self.home)
            with home_locked(self.home, timeout=self._timeout) as lock:
                self._remove_drafts()
                account = cluster_account(self._data)
                require_reachable(self.home, account)
                installation = installation_for(account, self.home)
                ensure_cluster(self.home, account, installation, lock=lock)
                cluster = self._ensure_answering(account, installation)
                self._count_as_user()
        return cluster

    def release(self) -> None:
        """Stop using the cluster; the last user stops the server, killed users do not count."""
        registration, self._registration = self._registration, None
        if registration is None or registration.pid != os.getpid():
            return
        with explained(self.home), home_locked(self.home, timeout=self._timeout):
            unregister_user(registration)
            if not live_users(self.home, remove_stale=True):
                self._stop("fast")

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server whoever uses it; "immediate" leaves recovery to the next start."""
        if not self._data.exists():
            return
        with explained(self.home), home_locked(self.home, timeout=self._timeout):
            self._stop(mode)
            if self._registration is not None:
                unregister_user(self._registration)
                self._registration = None

    def status(self) -> ServerStatus:
        """State, process id, programs' version, socket and users; creates and changes nothing."""
        with explained(self.home):
            postmaster = read_postmaster(self._data)
            users = live_users(self.home)
        return ServerStatus(
            state=postmaster.state if postmaster else "stopped",
            pid=postmaster.pid if postmaster else None,
            version=wheel_installation().version,
            socket=postmaster.socket if postmaster else None,
            port=PORT if postmaster else None,
            users=users,
            log_dir=self._log_dir,
        )

    def _count_as_user(self) -> None:
        if self._registration is None or self._registration.pid != os.getpid():
            self._registration = register_user(self.home)

    def _remove_drafts(self) -> None:
        for pattern in (".initdb-*", ".pgsql-*"):
            for draft in self.home.glob(pattern):
                shutil.rmtree(draft)

    def _ensure_answering(self, account: Account, installation: Installation) -> Cluster:
        try:
            postmaster = self._ensure_running(account, installation)
            return self._verified(postmaster, installation)
        except Unavailable:  # it may be recovering still: it goes on, the next start attaches
            raise
        except BaseException:
            with suppress(MasterflowError, OSError):
                if not live_users(self.home):
                    self._stop("fast")
            raise

    def _ensure_running(self, account: Account, installation: Installation) -> Postmaster:
        deadline = time.monotonic() + self._timeout
        while True:
            postmaster = read_postmaster(self._data)
            if postmaster is not None and postmaster.state == "ready":
                if postmaster.socket.exists():
                    return postmaster
                self._stop_unreachable(postmaster)
            elif time.monotonic() >= deadline:
                raise self._too_slow(f"is still {postmaster.state if postmaster else 'not there'}")
            elif postmaster is None:
                self._launch(account, installation)
            else:
                time.sleep(0.05)

    def _stop_unreachable(self, postmaster: Postmaster) -> None:
        if users := live_users(self.home):
            raise Unavailable(
                f"The socket of the running server is gone; processes {users} still use the server.",
                where={"socket": postmaster.socket, "pid": postmaster.pid},
                next_step="Stop these processes, then start again.",
            )
        self._stop("fast")

    def _launch(self, account: Account, installation: Installation) -> None:
        server_lock = self._lock_server(account)
        if server_lock is None:
            return
        try:
            remove_other_copies(self.home, installation)
            socket_dir = socket_directory(self.home, account)
            # With the server lock ours nothing of this cluster lives: what it left is stale.
            for left in (self._data / "postmaster.pid", *socket_dir.glob(f"{SOCKET_NAME}*")):
                left.unlink(missing_ok=True)
            private_directory(self._log_dir, account)
            private_directory(socket_dir, account)
            require_reachable(socket_dir, account)
            configuration = write_configuration(self.home, socket_dir, self._settings)
            self._run_start(account, installation, configuration, server_lock)
        finally:
            os.close(server_lock)

    def _run_start(self, account: Account, installation: Installation, configuration: Path, server_lock: int) -> None:
        log = self._log_dir / "startup.log"
        log.unlink(missing_ok=True)
        # Every server process inherits the server lock: it is free when the last one has ended.
        started = run_as(
            account,
            [
                *self._pg_ctl(installation, "start"),
                f"--log={log}",
                f"--options=-c config_file={shlex.quote(str(configuration))}",
            ],
            pass_fds=(server_lock,),
        )
        if started.returncode != 0:
            if "did not start in time" in started.stderr:
                raise self._too_slow("does not answer yet")
            reason = last_error(self._log_dir) or started.stderr
            raise failure("PostgreSQL did not start", reason, home=self.home)

    def _lock_server(self, account: Account) -> int | None:
        """The server lock, once no process of the cluster lives; None when a server turned up."""
        began = time.monotonic()
        steps = list(_ORPHAN_STEPS)
        while (lock := try_lock(self._server_lock, timeout=0.1)) is None:
            waited = time.monotonic() - began
            if read_postmaster(self._data) is not None:
                return None
            if steps and waited >= steps[0][0]:
                signal_orphans(account, cluster_name(self.home), steps.pop(0)[1])
            elif waited >= self._timeout:
                raise self._too_slow("has processes of an earlier start that do not end")
        return lock

    def _verified(self, postmaster: Postmaster, installation: Installation) -> Cluster:
        cluster = Cluster(
            home=self.home,
            data=self._data,
            socket_dir=postmaster.socket_dir,
            port=PORT,
            superuser=SUPERUSER,
            password=role_password(self.home, SUPERUSER),
            bin_dir=installation.bin_dir,
        )
        deadline = time.monotonic() + self._timeout
        while not self._answers(cluster, deadline):
            if time.monotonic() >= deadline:
                raise self._too_slow("does not answer")
            time.sleep(0.1)
        return cluster

    def _answers(self, cluster: Cluster, deadline: float) -> bool:
        patience = max(2, int(deadline - time.monotonic()))
        try:
            psycopg.connect(cluster.dsn("postgres"), connect_timeout=patience).close()
        except psycopg.OperationalError as error:
            reason = " ".join(str(error).split())
            if "password authentication failed" in reason:
                detail = f"Its superuser has another password than keys/{SUPERUSER}."
                raise unusable_data(self._data, detail) from error
            if isinstance(error, psycopg.errors.ConnectionTimeout) or _STARTING_UP in reason:
                return False
            raise Unavailable(
                f"The embedded PostgreSQL refuses the connection: {reason}",
                where={"log": self._log_dir},
                next_step="Read the log, correct the cause and start again.",
            ) from error
        return True

    def _stop(self, mode: Literal["fast", "immediate"]) -> None:
        postmaster = read_postmaster(self._data)
        if postmaster is None:
            return
        account = cluster_account(self._data)
        installation = installation_for(account, self.home)
        stopped = run_as(account, [*self._pg_ctl(installation, "stop"), f"--mode={mode}"])
        if stopped.returncode != 0 and read_postmaster(self._data) is not None:
            raise self._too_slow("does not stop")
        ended = try_lock(self._server_lock, timeout=self._timeout)
        if ended is None:
            raise self._too_slow("has stopped, but a process of it has not ended")
        os.close(ended)
        if self.home not in postmaster.socket_dir.parents:
            with suppress(OSError):  # not empty: somebody else's files stay
                postmaster.socket_dir.rmdir()

    def _pg_ctl(self, installation: Installation, action: str) -> list[str | Path]:
        wait = ["--wait", f"--timeout={int(self._timeout)}", "--silent"]
        return [installation.bin_dir / "pg_ctl", action, f"--pgdata={self._data}", *wait]

    def _too_slow(self, what: str) -> Unavailable:
        return Unavailable(
            f"The embedded PostgreSQL {what} after {self._timeout:g} s.",
            where={"log": self._log_dir},
            next_step="Recovery after a crash can take long: read the log, then try again.",
        )
