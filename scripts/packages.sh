#!/usr/bin/env bash
# Lists the packages of parts of the tests, or runs a command with them as its last arguments. Each
# package is in plain, dynamodb or infra; a new one is in plain. A package of plain may be in race
# and in quick, too.
# Usage: scripts/packages.sh <part,...> [command...]
set -euo pipefail
cd "$(dirname "$0")/.."

# Packages that serve or send many requests at once.
race="./internal/domain/... ./internal/store ./internal/store/storetest ./internal/store/boltstore ./internal/api/... ./internal/local ./internal/ops/clerkimport ./test/lincheck"
# Packages that need a DynamoDB-compatible server.
dynamodb="./internal/store/dynamo ./internal/aws/restore ./test/lambdalocal"
# The AWS CDK takes most of the time of a compilation from scratch.
infra="./infra"
# Packages that take long even with -short.
slow="./internal/ops/bruteforce ./test/lincheck ./test/takeover"

all=$(go list ./...)
module=$(awk '$1 == "module" { print $2 }' go.mod)

# named lists the packages of patterns, and fails when one has none.
named() {
	local pattern
	for pattern in $1; do
		grep -xE "$(sed "s,^\.,$module,; s,/\.\.\.\$,(/.*)?," <<<"$pattern")" <<<"$all" ||
			{ echo "packages: there is no $pattern" >&2 && return 1; }
	done
}

# without lists all packages but those of patterns.
without() {
	local out
	out=$(named "$1") && grep -vxF "$out" <<<"$all"
}

list() {
	case $1 in
	race) named "$race" ;;
	dynamodb) named "$dynamodb" ;;
	infra) named "$infra" ;;
	plain) without "$dynamodb $infra" ;;
	quick) without "$dynamodb $infra $slow" ;;
	*) echo "packages: there is no part '$1'" >&2 && return 2 ;;
	esac
}

found=()
for part in $(tr , ' ' <<<"${1:-none}"); do
	listed=$(list "$part") # as its own command, or set -e would not see its failure
	found+=($listed)
done
shift
if [ $# -gt 0 ]; then exec "$@" "${found[@]}"; fi
printf '%s\n' "${found[@]}"
