# Sourced by scripts that run parts of the tests. part, may, skip and leave run a part or record why
# it did not run. lanes runs functions with parts side by side. summary lists all parts at the end
# and fails if one failed. The output of a part is printed as a whole when the part ends.

parts=$(mktemp -d) # results, logs, and what parts leave for each other
trap 'rm -rf "$parts"' EXIT
lane=

# part <name> <command...> passes or fails by the command's exit status.
part() {
	outcome "$@"
	if [ "$status" = 0 ]; then record passed "$name ($took)"; else record FAILED "$name ($took)" && keep; fi
	show "$name"
}

# may <name> <command...> is like part for a command that may be unable to run here. The command
# then exits with 75, and its last line says why.
may() {
	outcome "$@"
	case $status in
	0) record passed "$name ($took)" ;;
	75) record "LEFT OUT" "$name: $(tail -n 1 "$log")" && echo "LEFT OUT" >>"$log" ;;
	*) record FAILED "$name ($took)" && keep ;;
	esac
	show "$name"
}

# skip <name> <reason> records that a tool is missing. With CI=true that is a failure.
skip() {
	if [ "${CI:-}" = true ]; then record FAILED "$1: $2"; else record SKIPPED "$1: $2"; fi
	log=$(mktemp "$parts/log.XXXXXX")
	echo "SKIPPED: $2" >"$log"
	show "$1"
}

# leave <name> <reason> records that remote data or tools are not available. That is no failure.
leave() {
	record "LEFT OUT" "$1: $2"
	log=$(mktemp "$parts/log.XXXXXX")
	echo "LEFT OUT: $2" >"$log"
	show "$1"
}

# lanes <function...> runs the functions at once, each in a process of its own. A function that ends
# early is a failure.
lanes() {
	local group= interrupted=
	# Set before the lanes start: a signal that comes before their group is known ends them below.
	trap 'interrupted=yes; [ -z "$group" ] || { kill -TERM -- "-$group" 2>/dev/null; exit 130; }' INT TERM HUP
	set -m # a process group of their own, so that an interrupt ends all of them
	(
		for lane in "$@"; do
			(
				"$lane"
				: >"$parts/finished.$lane"
			) &
		done
		wait
	) </dev/null | while IFS= read -r line; do text "$line"; done &
	group=$(jobs -p %%)
	set +m
	[ -z "$interrupted" ] || { kill -TERM -- "-$group" 2>/dev/null; exit 130; }
	wait "$!"
	trap - INT TERM HUP
	for lane in "$@"; do
		[ -e "$parts/finished.$lane" ] || record FAILED "the rest of $lane: it ended early"
	done
	lane=
}

# summary <seconds> prints the results and the ends of the failed parts' outputs, and warns of a run
# that took longer than two quiet cores need.
summary() {
	touch "$parts/results"
	printf '\n==== summary\n'
	local kind
	for kind in passed "LEFT OUT" SKIPPED FAILED; do
		awk -F '\t' -v kind="$kind" '$1 == kind { printf "%-8s %s\n", kind, $2 }' "$parts/results"
	done
	printf 'took     %d s\n' "$SECONDS"
	[ ! -e "$parts/failures" ] || cat "$parts/failures"
	[ "$SECONDS" -le "$1" ] || printf 'WARNING  that is more than the %d s that two quiet cores need; each part shows elapsed and CPU seconds\n' "$1"
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

# keep keeps the end of a failed part's output for the summary: runners name their failures there.
keep() { { printf '\n==== the end of %s\n' "$name" && tail -n 60 "$log"; } >>"$parts/failures"; }

record() { printf '%s\t%s\n' "$1" "$2" >>"$parts/results"; }

# show prints the output of a part, which is in log. In a lane it prints the name of a file with the
# output to the reader in lanes, so that the outputs of two parts never mix.
show() {
	{ printf '\n==== %s\n' "$1" && cat "$log"; } >"$log.text"
	if [ -n "$lane" ]; then printf '%s\n' "$log.text"; else text "$log.text"; fi
}

text() { cat -- "$1"; }
