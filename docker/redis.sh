#!/bin/sh
# Fills the passwords into the rights of docs/security.md, then becomes the server. Of a
# password only its digest stands in the file.
set -eu
users="${TMPDIR:-/tmp}/users.acl"
digest() { printf %s "$1" | sha256sum | cut -d" " -f1; }
sed -e "s/WEB_PASSWORD_SHA256/$(digest "$REDIS_WEB_PASSWORD")/" \
    -e "s/WORKER_PASSWORD_SHA256/$(digest "$REDIS_WORKER_PASSWORD")/" \
    "${0%/*}/redis.acl" > "$users"
exec docker-entrypoint.sh valkey-server --aclfile "$users" "$@"
