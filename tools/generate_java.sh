#!/bin/sh
# Writes the Java code of the protos into the package given: com/creditd/credit, in place of what was there. The rest is
# written by hand.
set -eu
out=$1
cd "$(dirname "$0")/.."
needed=.venv/clients/java/protoc-gen-grpc-java
. tools/describe_protos.sh

sources=$out/src/main/java
new=$out/credit.new
rm -rf "$new"
mkdir -p "$new" "$sources/com/creditd"
# Java's part of protoc is not in Python's. What is omitted is an annotation that needs a package of its own.
# The names are split on purpose: one argument for each file.
# shellcheck disable=SC2086
.venv/clients/java/protoc --descriptor_set_in="$described" --plugin="protoc-gen-grpc-java=$needed" \
    --java_out="$new" --grpc-java_out="@generated=omit:$new" $messages
rm -rf "$sources/com/creditd/credit"
mv "$new/com/creditd/credit" "$sources/com/creditd/credit"
rm -r "$new"
