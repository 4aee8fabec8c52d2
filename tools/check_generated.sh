#!/bin/sh
# Fails if generated/ is not what the protos give today.
set -eu
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

sh tools/generate_python.sh "$fresh/python"
sh tools/generate_gateway.sh "$fresh/gateway"
for part in python gateway; do
    if ! diff --recursive --brief --exclude=__pycache__ "generated/$part" "$fresh/$part"; then
        echo "generated/ is stale: run 'make generate' and commit the result" >&2
        exit 1
    fi
done
