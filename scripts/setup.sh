#!/bin/sh
# Makes .venv and installs a lock into it; nothing happens when that lock is installed already.
# usage: sh scripts/setup.sh core|dev          PYTHON=/path/to/python chooses the interpreter
set -eu
cd "$(dirname "$0")/.."
kind=$1
lock=locks/$kind.txt
venv=.venv/bin/python

stamp() { # what has to be installed, and where: a moved environment has stale paths in its programs
    { pwd && cat "locks/$1.txt" pyproject.toml; } | sha256sum | cut -d' ' -f1
}

is_installed() {
    [ -x .venv/bin/masterflow ] && [ "$(cat ".venv/installed-$1" 2>/dev/null)" = "$(stamp "$1")" ] &&
        "$venv" -c '' >/dev/null 2>&1
}

works() { # 3.11 or newer, with what `python -m venv` needs
    "$1" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

search() {
    if [ -n "${PYTHON:-}" ]; then
        if works "$PYTHON"; then echo "$PYTHON"; fi
        return
    fi
    for candidate in python3.13 python3.12 python3.11 python3; do
        if works "$candidate"; then
            echo "$candidate"
            return
        fi
    done
}

stop() {
    echo "$1" >&2
    exit 2
}

exec 9<Makefile
flock 9 # one installation at a time
if is_installed "$kind" || { [ "$kind" = core ] && is_installed dev; }; then # dev holds all of core
    exit 0
fi

python=$(search)
if [ -z "$python" ] && [ -n "${PYTHON:-}" ]; then
    stop "PYTHON=$PYTHON is not a Python 3.11 or newer with venv: choose another, or leave PYTHON out."
fi
if [ -z "$python" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing python3-venv with apt-get ..." >&2
    { apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends python3-venv; } >&2 ||
        stop "apt-get could not install python3-venv: install Python 3.11 or newer with venv, then repeat."
    python=$(search)
fi
if [ -z "$python" ]; then
    stop "Python 3.11 or newer with venv is needed: apt-get install python3-venv (as root), or PYTHON=/path/to/python make ..."
fi

# An environment that was moved, lacks pip or whose installation was interrupted is made anew.
if [ "$(cat .venv/where 2>/dev/null)" != "$(pwd)" ] || ! "$venv" -m pip --version >/dev/null 2>&1; then
    "$python" -m venv --clear .venv
fi
echo "Installing $lock into .venv (a minute or two the first time) ..." >&2
rm -f .venv/installed-* .venv/where
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore
"$venv" -m pip install -qq --require-hashes -r "$lock"
"$venv" -m pip install -qq --no-deps --no-build-isolation --editable .
pwd >.venv/where
stamp "$kind" >.venv/installed.part
mv .venv/installed.part ".venv/installed-$kind"
