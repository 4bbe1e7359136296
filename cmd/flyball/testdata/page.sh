# What stands before the commands of a page: how its server is started and ended.
set -e
exec </dev/null

end_server() {
	[ -s "$RUN/server.pid" ] || return 0
	kill "$(cat "$RUN/server.pid")" 2>/dev/null || true
	wait
	rm "$RUN/server.pid"
}
trap end_server EXIT
trap 'exit 130' INT TERM
trap 'echo "-- failed with $?: $BASH_COMMAND"' ERR

# serve runs what the_server has, in a terminal of its own: until it says that it is ready.
serve() {
	end_server
	(trap - EXIT ERR; the_server) >"$RUN/server.out" 2>>"$RUN/server.log" &
	until grep -qs '^ready ' "$RUN/server.out"; do
		kill -0 $! 2>/dev/null || { echo "-- the server has not started"; exit 1; }
		sleep 0.05
	done
}
