#!/bin/sh
# Installs what `make manifests` needs, into .venv/kubernetes: kustomize, built by Go from tools/kubernetes/go.sum, and the
# schemas of Kubernetes' API with what holds manifests to them, by requirements-manifests.lock.
set -eu
cd "$(dirname "$0")/.."
environment=.venv/kubernetes
if ! cat requirements-manifests.lock tools/kubernetes/go.sum | cmp -s - "$environment/.lock"; then
    echo "Installing what requirements-manifests.lock and tools/kubernetes/go.sum name (once; half a minute)"
    .venv/bin/python -m venv --clear --without-pip "$environment"
    .venv/bin/python -m pip --python "$environment/bin/python" --disable-pip-version-check install --quiet --no-compile \
        --require-hashes --requirement requirements-manifests.lock
    (cd tools/kubernetes && GOBIN="$PWD/../../$environment/bin" go install tool)
    cat requirements-manifests.lock tools/kubernetes/go.sum >"$environment/.lock"
fi
