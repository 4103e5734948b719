#!/usr/bin/env bash
# Lists the packages of parts of the tests, or runs a command with them as its last arguments:
# scripts/packages.sh <part,...> [command...] The parts are race, both, plain, dynamodb and infra.
# Each package is in one of them, and one that is new is in plain.
set -euo pipefail
cd "$(dirname "$0")/.."
module=$(go list -m)

# What runs at once in a server, whole and under the race detector only: a test that passes there
# passes without it.
race="$module/internal/(domain/.*|store|store/storetest|store/boltstore|api|local)"
# What is too slow for that: the short tests under the race detector, and all of them without.
both="$module/test/lincheck"
# What needs a DynamoDB-compatible server, and the real functions that need one.
dynamodb="$module/(internal/store/dynamo|test/lambdalocal)"
# The CDK: most of what a cold compiler has to do.
infra="$module/infra"

all=$(go list ./...)
list() {
	case $1 in
	race | both | dynamodb | infra) grep -xE "${!1}" <<<"$all" ;;
	plain) grep -vxE "$race|$both|$dynamodb|$infra" <<<"$all" ;;
	*) echo "packages: there is no part '$1'" >&2 && return 2 ;;
	esac
}

found=()
for part in $(tr , ' ' <<<"${1:-none}"); do
	listed=$(list "$part") # by itself, or its failure would be lost
	found+=($listed)
done
shift
if [ $# -gt 0 ]; then exec "$@" "${found[@]}"; fi
printf '%s\n' "${found[@]}"
