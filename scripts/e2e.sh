#!/usr/bin/env bash
# Runs the tests of Clerk's published SDKs and of our pages in a real browser. It needs Go, Node
# 20.19 or newer with npm, and Chromium on the PATH or named by CHROMIUM.
# With --gateway the tests of e2e/gateway.json run at the stand-in of the gateway, with all functions
# behind it, and need DYNAMODB_ENDPOINT.
# Usage: scripts/e2e.sh [--gateway] [part of a test file's path, such as pages/, ...]
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${CHROMIUM:-}" ]; then
	for name in chromium chromium-browser google-chrome; do
		if CHROMIUM=$(command -v "$name"); then break; fi
	done
fi
[ -n "${CHROMIUM:-}" ] || { echo "e2e: no Chromium on the PATH; install it (Debian: apt-get install chromium) or name it in CHROMIUM" >&2; exit 1; }
export CHROMIUM

cd e2e
# npm writes this file last, so an older or missing one means that packages are missing.
if [ ! node_modules/.package-lock.json -nt package-lock.json ]; then
	npm ci --no-audit --no-fund --loglevel=error
fi
exec node run.mjs "$@"
