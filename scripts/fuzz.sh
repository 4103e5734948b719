#!/usr/bin/env bash
# Runs every fuzz target of the tree for the given time.
set -euo pipefail
cd "$(dirname "$0")/.."
grep -rnoE --include='*_test.go' '^func (Fuzz[A-Za-z]+)' . | while IFS=: read -r file _ func; do
	echo "== $(dirname "$file") ${func#func }"
	go test "$(dirname "$file")" -run '^$' -fuzz "^${func#func }\$" -fuzztime "$1"
done
