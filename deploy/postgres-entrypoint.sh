#!/usr/bin/env bash
# Makes the cluster and the database on the first start, as the official image does.
set -euo pipefail

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}

if [ "${1:-}" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    : "${POSTGRES_PASSWORD_FILE:?names the file with the password of the new database}"
    read -ra more <<<"${POSTGRES_INITDB_ARGS:-}"
    initdb --username="$user" --pwfile="$POSTGRES_PASSWORD_FILE" --encoding=UTF8 \
        --auth-local=trust --auth-host=scram-sha-256 "${more[@]}"
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    if [ "$database" != postgres ]; then
        postgres --single -D "$PGDATA" postgres <<<"CREATE DATABASE \"$database\""
    fi
fi
exec "$@"
