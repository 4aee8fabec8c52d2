#!/bin/sh
# Writes the Java code of the protos into the package given: com/creditd/credit, in place of what was there, unless that is
# the same: it would be compiled anew, which takes a minute. The rest is written by hand.
set -eu
out=$1
cd "$(dirname "$0")/.."
needed=.venv/languages/java/protoc
. tools/describe_protos.sh

sources=$out/src/main/java
new=$out/credit.new
rm -rf "$new"
mkdir -p "$new" "$sources/com/creditd"
# The names are split on purpose: one argument for each file.
# shellcheck disable=SC2086
"$needed" --descriptor_set_in="$described" --plugin=protoc-gen-grpc-java=/usr/bin/grpc_java_plugin \
    --java_out="$new" --grpc-java_out="$new" $messages
# An annotation of each stub needs a package of its own, and tells nothing.
find "$new" -name '*Grpc.java' -exec sed -i '/^@javax.annotation.Generated($/,/^    comments = .*)$/d' {} +
if ! diff --recursive --brief "$new/com/creditd/credit" "$sources/com/creditd/credit" >/dev/null 2>&1; then
    rm -rf "$sources/com/creditd/credit"
    mv "$new/com/creditd/credit" "$sources/com/creditd/credit"
fi
rm -r "$new"
