#!/bin/sh
# Writes the TypeScript code of the protos into the package given: src/gen, in place of what was there. The rest is written
# by hand.
set -eu
out=$1
cd "$(dirname "$0")/.."
needed=generated/typescript/node_modules/.bin/protoc-gen-es
. tools/describe_protos.sh

new=$out/gen.new
rm -rf "$new"
mkdir -p "$new" "$out/src"
# Modules have no common registry, so that google/rpc is written along.
foreign=$(cd protos && find google/rpc -name '*.proto' | LC_ALL=C sort)
# The names are split on purpose: one argument for each file.
# shellcheck disable=SC2086
protoc --plugin="protoc-gen-es=$needed" --es_out="$new" --es_opt=target=ts,import_extension=js $messages $foreign
rm -rf "$out/src/gen"
mv "$new" "$out/src/gen"
