#!/usr/bin/env bash
# Checks CloudFormation templates with cfn-lint at a pinned version. Exits with 75 when Python or
# cfn-lint is not available.
# Usage: scripts/cfn-lint.sh <template...>
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh
version=1.58.0
unavailable=75
[ $# -ge 1 ] && [ -f "$1" ] || { echo "cfn-lint: no template" >&2; exit 1; }
venv=$tools/cfn-lint-$version
# A venv stops working when its Python is removed.
if [ ! -x "$venv/bin/cfn-lint" ] || ! "$venv/bin/cfn-lint" --version >/dev/null 2>&1; then
	# A venv cannot be moved, so it is made in place. pip installs cfn-lint's program last.
	if ! { python3 -m venv --clear "$venv" && "$venv/bin/pip" install -q "cfn-lint==$version"; } >/dev/null 2>&1; then
		rm -rf "$venv"
		echo "Python with cfn-lint $version is not available here"
		exit $unavailable
	fi
fi
exec "$venv/bin/cfn-lint" -t "$@"
