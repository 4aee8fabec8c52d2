#!/bin/sh
# Runs squawk over the SQL of all migrations, rendered without a database.
set -eu
cd "$(dirname "$0")/.."
if [ ! -d src/creditd/storage/migrations/versions ]; then
    echo "squawk: no migrations"
    exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
.venv/bin/creditd migrate --sql >"$folder/migrations.sql"
.venv/bin/squawk "$folder/migrations.sql"
