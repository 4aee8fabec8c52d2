#!/bin/sh
# Fails if generated/ is not what the protos give today. Languages whose generator is not installed are not looked at, which
# is said loudly; in CI it fails.
set -eu
cd "$(dirname "$0")/.."
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT

stale=
for language in python go java typescript; do
    case $language in
    python) written= ;;
    go) written=/credit ;;
    java) written=/src/main/java/com/creditd/credit ;;
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
    echo "generated/ is stale:$stale. Run 'make clients-install generate' and commit the result" >&2
    exit 1
fi
