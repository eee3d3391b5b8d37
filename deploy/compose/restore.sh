#!/usr/bin/env bash
# Makes the catalogue what FILE holds: checks the file, stops the services, restores and verifies, starts everything, and what
# ran besides by a profile. When it is refused, what ran runs again. May be run again after it was interrupted.
#   restore.sh FILE [--replace]     with --replace a catalogue that is there already is lost
set -euo pipefail
file=$(realpath -- "${1:?restore.sh FILE [--replace]}")
shift
cd "$(dirname "$0")/../.."

with_file() { docker compose --progress quiet run --rm --no-TTY "$@" < "$file"; }

start() { docker compose --progress quiet up --detach --wait "$@"; }

docker compose --progress quiet up --no-start secrets  # so that the image is there
with_file --no-deps cli restore --check -
mapfile -t running < <(docker compose ps --services --status running | grep -xE 'sync-worker|write-queue|stats|read-api')
if [ ${#running[@]} -gt 0 ]; then docker compose --progress quiet stop "${running[@]}"; fi
if ! with_file cli restore "$@" -; then
  echo "restore: not done. A system that was started anew has a catalogue already: --replace puts this one in its place." >&2
  # harmless also where the old catalogue is half gone: a guard in the store keeps everybody from serving and writing
  if [ ${#running[@]} -gt 0 ] && ! start --no-recreate "${running[@]}"; then
    echo "restore: ${running[*]} did not start again: see above, and 'docker compose logs init'" >&2
  fi
  exit 1
fi
start
if [ ${#running[@]} -gt 0 ]; then start "${running[@]}"; fi  # those of a profile that was only named at their start
