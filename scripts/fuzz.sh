#!/usr/bin/env bash
# Runs all fuzz targets, or those with the given name, for the given time each. It fails when no
# target has the name. Go keeps an input that breaks a law under testdata/fuzz of its package:
# commit the input with the fix.
# Usage: scripts/fuzz.sh <time> [FuzzName]
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { echo "usage: scripts/fuzz.sh <time> [FuzzName]" >&2; exit 2; }
ran=0
while IFS=: read -r file _ func; do
	name=$(sed -E 's/^func (Fuzz[A-Za-z0-9_]+)\(.*/\1/' <<<"$func")
	if [ -n "${2:-}" ] && [ "$name" != "$2" ]; then continue; fi
	echo "== $(dirname "$file") $name"
	go test "$(dirname "$file")" -run '^$' -fuzz "^$name\$" -fuzztime "$1" </dev/null
	ran=$((ran + 1))
done < <(grep -rnE --include='*_test.go' --exclude-dir=node_modules '^func Fuzz[A-Za-z0-9_]+\(' .)
[ "$ran" -gt 0 ] || { echo "fuzz: no target is named ${2:-Fuzz...}" >&2; exit 1; }
