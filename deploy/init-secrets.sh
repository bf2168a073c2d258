#!/bin/sh
# Makes the secrets of docker-compose.yml on its first start; later starts change nothing. Each
# directory under /secrets is a volume, and each file belongs to the one user that reads it.
set -eu
umask 077

postgres=999:999
services=10001:10001
nats=10002:10002
grafana=472:0

# 256 random bits in base64url, the form of every secret of the project; safe in a URL.
random() {
    head -c 32 /dev/urandom | base64 -w 0 | tr '+/' '-_' | tr -d '='
}

# put FILE OWNER TEXT: the file is there whole or not at all.
put() {
    rm -f "$1.new"
    printf '%s\n' "$3" >"$1.new"
    # On the disk before it has its name; and before its owner changes, since root may not open it then.
    sync "$1.new"
    chmod 0400 "$1.new"
    chown "$2" "$1.new"
    mv "$1.new" "$1"
    echo "made $1"
}

# The password comes last: where it is, all is there.
for name in user relation; do
    if [ ! -e "/secrets/$name-database/password" ]; then
        password=$(random)
        put "/secrets/$name-database/url" "$services" "postgres://mutual:$password@$name-database/mutual"
        put "/secrets/$name-database/password" "$postgres" "$password"
    fi
done
if [ ! -e /secrets/service/service-secret ]; then
    put /secrets/service/service-secret "$services" "$(random)"
fi
if [ ! -e /secrets/nats/authorization.conf ]; then
    password=$(random)
    put /secrets/nats/url "$services" "nats://mutual:$password@nats:4222"
    put /secrets/nats/authorization.conf "$nats" "authorization { user: mutual, password: \"$password\" }"
fi
if [ ! -e /secrets/grafana/admin-password ]; then
    put /secrets/grafana/admin-password "$grafana" "$(random)"
fi

# The one volume whose owner no image says.
if [ "$(stat -c %u:%g /data/nats)" != "$nats" ]; then
    chmod 0700 /data/nats
    chown "$nats" /data/nats
fi
