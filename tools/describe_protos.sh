# Read by the scripts that write code from the protos, in the root of the repository and after `set -eu`. It gives
# $described, a descriptor set without rules and paths; $messages and $services, files of ours; and protoc, which plugins for
# other languages are given to as well.
#
# Only what is in credit/ is written. google/rpc comes from the package that its owners publish for each language, and a second copy
# would clash with that one. buf/validate and google/api are imported by nothing: rules and paths stay in the descriptors,
# where protovalidate reads them, but what only calls needs no package for them.
#
# Code that protoc writes refuses to load on a protobuf that is older than protoc, and gRPC's likewise. So it is written by
# releases that callers can meet (docs/clients.md), from an environment of their own beside the newer ones that serve.
#
# Other languages than Python say beforehand what they need that `make languages-install` brings: $needed. If it is not there,
# the script says so loudly and ends without an error: whoever changes the protos need not have all languages. In CI all are
# there, and what is stale fails (tools/check_generated.sh).
# shellcheck shell=sh disable=SC2034
if [ -n "${needed:-}" ] && [ ! -e "$needed" ]; then
    echo "!!! $0 writes NOTHING: there is no $needed. Run 'make languages-install'." >&2
    exit 0
fi
bin=.venv/bin
generator=.venv/generator

if ! cmp -s requirements-generate.lock "$generator/.lock"; then
    "$bin/python" -m venv --clear "$generator"
    "$generator/bin/pip" install --quiet --disable-pip-version-check --require-hashes --requirement requirements-generate.lock
    cp requirements-generate.lock "$generator/.lock"
fi

described=$(mktemp)
trap 'rm -f "$described"' EXIT
"$bin/buf" build protos --as-file-descriptor-set --output -#format=binpb | "$bin/python" tools/without_rules.py >"$described"

protoc() {
    "$generator/bin/python" -m grpc_tools.protoc --descriptor_set_in="$described" "$@"
}
messages=$(cd protos && find credit -name '*.proto' | LC_ALL=C sort)
services=$(cd protos && grep -rlE '^service ' --include='*.proto' credit | LC_ALL=C sort)
