#!/bin/sh
# Installs what `make shells` needs beyond Python: zsh and fish, whose completion it tries. bash is there.
set -eu
if command -v zsh >/dev/null && command -v fish >/dev/null; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "zsh or fish is not installed, and only root may install it: sudo make shells-install" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null; then
    echo "This is no Debian: install zsh and fish" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends zsh fish
