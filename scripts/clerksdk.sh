#!/usr/bin/env bash
# Runs every call of Clerk's SDK for a language against a server. The SDK for Python needs Python 3.11
# or newer with venv, the SDK for Java a JDK 17 or newer and Maven. With UPDATE=1 it writes the
# results into test/clerksdk/calls; `go test ./test/clerksdk -update` then writes the page.
# Usage: scripts/clerksdk.sh python|java
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if [ -z "${COUNTERSIGN:-}" ]; then
	CGO_ENABLED=0 go build -o "$scratch/countersign" ./cmd/countersign
	export COUNTERSIGN=$scratch/countersign
fi

python() {
	local environment
	packages clerk-python test/clerksdk/python/requirements.txt
	"$environment/bin/python" -B -W error::ResourceWarning test/clerksdk/python/test_sdk.py
	"$environment/bin/python" -B -W error::ResourceWarning test/clerksdk/python/test_start.py
}

# java compiles and runs the tests in a copy, so that no build output is in the tree.
java() {
	cp -r test/clerksdk/java "$scratch/java"
	mvn --batch-mode --quiet --file "$scratch/java/pom.xml" -Dcalls="$PWD/test/clerksdk/calls/java.txt" -Doperations="$PWD/docs/use/operations.md" -DfailIfNoTests=true test
}

case ${1:-} in
python | java) "$1" ;;
*) echo "usage: scripts/clerksdk.sh python|java" >&2 && exit 2 ;;
esac
