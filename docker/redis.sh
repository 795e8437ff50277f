#!/bin/sh
# Fills the passwords into the rights of docs/security.md, then becomes the server. Of a
# password only its digest stands in the file.
set -eu
folder="${TMPDIR:-/tmp}"
users="$folder/users.acl"
log="$folder/valkey.log"
digest() { printf %s "$1" | sha256sum | cut -d" " -f1; }
sed -e "s/WEB_PASSWORD_SHA256/$(digest "$REDIS_WEB_PASSWORD")/" \
    -e "s/WORKER_PASSWORD_SHA256/$(digest "$REDIS_WORKER_PASSWORD")/" \
    "${0%/*}/redis.acl" > "$users"

# After a power cut the server may refuse its files. Then Docker starts it again, here
# without them: the rows of the database rebuild all that they held. The words are those of
# launch/valkey_recovery.py.
broken='Bad file format reading the append only file|AOF MANIFEST FILE ERROR|Unable to obtain the AOF file .*No such file|Unexpected end of file reading the append only file|Unrecoverable error reading the append only file|append-only dir .*Not a directory|Error reading the RDB base file|Fatal error loading the DB|Wrong signature trying to load DB|RDB CRC error|Internal error in RDB reading|BUG REPORT START'
spared="Can't handle RDB format|Permission denied|No space left|Input/output error"
if grep -qsE "$broken" "$log" && ! grep -qE "$spared" "$log"; then
    rm -rf appendonlydir
    echo "The queue's files were damaged and are removed; the database rebuilds them."
fi

# The first lines of a start are kept in a file, and all of them are passed on.
rm -f "$log" "$folder/said"
mkfifo "$folder/said"
count=0
while IFS= read -r line; do
    printf '%s\n' "$line"
    count=$((count + 1))
    [ "$count" -gt 100 ] || printf '%s\n' "$line" >> "$log"
done < "$folder/said" &
exec docker-entrypoint.sh valkey-server --aclfile "$users" "$@" > "$folder/said" 2>&1
