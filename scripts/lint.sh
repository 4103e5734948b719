#!/usr/bin/env bash
# Runs golangci-lint at a pinned version. Its govet is the part of `go vet` that `make test` has.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh
built golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint v2.5.0
exec "$tool" run --allow-parallel-runners ./...
