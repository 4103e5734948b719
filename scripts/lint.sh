#!/usr/bin/env bash
# Runs golangci-lint at a pinned version, built once into .tools.
set -euo pipefail
cd "$(dirname "$0")/.."
version=v2.5.0
tool=.tools/golangci-lint-$version
if [ ! -x "$tool" ]; then
	echo "building golangci-lint $version (once, some minutes)"
	mkdir -p .tools
	GOBIN="$PWD/.tools" CGO_ENABLED=0 go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"
	mv .tools/golangci-lint "$tool"
fi
exec "$tool" run --allow-parallel-runners ./...
