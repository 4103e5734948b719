#!/usr/bin/env bash
# Runs the fast tests, in about a minute, for use after each change. Go caches the results of
# packages that the change does not touch, so attacks run only when the server changed. The last
# line lists the tests that are left out.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/parts.sh

# compile type-checks and compiles all packages without linking: go list needs their export data.
compile() { go list -export ./cmd/... ./functions/... ./internal/... ./test/... >/dev/null; }

short() { COUNTERSIGN_SKIP=dynamodb,node bash scripts/packages.sh quick go test -short; }

part "format" bash scripts/format.sh
part "compile" compile
part "short tests and all attacks" short
summary 60
status=$?
echo "make quick leaves out: long and random tests (lincheck, bruteforce, takeover), the race detector, fuzzing, DynamoDB, infra, browsers and lint. make test has them"
exit $status
