#!/bin/sh
# Writes the Go code of the protos into the package given: credit/, in place of what was there. The rest is written by hand.
set -eu
out=$1
cd "$(dirname "$0")/.."
needed=.venv/languages/go/protoc-gen-go-grpc
. tools/describe_protos.sh

module=github.com/creditd/creditd/generated/go
new=$out/credit.new
rm -rf "$new"
mkdir -p "$new"
# The names are split on purpose: one argument for each file.
# shellcheck disable=SC2086
protoc --plugin="protoc-gen-go=.venv/languages/go/protoc-gen-go" --plugin="protoc-gen-go-grpc=$needed" \
    --go_out="$new" --go_opt="module=$module" --go-grpc_out="$new" --go-grpc_opt="module=$module" $messages
rm -rf "$out/credit"
mv "$new/credit" "$out/credit"
rmdir "$new"
