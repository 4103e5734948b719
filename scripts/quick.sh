#!/usr/bin/env bash
# The tests of a minute, for after each change: those that are fast. Go keeps the results of
# packages on which the change has no influence, so what attacks a server runs when something of
# the server changed. The last line says what it leaves out.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/parts.sh

# Compiled, and not linked: a list with export data is the least that needs all of the compiler's
# answers.
compile() { go list -export ./cmd/... ./functions/... ./internal/... ./test/... >/dev/null; }

short() { COUNTERSIGN_SKIP=dynamodb,node bash scripts/packages.sh quick go test -short; }

part "format" bash scripts/format.sh
part "compile" compile
part "short tests and all attacks" short
summary 60
status=$?
echo "make quick leaves out: long and random tests (lincheck, bruteforce, takeover), the race detector, fuzzing, DynamoDB, infra, browsers and lint. make test has them"
exit $status
