#!/bin/sh
# Builds the wheel of the Python client into the folder given, from src/credit_client and generated/python.
#
# It is put together in a folder of its own, since a wheel's files have to lie below its pyproject.toml.
set -eu
mkdir -p "$1"
out=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
python=$(pwd)/.venv/bin/python
staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
cp -R LICENSE src/credit_client generated/python/credit "$staged"
find "$staged" -name __pycache__ -type d -prune -exec rm -rf {} +
mv "$staged/credit_client/README.md" "$staged"
sed "s/^version = \"0\"$/version = \"$version\"/" "$staged/credit_client/pyproject.toml" >"$staged/pyproject.toml"
rm "$staged/credit_client/pyproject.toml"
cd "$staged"
"$python" -m hatchling build --target wheel --directory "$out"
