#!/bin/sh
# Makes .venv from requirements.lock, or brings it up to date. It needs Python 3.11 or newer and nothing else.
set -eu
cd "$(dirname "$0")/.."

# A python3.x on the PATH may be a pyenv shim of a version that is not there, so each candidate is tried.
find_python() {
    for candidate in "${PYTHON:-python3.11}" python3 python3.12 python3.13 python3.14; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"
            return
        fi
    done
    echo "creditd needs Python 3.11 or newer; none was found. Install it, or name it: make setup PYTHON=/path/to/python" >&2
    return 1
}

make_venv() {
    python=$(find_python)
    echo "Making .venv with $("$python" --version)"
    "$python" -m venv --clear .venv && return
    rm -rf .venv
    echo "$python cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2
    return 1
}

# One that was moved or lost its interpreter is made anew.
.venv/bin/python -c 'import pip' 2>/dev/null || make_venv

pip() {
    .venv/bin/python -m pip --disable-pip-version-check "$@"
}
echo "Installing what requirements.lock names (once; about a minute)"
pip install --quiet --require-hashes --requirement requirements.lock
# The build backend is in the lock too, so that nothing without a hash is fetched to build ourselves.
pip install --quiet --no-deps --no-build-isolation --editable .
