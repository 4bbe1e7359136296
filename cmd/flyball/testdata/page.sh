# What stands before the commands of a page: how its server is started and ended.
set -e
exec </dev/null

# end_server ends the server, and at the end of the page all else that it has left in the background.
end_server() {
	[ -s "$RUN/server.pid" ] || return 0
	kill "$(cat "$RUN/server.pid")" 2>/dev/null || true
	wait "$server"
	rm "$RUN/server.pid"
}
trap 'end_server; kill $(jobs -p) 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
trap 'echo "-- failed with $?: $BASH_COMMAND"' ERR

# serve runs what the_server has, in a terminal of its own: until it says that it is ready.
serve() {
	end_server
	rm -f "$RUN/server.out"
	(trap - EXIT ERR; the_server) >"$RUN/server.out" 2>>"$RUN/server.log" &
	server=$!
	until grep -qs '^ready ' "$RUN/server.out"; do
		kill -0 "$server" 2>/dev/null || { echo "-- the server has not started"; exit 1; }
		sleep 0.05
	done
}
