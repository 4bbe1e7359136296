#!/bin/sh
# Brings what the console has of others from the npm registry, as it was published: uPlot (MIT
# licence), which draws the charts and is in the program, and axe-core (MPL 2.0), which tests hold the
# pages against and is not. Run it here, and commit what it writes; `go build` needs neither it nor npm.
set -eu
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# take NAME@VERSION SHA512 FOLDER FILE...
take() {
	archive="$work/$(npm pack --silent --pack-destination "$work" "$1")"
	if [ "$(openssl dgst -sha512 -binary "$archive" | base64 | tr -d '\n')" != "$2" ]; then
		echo "$1 is not what was taken before: its checksum differs" >&2
		exit 1
	fi
	mkdir -p "$3"
	folder=$3
	tar xzf "$archive" -C "$work"
	shift 3
	for file; do cp "$work/package/$file" "$folder/"; done
}

take uplot@1.6.32 KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw== \
	assets/uplot LICENSE dist/uPlot.iife.min.js dist/uPlot.min.css
take axe-core@4.14.1 FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ== \
	testdata/axe LICENSE axe.min.js
