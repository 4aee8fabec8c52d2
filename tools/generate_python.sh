#!/bin/sh
# Writes the Python code of the protos into the folder given, in place of what was there.
#
# The gRPC part is written only for files that declare a service, because the plugin writes an empty module for any other.
set -eu
out=$1
cd "$(dirname "$0")/.."
. tools/describe_protos.sh

# Written beside and then moved, so that a failure leaves the old code as it was.
new=$out.new
rm -rf "$new"
mkdir -p "$new"
# The names are split on purpose: one argument for each file.
# shellcheck disable=SC2086
protoc --python_out="$new" --pyi_out="$new" $messages
# shellcheck disable=SC2086
protoc --plugin="protoc-gen-mypy_grpc=$bin/protoc-gen-mypy_grpc" \
    --grpc_python_out="$new" --mypy_grpc_out="quiet:$new" $services
touch "$new/credit/py.typed"
rm -rf "$out"
mv "$new" "$out"
