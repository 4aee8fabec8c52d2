#!/bin/sh
# Installs what `make browser` needs beyond Python: Debian's Chromium and fonts for all languages of the console. And
# Playwright with axe-core into .venv, which `make setup` leaves out: its driver alone is larger than all else there.
set -eu
if ! [ -x /usr/bin/chromium ]; then
    if [ "$(id -u)" -ne 0 ]; then
        echo "Chromium is not installed, and only root may install it: sudo make browser-install" >&2
        exit 1
    fi
    if ! command -v apt-get >/dev/null; then
        echo "This is no Debian: install Chromium as /usr/bin/chromium" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends chromium fonts-noto-core
fi
.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes --requirements requirements-browser.lock
