#!/usr/bin/env bash
# Runs fuzz targets for the given time each: all of the tree, or those whose name is given. An input that breaks a law is kept by Go under
# testdata/fuzz of its package: it goes into the repository with the fix.
set -euo pipefail
cd "$(dirname "$0")/.."
grep -rnoE --include='*_test.go' '^func (Fuzz[A-Za-z]+)' . | while IFS=: read -r file _ func; do
	name=${func#func }
	if [ -n "${2:-}" ] && [ "$name" != "$2" ]; then continue; fi
	echo "== $(dirname "$file") $name"
	go test "$(dirname "$file")" -run '^$' -fuzz "^$name\$" -fuzztime "$1"
done
