#!/usr/bin/env bash
# Runs a command with DYNAMODB_ENDPOINT naming a DynamoDB-compatible server: the one that it names already, else dynoxide (MIT or
# Apache-2.0), fetched once from npm at a pinned version, checked, and stopped when the command ends.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.2.1
sum=b011ea97127d00d90b96e1646117dde6bf18d00a457b0e0584eae5860440803e17cc4a053ae904a359ee053435fa34eda1fab09f83564369344e7e663538e052
tool=.tools/dynoxide-$version

if [ -z "${DYNAMODB_ENDPOINT:-}" ]; then
	if [ ! -x "$tool" ]; then
		mkdir -p .tools/unpack
		(cd .tools/unpack && npm pack --silent "@dynoxide/linux-x64@$version" >/dev/null)
		echo "$sum  .tools/unpack/dynoxide-linux-x64-$version.tgz" | sha512sum --check --quiet
		tar -xzf ".tools/unpack/dynoxide-linux-x64-$version.tgz" -C .tools/unpack package/dynoxide
		mv .tools/unpack/package/dynoxide "$tool"
		rm -r .tools/unpack
		chmod +x "$tool"
	fi
	port=${DYNAMODB_PORT:-39512}
	"$tool" --port "$port" >/dev/null 2>&1 &
	server=$!
	trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT
	export DYNAMODB_ENDPOINT="http://127.0.0.1:$port"
	for _ in $(seq 100); do
		if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
		kill -0 "$server" 2>/dev/null || { echo "dynoxide did not start; is port $port taken? Set DYNAMODB_PORT."; exit 1; }
		sleep 0.05
	done
fi
"$@"
