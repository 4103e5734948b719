#!/usr/bin/env bash
# Looks for known weaknesses that the program reaches, with govulncheck at a pinned version, built once into .tools. Exits with 75 when the
# tool or the database of weaknesses cannot be had: then nothing was looked at, and whoever calls must say so.
set -uo pipefail
cd "$(dirname "$0")/.."
version=v1.9.0
tool=.tools/govulncheck-$version
unavailable=75
if [ ! -x "$tool" ]; then
	mkdir -p .tools
	if ! GOBIN="$PWD/.tools" CGO_ENABLED=0 go install "golang.org/x/vuln/cmd/govulncheck@$version"; then
		echo "govulncheck $version cannot be built here"
		exit $unavailable
	fi
	mv .tools/govulncheck "$tool"
fi
database=${GOVULNDB:-https://vuln.go.dev}
case $database in
file://*) ;;
*)
	if ! curl --silent --show-error --fail --location --max-time 10 --output /dev/null "$database/index/db.json"; then
		echo "the database of weaknesses, $database, cannot be reached"
		exit $unavailable
	fi
	;;
esac
exec "$tool" -db "$database" ./...
