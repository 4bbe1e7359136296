#!/usr/bin/env bash
# Builds an image without any engine and pushes it: layers are tars, and crane, of
# github.com/google/go-containerregistry, makes an image of them.
#
#   ./push.sh express 127.0.0.1:4566/workshop:2     # or go
#
# crane must be logged in to the registry. Needs go, and for express node and npm.
set -euo pipefail

app=${1:?which application: express or go}
image=${2:?the name of the image, with its tag}
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
crane=${CRANE:-crane}
command -v "$crane" >/dev/null || crane="go run github.com/google/go-containerregistry/cmd/crane@v0.22.1"
layer() { tar --owner 0 --group 0 --numeric-owner --sort name --mtime @0 -cf "$@"; }

case $app in
express)
	(cd express && npm ci --omit=dev --no-audit --no-fund)
	./base.sh "$work/base.tar"
	layer "$work/app.tar" --transform 's,^,app/,' -C express package.json package-lock.json app.js node_modules
	layers=(-f "$work/base.tar" -f "$work/app.tar")
	config=(--entrypoint node --cmd app.js --workdir /app --user node --env PATH=/usr/local/bin)
	;;
go)
	CGO_ENABLED=0 GOOS=linux go build -trimpath -ldflags '-s -w' -o "$work/app" ./go
	layer "$work/app.tar" -C "$work" app
	layers=(-f "$work/app.tar")
	config=(--entrypoint /app --user 1000)
	;;
*)
	echo "there is no application $app" >&2
	exit 1
	;;
esac
# The first command pushes the layers, the second the image that says what to run in them.
$crane append --oci-empty-base "${layers[@]}" -t "$image" 2>/dev/null
$crane mutate "$image" -t "$image" --set-platform "linux/$(go env GOARCH)" --exposed-ports 8080/tcp --env PORT=8080 "${config[@]}" 2>/dev/null
