# Sourced by scripts that run parts of the tests. part, may, skip and leave say what happens to a
# part, lanes runs several one beside the other, and summary lists all of them at the end and
# returns whether all is well. What a part prints is kept and printed whole when it ends.

parts=$(mktemp -d) # results, logs, and what parts leave for each other
trap 'rm -rf "$parts"' EXIT
lane=

part() { # part <name> <command...>: it passes or fails by the command's exit status
	outcome "$@"
	if [ "$status" = 0 ]; then record passed "$name ($took)"; else record FAILED "$name ($took)"; fi
	show "$name"
}

may() { # may <name> <command...>: the same, but a command that exits with 75 could not run here, and its last line says why
	outcome "$@"
	case $status in
	0) record passed "$name ($took)" ;;
	75) record "LEFT OUT" "$name: $(tail -n 1 "$log")" && echo "LEFT OUT" >>"$log" ;;
	*) record FAILED "$name ($took)" ;;
	esac
	show "$name"
}

skip() { # skip <name> <reason>: a tool is missing. With CI=true that is a failure
	if [ "${CI:-}" = true ]; then record FAILED "$1: $2"; else record SKIPPED "$1: $2"; fi
	log=$(mktemp "$parts/log.XXXXXX")
	echo "SKIPPED: $2" >"$log"
	show "$1"
}

leave() { # leave <name> <reason>: data or tools from elsewhere cannot be had. It fails nothing
	record "LEFT OUT" "$1: $2"
	log=$(mktemp "$parts/log.XXXXXX")
	echo "LEFT OUT: $2" >"$log"
	show "$1"
}

lanes() { # lanes <function...>: runs the functions at once, each in a process of its own. One that ends early is a failure
	set -m # a process group of their own, so that an interrupted run leaves nothing behind
	(
		for lane in "$@"; do
			(
				"$lane"
				: >"$parts/finished.$lane"
			) &
		done
		wait
	) </dev/null | while IFS= read -r line; do text "$line"; done &
	local group
	group=$(jobs -p %%)
	set +m
	trap 'kill -TERM -- "-$group" 2>/dev/null; exit 130' INT TERM HUP
	wait "$!"
	trap - INT TERM HUP
	for lane in "$@"; do
		[ -e "$parts/finished.$lane" ] || record FAILED "the rest of $lane: it ended early"
	done
	lane=
}

summary() { # summary <seconds>: a run that takes longer than this on two quiet cores has a line that says so, and does not fail for it
	touch "$parts/results"
	printf '\n==== summary\n'
	local kind
	for kind in passed "LEFT OUT" SKIPPED FAILED; do
		awk -F '\t' -v kind="$kind" '$1 == kind { printf "%-8s %s\n", kind, $2 }' "$parts/results"
	done
	printf 'took     %d s\n' "$SECONDS"
	[ "$SECONDS" -le "$1" ] || printf 'WARNING  that is more than the %d s that two quiet cores need; the first seconds are of the clock, the second of the processors\n' "$1"
	[ -s "$parts/results" ] && ! grep -q '^FAILED' "$parts/results"
}

# outcome runs a part, and sets name, log, status and took.
outcome() {
	name=$1
	shift
	log=$(mktemp "$parts/log.XXXXXX")
	[ -z "$lane" ] || printf '.... %s begins\n' "$name" >&2
	local TIMEFORMAT='%0R s, %0U %0S'
	{ time "$@" >"$log" 2>&1 </dev/null; } 2>"$log.time"
	status=$?
	took=$(tail -n 1 "$log.time" | awk '{ print $1 " s, CPU " $3 + $4 " s" }')
}

record() { printf '%s\t%s\n' "$1" "$2" >>"$parts/results"; }

# show prints the part whose output is in log: now, or in a lane by whoever reads the lanes'
# output, so that no two mix.
show() {
	{ printf '\n==== %s\n' "$1" && cat "$log"; } >"$log.text"
	if [ -n "$lane" ]; then printf '%s\n' "$log.text"; else text "$log.text"; fi
}

text() { cat -- "$1"; }
