#!/usr/bin/env bash
# Runs every part of the tests, also after one failed, and says at the end what ran. A part whose tool is missing is skipped
# loudly; with CI=true that is a failure. What needs data or tools from elsewhere that cannot be had is left out, loudly too, and fails nothing.
set -uo pipefail
cd "$(dirname "$0")/.."

failed=() skipped=() passed=() left=()

part() { # part <name> <command...>
	local name=$1
	shift
	printf '\n==== %s\n' "$name"
	local start=$SECONDS
	if "$@"; then
		passed+=("$name ($((SECONDS - start)) s)")
	else
		failed+=("$name")
	fi
}

skip() { # skip <name> <reason>
	printf '\n==== %s\nSKIPPED: %s\n' "$1" "$2"
	if [ "${CI:-}" = true ]; then failed+=("$1: $2"); else skipped+=("$1: $2"); fi
}

leave() { # leave <name> <reason>
	printf '\n==== %s\nLEFT OUT: %s\n' "$1" "$2"
	left+=("$1: $2")
}

vulnerabilities() {
	local said
	said=$(bash scripts/vulnerabilities.sh 2>&1)
	case $? in
	0) passed+=("known weaknesses") ;;
	75) leave "known weaknesses" "$(tail -1 <<<"$said"), so nobody looked" && return ;;
	*) failed+=("known weaknesses") ;;
	esac
	printf '\n==== known weaknesses\n%s\n' "$said"
}

pages() { (cd e2e/pages && npm ci --no-audit --no-fund --loglevel=error && npm test); }

part "format" bash scripts/format.sh
part "vet" go vet ./...
part "build" env CGO_ENABLED=0 go build -trimpath -o bin/countersign ./cmd/countersign
# What needs a DynamoDB-compatible server has a part of its own below.
leftout=dynamodb
if ! command -v node >/dev/null; then
	leftout+=,node
	skip "tests of the infrastructure" "they need Node"
fi
part "tests" env COUNTERSIGN_SKIP="$leftout" go test ./...
part "fuzzing the whole handler" bash scripts/fuzz.sh 30s FuzzRequests
vulnerabilities
if [ "$(go env CGO_ENABLED)" = 1 ] && command -v "$(go env CC)" >/dev/null; then
	part "race detector" go test -race -short ./internal/mfa ./internal/history ./internal/store/... ./internal/boltstore ./internal/api ./internal/local
else
	skip "race detector" "it needs a C compiler"
fi
if command -v npm >/dev/null && [ "$(uname -sm)" = "Linux x86_64" ] || [ -n "${DYNAMODB_ENDPOINT:-}" ]; then
	part "DynamoDB conformance" bash scripts/with-dynamodb.sh go test -count=1 ./internal/dynamo ./internal/lambdalocal
else
	skip "DynamoDB conformance" "it needs npm on Linux x86_64, or DYNAMODB_ENDPOINT"
fi
if command -v npx >/dev/null; then
	part "CDK synth" make synth
else
	skip "CDK synth" "it needs Node with npm"
fi
if command -v python3 >/dev/null && python3 -m venv .tools/cfn-lint >/dev/null 2>&1 && .tools/cfn-lint/bin/pip install -q cfn-lint==1.58.0 >/dev/null 2>&1; then
	# W3005: the CDK itself repeats in DependsOn what a reference already says.
	part "CloudFormation lint" .tools/cfn-lint/bin/cfn-lint -i W3005 -t cdk.out/*.template.json
else
	leave "CloudFormation lint" "Python with cfn-lint 1.58.0 cannot be had here"
fi
browser=${CHROMIUM:-$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)}
if [ -z "$browser" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	echo "installing Chromium"
	(apt-get update && apt-get install -y --no-install-recommends chromium) >/dev/null 2>&1
	browser=$(command -v chromium || true)
fi
if ! command -v npm >/dev/null; then
	skip "Clerk's SDKs in a browser" "it needs Node with npm"
elif [ -z "$browser" ]; then
	skip "Clerk's SDKs and our pages in a browser" "no Chromium on the PATH or in CHROMIUM, and none could be installed"
else
	export CHROMIUM=$browser
	part "Clerk's SDKs in a browser" bash scripts/e2e.sh
	part "our pages in a browser" pages
fi
part "lint" bash scripts/lint.sh

printf '\n==== summary\n'
[ ${#passed[@]} = 0 ] || printf 'passed   %s\n' "${passed[@]}"
[ ${#left[@]} = 0 ] || printf 'LEFT OUT %s\n' "${left[@]}"
[ ${#skipped[@]} = 0 ] || printf 'SKIPPED  %s\n' "${skipped[@]}"
[ ${#failed[@]} = 0 ] || printf 'FAILED   %s\n' "${failed[@]}"
[ ${#failed[@]} = 0 ]
