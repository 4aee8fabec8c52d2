#!/bin/sh
# Fails if generated/python is not what the protos give today.
set -eu
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

sh tools/generate_python.sh "$fresh/python"
if ! diff --recursive --brief --exclude=__pycache__ generated/python "$fresh/python"; then
    echo "generated/ is stale: run 'make generate' and commit the result" >&2
    exit 1
fi
