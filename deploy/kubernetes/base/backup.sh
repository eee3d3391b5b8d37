#!/bin/sh
# Writes a backup into the working directory and checks it; only then it has its name, and the newest $KEEP of them are kept.
# Files with other names are left alone.
set -eu
name=$(date -u +%Y-%m-%dT%H%M%SZ).tar
find . -maxdepth 1 -type f -name '.*' -mtime +0 -delete  # what was left by one that was killed
horde-reference backup ".$name"
if ! horde-reference restore --check ".$name"; then
  rm -f -- ".$name"
  exit 1
fi
mv -- ".$name" "$name"
ls -1r -- 2*Z.tar | tail -n "+$((KEEP + 1))" | while read -r old; do rm -- "$old"; done
