#!/usr/bin/env bash
# Runs a command with DYNAMODB_ENDPOINT set to a DynamoDB-compatible server. If the variable is not
# set yet, the script starts dynoxide (MIT or Apache-2.0) and stops it when the command ends. It
# fetches dynoxide once from npm, at a pinned version, and checks its hash.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.2.1
sum=b011ea97127d00d90b96e1646117dde6bf18d00a457b0e0584eae5860440803e17cc4a053ae904a359ee053435fa34eda1fab09f83564369344e7e663538e052
. scripts/tools.sh
tool=$tools/dynoxide-$version

if [ -z "${DYNAMODB_ENDPOINT:-}" ]; then
	if [ ! -x "$tool" ]; then
		unpack=$(mktemp -d "$tools/unpack.XXXXXX")
		(cd "$unpack" && npm pack --silent "@dynoxide/linux-x64@$version" >/dev/null)
		echo "$sum  $unpack/dynoxide-linux-x64-$version.tgz" | sha512sum --check --quiet
		tar -xzf "$unpack/dynoxide-linux-x64-$version.tgz" -C "$unpack" package/dynoxide
		chmod +x "$unpack/package/dynoxide"
		mv "$unpack/package/dynoxide" "$tool" # at once, so that no clone runs a part of it
		rm -r "$unpack"
	fi
	server=
	trap '[ -z "$server" ] || { kill "$server" && wait "$server"; } 2>/dev/null || true' EXIT
	# start <port> starts the server and waits until it answers. It fails when the server ends, as
	# it does when the port is taken.
	start() {
		"$tool" --port "$1" >/dev/null 2>&1 &
		server=$!
		for _ in $(seq 400); do
			if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; then
				sleep 0.1 # if another program took the port first, ours has ended by now
				kill -0 "$server" 2>/dev/null && return 0
			fi
			kill -0 "$server" 2>/dev/null || return 1
			sleep 0.05
		done
		return 1
	}
	# Linux gives ports from 32768 on to outgoing connections, so a lower port without a listener is
	# free, unless another program takes it first.
	started=
	for _ in $(seq 20); do
		port=${DYNAMODB_PORT:-$((20000 + RANDOM % 12000))}
		if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then continue; fi
		if start "$port"; then started=yes && break; fi
		kill "$server" 2>/dev/null || true
	done
	[ -n "$started" ] || { echo "dynoxide did not start; the last port tried was $port"; exit 1; }
	export DYNAMODB_ENDPOINT="http://127.0.0.1:$port"
fi
"$@"
