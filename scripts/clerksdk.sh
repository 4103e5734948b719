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

# python installs the packages of requirements.txt once, in an environment that all clones share.
python() {
	local sum environment dir
	sum=$({ cat test/clerksdk/python/requirements.txt && python3 --version; } | cksum | cut -d ' ' -f 1)
	environment=$tools/clerk-python-$sum
	if [ ! -d "$environment" ]; then
		dir=$(mktemp -d "$tools/building.XXXXXX")
		# It is renamed when it is complete, so that two clones may build at once.
		python3 -m venv "$dir" &&
			"$dir/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r test/clerksdk/python/requirements.txt &&
			mv "$dir" "$environment" || { rm -rf "$dir" && return 1; }
	fi
	"$environment/bin/python" -B -W error::ResourceWarning test/clerksdk/python/test_sdk.py
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
