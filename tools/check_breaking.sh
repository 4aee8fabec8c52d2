#!/bin/sh
# Fails if the protos break a client of those that the main branch had one commit ago, where it had any.
set -eu
cd "$(dirname "$0")/.."

# A clone made by CI may have no branch of that name.
base=$(git rev-parse --quiet --verify main~1 || git rev-parse --quiet --verify HEAD~1 || true)
if [ -z "$base" ] || ! git cat-file -e "$base:protos/buf.yaml" 2>/dev/null; then
    echo "buf breaking: no earlier protos to compare with"
    exit 0
fi

before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$base" protos | tar -x -C "$before"
.venv/bin/buf breaking protos --against "$before/protos"
