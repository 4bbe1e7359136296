# What the scripts that run an example share: a server of their own, which ends with the script.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }

# need PROGRAM [HINT] ends the script where a program is not there.
need() { command -v "$1" >/dev/null || { echo "$1 is not there${2:+: $2}" >&2; exit 1; }; }

# serve FLAG... starts the program that FLYBALL names, or else what it builds. The program is
# in $flyball then, a folder for the script in $work, the address in AWS_ENDPOINT_URL.
serve() {
	[ -n "${FLYBALL:-}" ] || make -s -C "$root" build
	flyball=${FLYBALL:-$root/bin/flyball}
	work=$(mktemp -d)
	"$flyball" serve --addr 127.0.0.1:0 --data "" "$@" ${SERVE_FLAGS:-} >"$work/ready" 2>"$work/log" &
	server=$!
	trap finish EXIT
	until grep -qs ^ready "$work/ready"; do
		kill -0 "$server" || { cat "$work/log" >&2; exit 1; }
		sleep 0.1
	done
	AWS_ENDPOINT_URL=$(sed -n 's/^ready //p' "$work/ready")
	export AWS_ENDPOINT_URL
}

finish() {
	kill "$server" 2>/dev/null || true
	wait "$server" 2>/dev/null || true
	rm -rf "$work"
}
