#!/bin/sh
# Brings the chart library of the console's pages from the npm registry, as it was published:
# uPlot (MIT licence). Run it here, and commit what it writes; `go build` needs neither it nor npm.
set -eu
cd "$(dirname "$0")"
version=1.6.32
sha512=KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
npm pack --silent --pack-destination "$work" "uplot@$version" >"$work/name"
archive="$work/$(cat "$work/name")"
if [ "$(openssl dgst -sha512 -binary "$archive" | base64 | tr -d '\n')" != "$sha512" ]; then
	echo "uplot@$version is not what was taken before: its checksum differs" >&2
	exit 1
fi
tar xzf "$archive" -C "$work"
mkdir -p assets/uplot
cp "$work/package/LICENSE" "$work/package/dist/uPlot.iife.min.js" "$work/package/dist/uPlot.min.css" assets/uplot/
