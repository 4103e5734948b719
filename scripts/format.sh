#!/usr/bin/env bash
# Says which Go files are not formatted, or do not parse. In a repository that is all that git knows and all that is new and not ignored.
set -euo pipefail
cd "$(dirname "$0")/.."

files() {
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files -z --cached --others --exclude-standard -- '*.go'
	else
		find . -name node_modules -prune -o -name '*.go' -print0
	fi
}

found=()
while IFS= read -r -d '' file; do
	if [ -f "$file" ]; then found+=("$file"); fi # one that was removed and is not committed is still listed
done < <(files)
[ ${#found[@]} -gt 0 ] || { echo "format: no Go files" >&2; exit 1; }
wrong=$(gofmt -l "${found[@]}") || { echo "format: a file does not parse" >&2; exit 1; }
[ -z "$wrong" ] || { printf 'not formatted: %s\n' $wrong; exit 1; }
