#!/bin/sh
# Fails if generated/ is not what the protos give today. Languages whose generator is not installed are not looked at, which
# is said loudly; in CI it fails. Java's code is not committed.
set -eu
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

stale=
for language in python gateway go typescript; do
    case $language in
    python | gateway) written= ;;
    go) written=/credit ;;
    typescript) written=/src/gen ;;
    esac
    sh "tools/generate_$language.sh" "$fresh/$language"
    if [ ! -d "$fresh/$language$written" ]; then
        [ -z "${CI:-}" ] || stale="$stale $language"
    elif ! diff --recursive --brief --exclude=__pycache__ "generated/$language$written" "$fresh/$language$written"; then
        stale="$stale $language"
    fi
done
.venv/bin/python tools/client_packages.py --check || stale="$stale packages"
if [ -n "$stale" ]; then
    echo "generated/ is stale:$stale. Run 'make languages-install generate' and commit the result" >&2
    exit 1
fi
