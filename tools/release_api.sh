#!/bin/sh
# Writes protos/released.binpb, the API that clients are promised from now on, from the protos as they are.
#
# It refuses a change that breaks a client of the last one. Within credit.v1 there is none: what cannot be added becomes a
# package of its own, credit.v2, which begins with no promise, while credit.v1 stays in the image and is served as long as
# it has callers. BREAK=1 renews the image all the same, for what was never released.
set -eu
cd "$(dirname "$0")/.."
if [ -z "${BREAK:-}" ]; then
    sh tools/check_breaking.sh
fi
.venv/bin/buf build protos --path protos/credit --exclude-source-info --output protos/released.binpb
