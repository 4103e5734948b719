# Sourced by scripts that need a tool at a pinned version. tools is the directory of this user's
# tools, which all clones share.
if [ -n "${XDG_CACHE_HOME:-${HOME:-}}" ]; then
	tools=${XDG_CACHE_HOME:-$HOME/.cache}/countersign/tools
else
	tools=$PWD/.tools
fi
mkdir -p "$tools"

# built <name> <package> <version> builds a Go program once for each version of Go, and sets tool to
# its path. A tool that reads Go source knows the language of the Go that built it, and no newer
# one.
built() {
	local with
	with=$(go env GOVERSION) || return
	tool=$tools/$1-$3-$with
	[ ! -x "$tool" ] || return 0
	echo "building $1 $3 into $tools (once for each Go; some minutes)"
	local dir
	dir=$(mktemp -d "$tools/building.XXXXXX") || return
	# The program is renamed when it is complete, so that two clones may build at once.
	if GOBIN=$dir CGO_ENABLED=0 go install "$2@$3" && mv "$dir/$1" "$tool"; then
		rmdir "$dir"
	else
		rm -rf "$dir"
		return 1
	fi
}

# packages <name> <requirements> installs the packages of a file with hashes once for each version of
# Python, in an environment that all clones share, and sets environment to its path.
packages() {
	local dir
	environment=$tools/$1-$({ cat "$2" && python3 --version; } | cksum | cut -d ' ' -f 1) || return
	[ ! -d "$environment" ] || return 0
	dir=$(mktemp -d "$tools/building.XXXXXX") || return
	# It is renamed when it is complete, so that two clones may build at once.
	python3 -m venv "$dir" &&
		"$dir/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r "$2" &&
		mv "$dir" "$environment" || { rm -rf "$dir" && return 1; }
}
