#!/bin/sh
# Runs the self-test of the transport on the oldest grpcio that pyproject.toml allows and on the newest one that there is,
# each in a folder of its own: the layer that the transport rests on is private, and may change with any release.
set -eu
oldest=$(sed -n 's/^ *"grpcio>=\(.*\)",$/\1/p' pyproject.toml)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for requirement in "grpcio==$oldest" grpcio; do
    .venv/bin/python -m pip --disable-pip-version-check install --quiet --no-deps --target "$folder/$requirement" "$requirement"
    PYTHONPATH="$folder/$requirement:src:generated/python" .venv/bin/python -m creditd.server.transport.self_test
done
