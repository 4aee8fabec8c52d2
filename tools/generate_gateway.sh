#!/bin/sh
# Writes what the gateway reads of the protos into the folder given: for Envoy their descriptors, with all that they import, and
# for people and programs the description of the API over HTTP.
set -eu
out=$1
cd "$(dirname "$0")/.."
new=$out.new
rm -rf "$new"
mkdir -p "$new"
.venv/bin/buf build protos --as-file-descriptor-set --exclude-source-info --output "$new/credit.binpb"
.venv/bin/buf build protos --as-file-descriptor-set --output -#format=binpb | .venv/bin/python -m tools.openapi >"$new/openapi.json"
rm -rf "$out"
mv "$new" "$out"
