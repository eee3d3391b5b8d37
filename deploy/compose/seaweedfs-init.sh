#!/bin/sh
# Makes the bucket where it is missing, and has every write to it synced to the disk. May run any number of times.
set -eu
bucket=$1

weed_shell() {
  printf '%s\n' "$@" | weed shell -master=127.0.0.1:9333
}

buckets=$(weed_shell 's3.bucket.list')
if ! printf '%s\n' "$buckets" | grep -q "^ *${bucket}[[:space:]]"; then
  weed_shell "s3.bucket.create -name $bucket"
fi
weed_shell 'fs.configure -locationPrefix=/buckets/ -fsync -apply' | grep -q '"fsync": *true'
echo "bucket $bucket: writes are synced"
