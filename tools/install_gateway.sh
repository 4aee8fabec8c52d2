#!/bin/sh
# Installs what `make gateway` runs and `make gateway-tests` tests by: Envoy, Swagger UI and Schemathesis, in an environment of
# its own, because Schemathesis needs other versions of what we serve with, and Envoy is 100 MB.
set -eu
cd "$(dirname "$0")/.."
environment=.venv/gateway
if ! cmp -s requirements-gateway.lock "$environment/.lock"; then
    echo "Installing what requirements-gateway.lock names (once; about a minute)"
    .venv/bin/python -m venv --clear "$environment"
    .venv/bin/uv pip install --quiet --python "$environment/bin/python" --require-hashes --requirements requirements-gateway.lock
    cp requirements-gateway.lock "$environment/.lock"
fi
