#!/bin/sh
# Writes the Python code of the protos into the folder given, in place of what was there.
#
# Only credit/v1 is written. google/rpc comes with googleapis-common-protos, and a second copy would clash with that one.
# buf/validate and google/api are imported by nothing: rules and paths stay in the descriptors, where protovalidate reads
# them, but what only calls needs no package for them. The gRPC part is written only for files that declare a service,
# because the plugin writes an empty module for any other.
#
# Code that protoc writes refuses to load on a protobuf that is older than protoc, and gRPC's likewise. So it is written by
# releases that callers can meet (docs/clients.md), from an environment of their own beside the newer ones that serve.
set -eu
out=$1
cd "$(dirname "$0")/.."
bin=.venv/bin
generator=.venv/generator

if ! cmp -s requirements-generate.lock "$generator/.lock"; then
    "$bin/python" -m venv --clear "$generator"
    "$generator/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement requirements-generate.lock
    cp requirements-generate.lock "$generator/.lock"
fi

# Written beside and then moved, so that a failure leaves the old code as it was.
new=$out.new
rm -rf "$new"
mkdir -p "$new"
described=$(mktemp)
trap 'rm -f "$described"' EXIT
"$bin/buf" build protos --as-file-descriptor-set --output -#format=binpb | "$bin/python" tools/without_rules.py >"$described"

protoc() {
    "$generator/bin/python" -m grpc_tools.protoc --descriptor_set_in="$described" "$@"
}
messages=$(cd protos && find credit -name '*.proto' | LC_ALL=C sort)
services=$(cd protos && grep -rlE '^service ' --include='*.proto' credit | LC_ALL=C sort)

# The names are split on purpose: one argument for each file.
# shellcheck disable=SC2086
protoc --python_out="$new" --pyi_out="$new" $messages
# shellcheck disable=SC2086
protoc --plugin="protoc-gen-mypy_grpc=$bin/protoc-gen-mypy_grpc" \
    --grpc_python_out="$new" --mypy_grpc_out="quiet:$new" $services
touch "$new/credit/py.typed"
rm -rf "$out"
mv "$new" "$out"
