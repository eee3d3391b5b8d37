#!/usr/bin/env bash
# Asks a running system, through its gateway, for what its users need, and says what came. Status 1 when anything is wrong.
#   smoke.sh
set -euo pipefail
cd "$(dirname "$0")/../.."

# from within, as a client of the gateway: the machine needs no other program than docker
docker compose exec -T read-api python3 - http://gateway-port:8080 << 'EOF'
import json
import sys
import urllib.request

root, wrong = sys.argv[1], 0
for path, good in (
    ("/gateway/health", lambda body: body["status"] == "alive"),
    ("/ready", lambda body: True),
    ("/api/status", lambda body: body["overall"] != "down"),
    ("/api/model_references/v2/image_generation", len),
    ("/api/model_references/v1/stable_diffusion.json", len),
    ("/api/model_references/v2/revisions", len),
    ("/api/openapi.json", lambda body: body["paths"]),
):
    try:
        with urllib.request.urlopen(root + path, timeout=15) as answer:
            fine = bool(good(json.load(answer)))
    except (OSError, ValueError, KeyError, TypeError) as error:
        fine, path = False, f"{path}: {error}"
    wrong += not fine
    print("ok   " if fine else "WRONG", path)
sys.exit(wrong > 0)
EOF
