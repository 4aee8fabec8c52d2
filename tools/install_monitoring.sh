#!/bin/sh
# Installs what `make alerts` and `make alerts-battery` need beyond Python: Debian's Prometheus, with promtool. Starts nothing.
set -eu
if command -v promtool >/dev/null && command -v prometheus >/dev/null; then
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    echo "Prometheus is not installed, and only root may install it: sudo make alerts-install" >&2
    exit 1
fi
if ! command -v apt-get >/dev/null; then
    echo "This is no Debian: put prometheus and promtool, 2.42 or newer, on the PATH" >&2
    exit 1
fi

# The package would start it, with a node exporter beside it, for good.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap 'rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
fi

export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends prometheus
