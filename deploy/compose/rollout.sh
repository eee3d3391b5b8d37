#!/usr/bin/env bash
# Replaces the containers of services by new ones (of a new image, or with other settings), one after the other: the new one
# is there and ready before the old one is told to finish what it does. A new one that does not become ready is removed, the
# old ones stay, and the status is 1.
#   rollout.sh [SERVICE...]     by default every service that runs, readers before writers: who reads must understand first
# The published ports are held by gateway-port, which stays as it is unless it is named: without it connections are refused.
set -euo pipefail
cd "$(dirname "$0")/../.."

in_order=(read-api stats sync-worker write-queue gateway)
ready_seconds=${HORDE_ROLLOUT_READY_SECONDS:-300}
settle_seconds=${HORDE_ROLLOUT_SETTLE_SECONDS:-4}  # the gateway looks for new containers every second

say() { printf 'rollout: %s\n' "$*"; }

containers() { docker compose ps --quiet "$1"; }

all_containers() { docker compose ps --all --quiet "$1"; }

start_missing() {  # start_missing SERVICE NUMBER
  # not --no-deps: Compose would take containers made so for outdated ones, and replace them all at the next `up`
  docker compose --progress quiet up --detach --no-recreate --no-build --wait \
    --wait-timeout "$ready_seconds" --scale "$1=$2" "$1"
}

finish() {  # the container answers what it was asked, within its own grace period
  docker stop "$1" > /dev/null
  docker rm --volumes "$1" > /dev/null
}

forget_lodgers() {  # those that ended and had their network from a container of the service, which is no more
  if [ "$1" = seaweedfs ]; then docker compose rm --force seaweedfs-init > /dev/null; fi
}

remove_new() {  # remove_new SERVICE IDS-BEFORE
  local id
  for id in $(all_containers "$1"); do
    if ! grep -q "$id" <<< "$2"; then
      docker logs --tail 20 "$id" >&2 || true
      docker rm --force --volumes "$id" > /dev/null
    fi
  done
}

replace_each() {  # with one container more than usual for as long as it takes
  local service=$1 old before number
  local olds; olds=$(containers "$service")
  number=$(wc -w <<< "$olds")
  for old in $olds; do
    before=$(all_containers "$service")
    if ! start_missing "$service" $((number + 1)); then
      remove_new "$service" "$before"
      say "$service: the new container did not become ready; the old ones go on"
      return 1
    fi
    sleep "$settle_seconds"
    finish "$old"
    say "$service: ${old:0:12} is replaced"
  done
}

replace_in_place() {  # one container less than usual for a moment
  local service=$1 old number
  local olds; olds=$(containers "$service")
  number=$(wc -w <<< "$olds")
  for old in $olds; do
    finish "$old"
    forget_lodgers "$service"
    start_missing "$service" "$number"
    say "$service: ${old:0:12} is replaced"
  done
}

if [ $# -gt 0 ]; then in_order=("$@"); fi
for service in "${in_order[@]}"; do
  if [ -z "$(containers "$service")" ]; then
    say "$service: none runs"
  else
    case $service in
      gateway | read-api | stats | sync-worker | write-queue) replace_each "$service" ;;
      *) replace_in_place "$service" ;;  # who holds data, a name or a port
    esac
  fi
done
