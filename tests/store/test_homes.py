"""Homes: where they are, whose they are, their keys, locks and the account that runs the server."""

from __future__ import annotations

import errno
import os
import pwd
import shutil
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from masterflow.errors import ConfigurationInvalid, Unavailable
from masterflow.store.embedded.accounts import (
    SYSTEM_PATH,
    Account,
    account_name,
    current_account,
    run_as,
    service_account,
)
from masterflow.store.embedded.homes import default_home, explained, prepare_home, private_directory, role_password
from masterflow.store.embedded.locks import home_locked, live_users, register_user, unregister_user
from masterflow.store.embedded.postmaster import last_error
from support.homes import needs_root


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("is_root", "environ", "expected"),
    [
        (True, {"HOME": "/root", "XDG_DATA_HOME": "/root/data"}, "/var/lib/masterflow"),
        (False, {"HOME": "/home/ann"}, "/home/ann/.local/share/masterflow"),
        (False, {"HOME": "/home/ann", "XDG_DATA_HOME": "/data/ann"}, "/data/ann/masterflow"),
        (False, {"HOME": "/home/ann", "XDG_DATA_HOME": "relative"}, "/home/ann/.local/share/masterflow"),
        (True, {"MASTERFLOW_HOME": "/srv/one"}, "/srv/one"),
        (False, {"MASTERFLOW_HOME": "/srv/one", "HOME": "/home/ann"}, "/srv/one"),
        (False, {"MASTERFLOW_HOME": "", "HOME": "/home/ann"}, "/home/ann/.local/share/masterflow"),
    ],
)
def test_the_default_home_follows_the_account_and_the_environment(
    is_root: bool, environ: dict[str, str], expected: str
) -> None:
    assert default_home(is_root=is_root, environ=environ) == Path(expected)


def test_without_any_home_the_user_is_told_what_to_set() -> None:
    with pytest.raises(ConfigurationInvalid, match="Set MASTERFLOW_HOME"):
        default_home(is_root=False, environ={})


def test_a_role_has_one_password_of_256_bits_that_only_its_owner_reads(new_home: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        passwords = set(pool.map(lambda _: role_password(new_home, "api"), range(32)))
    assert len(passwords) == 1
    assert len(passwords.pop()) == 43
    assert role_password(new_home, "worker") != role_password(new_home, "api")
    assert mode_of(new_home / "keys") == 0o700
    assert {path.name: mode_of(path) for path in (new_home / "keys").iterdir()} == {"api": 0o600, "worker": 0o600}


@pytest.mark.parametrize("role", ["", "../data", "Api", "a b", "a" * 64])
def test_a_role_name_that_could_be_a_path_is_refused(new_home: Path, role: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="lower-case letters"):
        role_password(new_home, role)


def test_a_key_that_others_may_read_or_that_is_empty_is_refused(new_home: Path) -> None:
    role_password(new_home, "api")
    key = new_home / "keys" / "api"
    key.chmod(0o644)
    with pytest.raises(ConfigurationInvalid, match=r"readable by other accounts \(mode 644\).*chmod 600"):
        role_password(new_home, "api")
    key.chmod(0o600)
    key.write_text("")
    with pytest.raises(ConfigurationInvalid, match="empty"):
        role_password(new_home, "api")


def test_a_key_that_is_a_link_is_refused(new_home: Path) -> None:
    role_password(new_home, "api")
    (new_home / "keys" / "worker").symlink_to("api")
    with pytest.raises(ConfigurationInvalid, match="symbolic links"):
        role_password(new_home, "worker")


def test_a_home_that_is_a_file_is_refused(new_home: Path) -> None:
    new_home.write_text("kept")
    with pytest.raises(ConfigurationInvalid, match=r"is a file.*Set MASTERFLOW_HOME"):
        prepare_home(new_home)
    with pytest.raises(ConfigurationInvalid, match="A file stands where a directory is needed"):
        prepare_home(new_home / "below")
    assert new_home.read_text() == "kept"


def test_a_home_that_everybody_may_write_to_is_refused(new_home: Path) -> None:
    new_home.mkdir()
    new_home.chmod(0o1777)
    with pytest.raises(ConfigurationInvalid, match="Every account of this machine may write"):
        prepare_home(new_home)
    assert mode_of(new_home) == 0o1777


def test_missing_parents_are_made_and_those_found_keep_their_mode(parent: Path) -> None:
    prepare_home(parent / "one" / "two")
    assert mode_of(parent) == 0o755
    assert mode_of(parent / "one") == (0o755 if os.geteuid() == 0 else 0o700)


@needs_root
def test_root_opens_an_empty_home_to_its_service_account_but_no_directory_in_use(parent: Path) -> None:
    for name in ("empty", "used"):
        (parent / name).mkdir(mode=0o700)
    (parent / "used" / "letter.txt").touch()
    for _ in range(2):
        prepare_home(parent / "empty")
        prepare_home(parent / "used")
    assert (mode_of(parent / "empty"), mode_of(parent / "used")) == (0o711, 0o700)


@needs_root
def test_an_account_without_useradd_falls_back_to_one_that_runs_nothing() -> None:
    try:
        games = pwd.getpwnam("games")
    except KeyError:
        pytest.skip("this machine has no account games")
    options = {"fallback": "games", "search_path": "/nonexistent"}
    assert service_account("mf-absent", **options).uid == games.pw_uid
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE, user=games.pw_uid) as running:
        with pytest.raises(ConfigurationInvalid, match="useradd --system mf-absent"):
            service_account("mf-absent", **options)
        running.communicate()
    with pytest.raises(ConfigurationInvalid, match="refuses to run as root"):
        service_account("mf-absent", fallback="mf-absent", search_path="/nonexistent")
    with pytest.raises(ConfigurationInvalid, match="refuses to run as root"):
        service_account("root")


