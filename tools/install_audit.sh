#!/bin/sh
# Installs what `make sbom`, `make licences` and `make audit` need, into .venv/audit; and into .venv/audit/runtime what a server
# runs, and nothing else, as the image has it: that is what they look at.
set -eu
cd "$(dirname "$0")/.."
environment=.venv/audit
install() {
    .venv/bin/python -m venv --clear --without-pip "$1"
    .venv/bin/python -m pip --python "$1/bin/python" --disable-pip-version-check install --quiet --no-compile --require-hashes \
        --requirement "$2"
}
if ! cat requirements-audit.lock requirements-runtime.lock | cmp -s - "$environment/.lock"; then
    echo "Installing what requirements-audit.lock and requirements-runtime.lock name (once; half a minute)"
    install "$environment" requirements-audit.lock
    install "$environment/runtime" requirements-runtime.lock
    cat requirements-audit.lock requirements-runtime.lock >"$environment/.lock"
fi
