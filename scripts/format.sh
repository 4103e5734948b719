#!/usr/bin/env bash
# Lists the Go files that are not formatted, and fails if one does not parse. In a repository it
# reads the files that git tracks, and new ones that git does not ignore.
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
	if [ -f "$file" ]; then found+=("$file"); fi # git lists a removed file until the commit
done < <(files)
[ ${#found[@]} -gt 0 ] || { echo "format: no Go files" >&2; exit 1; }
wrong=$(gofmt -l "${found[@]}") || { echo "format: a file does not parse" >&2; exit 1; }
[ -z "$wrong" ] || { printf 'not formatted: %s\n' $wrong; exit 1; }
