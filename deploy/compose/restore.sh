#!/usr/bin/env bash
# Makes the catalogue what FILE holds: checks the file, stops the services, restores and verifies, starts everything. May be
# run again after it was interrupted.
#   restore.sh FILE [--replace]     with --replace a catalogue that is there already is lost
set -euo pipefail
file=$(realpath -- "${1:?restore.sh FILE [--replace]}")
shift
cd "$(dirname "$0")/../.."

with_file() { docker compose --progress quiet run --rm --no-TTY "$@" < "$file"; }

docker compose --progress quiet up --no-start secrets  # so that the image is there
with_file --no-deps cli restore --check -
mapfile -t running < <(docker compose ps --services --status running | grep -xE 'sync-worker|write-queue|stats|read-api')
if [ ${#running[@]} -gt 0 ]; then docker compose --progress quiet stop "${running[@]}"; fi
if ! with_file cli restore "$@" -; then
  echo "restore: not done, and the services are stopped. A system that was started anew has a catalogue already: --replace" \
    "puts this one in its place. 'docker compose up -d --wait' starts the services on what is there." >&2
  exit 1
fi
docker compose --progress quiet up --detach --wait
