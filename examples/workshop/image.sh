#!/usr/bin/env bash
# Builds an image with Docker.
#
#   ./image.sh express 127.0.0.1:4566/workshop:2     # or go
#
# Where node:20-slim cannot be pulled, express is built on a base made of this machine's node.
set -euo pipefail

app=${1:?which application: express or go}
image=${2:?the name of the image, with its tag}
cd "$(dirname "$0")"
case $app in
express)
	(cd express && npm ci --omit=dev --no-audit --no-fund)
	base=node:20-slim
	if ! docker image inspect "$base" >/dev/null 2>&1 && ! docker pull --quiet "$base" 2>/dev/null; then
		base=workshop-base
		./base.sh base.tar
		docker import --change 'ENV PATH=/usr/local/bin' base.tar "$base"
		rm base.tar
	fi
	docker build --quiet --build-arg "BASE=$base" -t "$image" express
	;;
go)
	CGO_ENABLED=0 GOOS=linux go build -trimpath -ldflags '-s -w' -o go/app ./go
	docker build --quiet -t "$image" go
	;;
*)
	echo "there is no application $app" >&2
	exit 1
	;;
esac
