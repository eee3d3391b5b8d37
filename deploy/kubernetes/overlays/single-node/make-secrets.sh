#!/bin/sh
# Writes the secrets of this overlay into ./secrets: random ones, as `docker compose` does, or those of the folder that is named.
# What is there is kept.
set -eu
cd "$(dirname "$0")"
umask 077
for folder in kept services sync gateway rabbitmq redis seaweedfs grafana; do mkdir -p "secrets/$folder"; done
python3 -I ../../../compose/make_secrets.py --own "${1:-own-secrets}" --out secrets --bucket horde-model-reference
echo "written to $(pwd)/secrets: keep a copy in a safe place"
