"""make, .ci/run and scripts/setup.sh, as far as they do not install anything."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TARGETS = ("run", "demo", "test", "test-fast", "lint", "fmt", "check", "clean")


@pytest.fixture
def checkout() -> Iterator[Path]:
    """What the installation reads, in a folder that every account may enter."""
    folder = Path(tempfile.mkdtemp(prefix="mf-setup-"))
    target = folder / "checkout"
    for path in (folder, target):
        path.mkdir(exist_ok=True)
        path.chmod(0o755)
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, target / name)
    for name in ("scripts", "locks", ".ci"):
        shutil.copytree(ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in target.rglob("*"):
        path.chmod(0o755)
    yield target
    shutil.rmtree(folder)


def _run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **more}
    return subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def _entries(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_plain_make_lists_the_commands(checkout: Path) -> None:
    ended = _run(checkout, "make")
    assert ended.returncode == 0
    assert [name for name in TARGETS if f"make {name} " not in ended.stdout] == []


def test_a_python_that_does_not_fit_is_refused_with_2_and_nothing_is_written(checkout: Path) -> None:
    before = _entries(checkout)
    for python in ("/bin/false", "/nowhere/python"):
        ended = _run(checkout, "make", "run", PYTHON=python)
        assert ended.returncode == 2
        assert f"PYTHON={python} is not a Python 3.11 or newer with venv" in ended.stderr
    assert _entries(checkout) == before


@pytest.mark.skipif(os.geteuid() != 0, reason="gives the checkout to another account")
def test_without_a_fitting_python_an_ordinary_user_is_told_what_to_install(checkout: Path) -> None:
    programs = checkout.parent / "programs"
    programs.mkdir()
    for name in ("sh", "make", "dirname", "cat", "sha256sum", "cut", "flock", "id", "sed", "expand"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    before = _entries(checkout)
    as_nobody = [shutil.which("setpriv") or "setpriv", "--reuid", "nobody", "--clear-groups"]
    ended = _run(checkout, *as_nobody, "make", "run", PATH=str(programs))
    assert ended.returncode == 2
    assert "apt-get install python3-venv" in ended.stderr
    assert _entries(checkout) == before


def test_an_installed_environment_is_recognised_by_the_hash_of_its_lock(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    for name in ("python", "masterflow"):
        path = checkout / ".venv" / "bin" / name
        path.write_text('#!/bin/sh\n[ "$1" = -c ] || echo started "$@"\n')
        path.chmod(0o755)
    stamp = _run(
        checkout, "sh", "-c", "{ pwd && cat locks/dev.txt pyproject.toml; } | sha256sum | cut -d' ' -f1"
    ).stdout
    (checkout / ".venv" / "installed-dev").write_text(stamp)
    ended = _run(checkout, "make", "run", PYTHON="/bin/false")
    assert ended.returncode == 0
    assert ended.stdout == "started serve\n"
    with (checkout / "locks" / "dev.txt").open("a") as lock:
        lock.write("# changed\n")
    assert _run(checkout, "make", "run", PYTHON="/bin/false").returncode == 2


def test_ci_ends_with_the_status_of_make_test(checkout: Path) -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    ended = _run(checkout, "/bin/sh", ".ci/run", PYTHON="/bin/false")
    assert ended.returncode == 2
    assert "PYTHON=/bin/false" in ended.stderr


def test_no_file_of_the_installation_names_a_package_index(checkout: Path) -> None:
    files = [checkout / "Makefile", checkout / ".ci" / "run", *checkout.glob("scripts/*"), *checkout.glob("locks/*")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files if path.is_file())
    assert re.findall(r"--(?:extra-)?index-url|--find-links|https?://\S+", text) == []