@needs_root
@pytest.mark.skipif(shutil.which("useradd", path=SYSTEM_PATH) is None, reason="useradd is not installed")
def test_a_missing_account_is_made_as_a_system_account_without_login() -> None:
    name = f"mf-test-{os.getpid()}"
    try:
        made = service_account(name)
        entry = pwd.getpwnam(name)
        assert (made.uid, made.name) == (entry.pw_uid, account_name(entry.pw_uid))
        assert 0 < entry.pw_uid < 1000
        assert entry.pw_shell.endswith("nologin")
        assert service_account(name) == made
    finally:
        subprocess.run(["userdel", name], check=True, stderr=subprocess.DEVNULL, env={"PATH": SYSTEM_PATH})


def test_a_program_runs_in_a_session_of_its_own() -> None:
    answer = run_as(current_account(), [sys.executable, "-c", "import os; print(os.getsid(0), os.getpid())"])
    session, program = answer.stdout.split()
    assert session == program


def test_an_account_number_without_a_name_stands_for_itself() -> None:
    assert account_name(3_999_999_999) == "3999999999"


def test_a_private_directory_replaces_neither_a_file_nor_a_link(parent: Path) -> None:
    me = Account("me", os.geteuid(), os.getegid())
    (parent / "file").touch()
    (parent / "link").symlink_to(parent)
    for name in ("file", "link"):
        with pytest.raises(ConfigurationInvalid, match="A file stands"), explained(parent):
            private_directory(parent / name, me)


def test_only_one_process_at_a_time_starts_or_stops(new_home: Path) -> None:
    prepare_home(new_home)
    with (
        home_locked(new_home, timeout=1),
        pytest.raises(Unavailable, match="Another process"),
        home_locked(new_home, timeout=0.05),
    ):
        pass
    with home_locked(new_home, timeout=0):
        pass


def test_a_waiting_process_gets_the_lock_when_it_is_free(new_home: Path) -> None:
    prepare_home(new_home)
    got = threading.Event()

    def wait() -> None:
        with home_locked(new_home, timeout=10):
            got.set()

    with home_locked(new_home, timeout=1):
        waiter = threading.Thread(target=wait)
        waiter.start()
        assert not got.wait(0.05)
    waiter.join()
    assert got.is_set()


def test_a_user_counts_until_it_lets_go(new_home: Path) -> None:
    prepare_home(new_home)
    registrations = [register_user(new_home), register_user(new_home)]
    (new_home / "users" / "1-dead").touch()
    assert live_users(new_home) == (os.getpid(), os.getpid())
    assert (new_home / "users" / "1-dead").exists()
    for registration in registrations:
        unregister_user(registration)
    assert live_users(new_home, remove_stale=True) == ()
    assert not list((new_home / "users").iterdir())


def test_an_unexpected_error_of_the_system_says_where_and_what_to_do(new_home: Path) -> None:
    with pytest.raises(Unavailable, match=rf"Input/output error.*path {new_home}.*repair"), explained(new_home):
        raise OSError(errno.EIO, os.strerror(errno.EIO))


def test_the_last_error_of_the_log_comes_with_the_line_before_it(parent: Path) -> None:
    assert last_error(parent) == ""
    (parent / "startup.log").write_text(
        "2026-01-02 03:04:05.678 UTC [12] LOG:  first\n"
        "2026-01-02 03:04:05.678 UTC [12] LOG:  cause\n"
        "2026-01-02 03:04:05.678 UTC [12] ann@db FATAL:  effect\n"
        "2026-01-02 03:04:05.678 UTC [12] LOG:  last\n"
    )
    assert last_error(parent) == "LOG:  cause; FATAL:  effect"
