#!/bin/sh
# Fails if the protos, or those in the folder given, break a client of the API as it was last released, which is
# protos/released.binpb. tools/release_api.sh renews that.
set -eu
cd "$(dirname "$0")/.."
.venv/bin/buf breaking "${1:-protos}" --against protos/released.binpb
