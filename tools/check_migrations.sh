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

# What stands before the first is Alembic's own table, and what holds for every one: the time limits. The BEGIN of each
# stands before the line that names it.
split() {
    mkdir "$folder/$1"
    awk -v folder="$folder/$1" '
        !file && /^SET .*_timeout/ { limits = limits $0 "\n" }
        /^BEGIN;$/ { begin = $0 "\n"; next }
        begin && /^$/ { next }
        /^-- Running upgrade / { file = folder "/" $NF ".sql"; printf "%s", limits > file }
        file { printf "%s", begin > file; begin = ""; print > file }
    '
}
.venv/bin/creditd migrate --sql | split ledger
.venv/bin/creditd migrate --sql --identity | split identity
.venv/bin/squawk "$folder"/ledger/*.sql "$folder"/identity/*.sql
