#!/usr/bin/env bash
# Runs every part of the tests, also after one failed, and lists at the end which parts ran and how
# long. A part whose tool is missing is listed as SKIPPED; with CI=true that is a failure. A part
# whose remote data or tools are not available is listed as LEFT OUT, which is no failure. Two lanes
# run at once, because browsers mostly wait and compilers never do. scripts/packages.sh says which
# packages belong to which part.
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/parts.sh

budget=720 # seconds for two quiet cores, from a clean clone

# go_lane runs the parts that need only Go. Where the DynamoDB part is skipped, the other tests of
# its packages run here.
go_lane() {
	local without= # the packages of a skipped part, which run here
	export COUNTERSIGN_SKIP=dynamodb,node
	dynamodb || without=,dynamodb
	if [ "$(go env CGO_ENABLED)" = 1 ] && command -v "$(go env CC)" >/dev/null; then
		part "race detector" bash scripts/packages.sh race go test -count=1 -race -short
	else
		skip "race detector" "it needs a C compiler"
	fi
	part "tests" bash scripts/packages.sh "plain$without" go test -count=1
	part "fuzzing the whole handler" bash scripts/fuzz.sh 10s FuzzRequests
	part "lint" bash scripts/lint.sh
	may "known vulnerabilities" bash scripts/vulnerabilities.sh
}

# node_lane runs the browsers first, because they take longest.
node_lane() {
	if ! command -v npm >/dev/null; then
		skip "Clerk's SDKs and our pages in a browser" "it needs Node with npm"
	elif ! browser; then
		skip "Clerk's SDKs and our pages in a browser" "no Chromium on the PATH or in CHROMIUM, and none could be installed"
	else
		part "our pages in a browser" bash scripts/e2e.sh pages/
		part "Clerk's SDKs in a browser" bash scripts/e2e.sh sdk/ start/
		if dynamodb; then
			part "journeys through the gateway and all functions" bash scripts/with-dynamodb.sh bash scripts/e2e.sh --gateway
		else
			skip "journeys through the gateway and all functions" "it needs npm on Linux x86_64, or DYNAMODB_ENDPOINT"
		fi
	fi
	if python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
		part "Clerk's SDK for Python" bash scripts/clerksdk.sh python
		part "requests made from the OpenAPI document" bash scripts/contract.sh
	else
		skip "Clerk's SDK for Python" "it needs Python 3.11 or newer, with venv"
		skip "requests made from the OpenAPI document" "it needs Python 3.11 or newer, with venv"
	fi
	if command -v mvn >/dev/null && javac --release 17 -version >/dev/null 2>&1; then
		part "Clerk's SDK for Java" bash scripts/clerksdk.sh java
	else
		skip "Clerk's SDK for Java" "it needs Maven and a JDK of version 17 or newer"
	fi
	if dynamodb; then
		part "DynamoDB conformance" bash scripts/with-dynamodb.sh bash scripts/packages.sh dynamodb go test -count=1
	else
		skip "DynamoDB conformance" "it needs npm on Linux x86_64, or DYNAMODB_ENDPOINT"
	fi
	if command -v npx >/dev/null; then
		part "infrastructure" bash scripts/packages.sh infra go test -count=1
		part "CDK synth" synth
		may "CloudFormation lint" bash scripts/cfn-lint.sh "$parts"/cdk.out/*.template.json
	else
		skip "infrastructure" "it needs Node with npm"
	fi
}

# dynamodb says whether there is a DynamoDB-compatible server, or one can be started.
dynamodb() { command -v npm >/dev/null && [ "$(uname -sm)" = "Linux x86_64" ] || [ -n "${DYNAMODB_ENDPOINT:-}" ]; }

# browser sets CHROMIUM to a browser that it finds or installs, or fails.
browser() {
	CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
	if [ -z "$CHROMIUM" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		(apt-get update && apt-get install -y --no-install-recommends chromium) >/dev/null 2>&1
		CHROMIUM=$(command -v chromium || true)
	fi
	export CHROMIUM
	[ -n "$CHROMIUM" ]
}

# synth runs the CDK's own command line as a deployment does, but with stand-ins for the functions'
# zips, because linking all functions for arm64 takes most of the time. The tests of infra/bundle
# build real zips, and the DynamoDB part links and runs every function. `make night` runs `make
# synth` with real zips.
synth() {
	local f
	mkdir "$parts/zips"
	for f in functions/*/; do
		basename "$f" >"$parts/zips/$(basename "$f").zip"
	done
	make synth ZIPS="$parts/zips" OUT="$parts/cdk.out"
}

part "format" bash scripts/format.sh
part "build" env CGO_ENABLED=0 go build -trimpath -o bin/countersign ./cmd/countersign
export COUNTERSIGN=$PWD/bin/countersign # for the tests of Clerk's SDKs
lanes go_lane node_lane
summary "$budget"
