#!/bin/sh
# Runs squawk over the SQL of each migration, rendered without a database.
#
# A file for each, because squawk rightly allows anything on a table that the same file makes: in one file with the
# first migration, no later one could do wrong.
set -eu
cd "$(dirname "$0")/.."
if [ ! -d src/creditd/storage/migrations/versions ]; then
    echo "squawk: no migrations"
    exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
.venv/bin/creditd migrate --sql >"$folder/all"

# What stands before the first is Alembic's own table, and what holds for every one: the transaction, the time limits.
awk -v folder="$folder" '
    !file && (/^BEGIN;$/ || /^SET LOCAL .*_timeout/) { opening = opening $0 "\n" }
    /^-- Running upgrade / && file { print "COMMIT;" > file }
    /^-- Running upgrade / { file = folder "/" $NF ".sql"; printf "%s", opening > file }
    file { print > file }
' "$folder/all"
.venv/bin/squawk "$folder"/*.sql
