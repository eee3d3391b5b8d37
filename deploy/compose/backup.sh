#!/usr/bin/env bash
# Writes the catalogue, its history and the usage figures to FILE, while everything runs. FILE has its name only once it is
# whole; it tells who proposed what, so nobody else may read it.
#   backup.sh FILE
set -euo pipefail
file=$(realpath -- "${1:?backup.sh FILE}")
cd "$(dirname "$0")/../.."
umask 077
draft=$file.partial
trap 'rm -f -- "$draft"' EXIT
docker compose --progress quiet run --rm --no-TTY --no-deps cli backup - > "$draft"
docker compose --progress quiet run --rm --no-TTY --no-deps cli restore --check - < "$draft"
sync -- "$draft"
mv -- "$draft" "$file"
echo "written: $file"
