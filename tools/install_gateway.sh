#!/bin/sh
# Installs what `make gateway` runs and `make gateway-tests` tests by: Envoy, Swagger UI and Schemathesis, in an environment of
# its own, so that none of them bears on the versions that we serve with. And curl, as root on Debian, for the document's examples.
set -eu
cd "$(dirname "$0")/.."
environment=.venv/gateway
if ! cmp -s requirements-gateway.lock "$environment/.lock"; then
    echo "Installing what requirements-gateway.lock names (once; about a minute)"
    .venv/bin/python -m venv --clear --without-pip "$environment"
    # By pip, which knows the authorities of the machine as `make setup` does. Most of it is never imported, nor compiled so.
    .venv/bin/python -m pip --python "$environment/bin/python" --disable-pip-version-check install --quiet --no-compile \
        --require-hashes --requirement requirements-gateway.lock
    cp requirements-gateway.lock "$environment/.lock"
fi
if ! command -v curl >/dev/null && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends curl
fi
