#!/usr/bin/env bash
# Builds the application and its functions into build/: app, go.zip and, where npm is
# there, node.zip. Needs go and zip.
set -euo pipefail
cd "$(dirname "$0")"

export CGO_ENABLED=0 GOOS=linux
mkdir -p build/go
go build -trimpath -ldflags '-s -w' -o build/app ./app
go build -trimpath -ldflags '-s -w' -tags lambda.norpc -o build/go/bootstrap ./function
rm -f build/*.zip
(cd build/go && zip -qX ../go.zip bootstrap)
if command -v npm >/dev/null; then
	(cd node && npm ci --no-audit --no-fund --silent && zip -qrX ../build/node.zip index.mjs package.json node_modules)
fi
