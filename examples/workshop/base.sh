#!/usr/bin/env bash
# Writes a base image for the Express application as a tar: this machine's node with the
# libraries that it needs, and a user to run it as. For where node:20-slim is out of reach.
#
#   ./base.sh base.tar
#   docker import --change 'CMD ["node"]' base.tar workshop-base   # with Docker
set -euo pipefail

tar=${1:?where to write the tar}
node=$(readlink -f "$(command -v node)") || { echo "node is not there" >&2; exit 1; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

mkdir -p "$root"/{app,etc,tmp,usr/local/bin}
chmod 755 "$root"
chmod 1777 "$root/tmp"
install -m 755 "$node" "$root/usr/local/bin/node"
# ldd names what is loaded, and where from: by path, or as NAME => PATH.
for library in $(ldd "$node" | grep -o '/[^ ]*'); do
	install -D -m 755 "$(readlink -f "$library")" "$root$library"
done
printf 'root:x:0:0::/:/bin/false\nnode:x:1000:1000::/app:/bin/false\n' >"$root/etc/passwd"
printf 'root:x:0:\nnode:x:1000:\n' >"$root/etc/group"
tar -C "$root" --owner 0 --group 0 --numeric-owner --sort name --mtime @0 -cf "$tar" .
