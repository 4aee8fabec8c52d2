#!/bin/sh
# Installs what `make image-steps` needs: bubblewrap and mmdebstrap, of Debian.
set -eu
if command -v bwrap >/dev/null && command -v mmdebstrap >/dev/null; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "bubblewrap or mmdebstrap is not installed, and only root may install them, on Debian: sudo make image-install" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends bubblewrap mmdebstrap
