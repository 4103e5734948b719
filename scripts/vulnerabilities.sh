#!/usr/bin/env bash
# Looks for known vulnerabilities in code that the program reaches, with govulncheck at a pinned
# version. Exits with 75 when the tool or the vulnerability database is not available. Nothing was
# checked then, and the caller must say so.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh
unavailable=75
database=${GOVULNDB:-https://vuln.go.dev}
case $database in
file://*) ;;
*)
	if ! curl --silent --show-error --fail --location --max-time 10 --output /dev/null "$database/index/db.json"; then
		echo "the vulnerability database $database cannot be reached, so nothing was checked"
		exit $unavailable
	fi
	;;
esac
if ! built govulncheck golang.org/x/vuln/cmd/govulncheck v1.9.0; then
	echo "govulncheck cannot be built here, so nothing was checked"
	exit $unavailable
fi
exec "$tool" -db "$database" ./...
