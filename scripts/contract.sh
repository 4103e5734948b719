#!/usr/bin/env bash
# Sends requests that Schemathesis makes from /openapi.yaml to a server of its own, once with the
# Backend API's key and once as signed-in users, and fails where server and document disagree. It
# needs Python 3.11 or newer with venv.
# Usage: scripts/contract.sh [cases for each operation in the fuzzing phase] [seed]
set -uo pipefail
cd "$(dirname "$0")/.."
. scripts/tools.sh
cases=${1:-8} seed=${2:-1}
packages contract test/contract/requirements.txt || exit
server=${COUNTERSIGN:-$PWD/bin/countersign}
[ -n "${COUNTERSIGN:-}" ] || CGO_ENABLED=0 go build -trimpath -o "$server" ./cmd/countersign || exit 1
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$work"' EXIT

# surface <name> <port> [header...] tests one surface on a server of its own. It works in the
# directory of the results, where Schemathesis keeps what it found.
surface() {
	local name=$1 port=$2 pid ok
	local url=http://127.0.0.1:$port
	shift 2
	"$server" serve --listen "127.0.0.1:$port" --data "$work/$name" >"$work/$name.log" 2>&1 &
	pid=$!
	local config=$PWD/test/contract
	for _ in $(seq 100); do
		(: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
		kill -0 "$pid" 2>/dev/null || { cat "$work/$name.log"; return 1; }
		sleep 0.1
	done
	mkdir "$work/$name.d"
	(
		cd "$work/$name.d" || exit
		export COUNTERSIGN_URL=$url COUNTERSIGN_SECRET_KEY=sk_test_local PYTHONPATH=$config
		"$environment/bin/python" -B -m schemathesis.cli --config-file "$config/schemathesis.toml" run "$url/openapi.yaml" -u "$url" --include-tag "$name" \
			--phases coverage,fuzzing -n "$cases" --seed "$seed" --warnings off --output-truncate false --output-sanitize false "$@"
	) >"$work/$name.txt" 2>&1
	ok=$?
	kill "$pid" 2>/dev/null
	return $ok
}

# port prints a free port below those that the system gives to clients.
port() { python3 -c 'import random, socket
while True:
    s, n = socket.socket(), random.randrange(20000, 32000)
    try: s.bind(("127.0.0.1", n))
    except OSError: continue
    print(n); break'; }

surface frontend "$(port)" --include-tag public &
frontend=$!
surface backend "$(port)" -H "Authorization: Bearer sk_test_local"
failed=$?
wait "$frontend" || failed=1
cat "$work"/frontend.txt "$work"/backend.txt
exit $failed
