#!/usr/bin/env bash
# Makes the base images of Dockerfile and the other images of docker-compose.yml from Debian packages and
# from this host's Rust toolchain, for a machine whose Docker cannot reach an image registry. They take the
# names that both files expect, so the next `docker compose up` finds them in place.
#
# Usage, as root on Debian: deploy/base-images.sh [runtime] [builder] [postgres] [nats] [proxy] [prometheus]
# Without a name all are made; what others need is made with them. An image that is there is kept.
# Needs: docker, debootstrap (apt-get install debootstrap); the builder also cargo.
set -euo pipefail

suite=bookworm
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
runtime_image=${RUNTIME_IMAGE:-debian:bookworm-slim}
builder_image=${BUILDER_IMAGE:-rust:1.95-bookworm}
postgres_image=${POSTGRES_IMAGE:-postgres:15}
nats_image=${NATS_IMAGE:-nats:2.9-alpine}
proxy_image=${PROXY_IMAGE:-haproxy:2.6}
prometheus_image=${PROMETHEUS_IMAGE:-prom/prometheus:v2.42.0}

path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

missing() {
    if docker image inspect "$1" >/dev/null 2>&1; then
        echo "$1 is there"
        return 1
    fi
    echo "making $1"
}

# A Debian with little in it, which the images begin with: made once, in a directory.
debian() {
    [ ! -e "$work/debian" ] || return 0
    debootstrap --variant=minbase "$suite" "$work/debian" "$mirror" >"$work/log" || { cat "$work/log"; return 1; }
    # As the official image has it: no manuals, no services that start, and no waiting for the disk while
    # packages are unpacked into what is thrown away if it fails.
    printf 'path-exclude /usr/share/%s/*\n' doc man locale info >"$work/debian/etc/dpkg/dpkg.cfg.d/slim"
    echo force-unsafe-io >>"$work/debian/etc/dpkg/dpkg.cfg.d/slim"
    printf '#!/bin/sh\nexit 101\n' >"$work/debian/usr/sbin/policy-rc.d"
    chmod +x "$work/debian/usr/sbin/policy-rc.d"
    rm -rf "$work"/debian/usr/share/{doc,man,locale,info}/* "$work"/debian/var/cache/apt/archives/*.deb
}

# within COMMAND...: runs it inside of the tree that becomes the next image.
within() {
    env -i PATH="$path" DEBIAN_FRONTEND=noninteractive chroot "$work/tree" "$@"
}

# tree PACKAGE...: begins the next image with these.
tree() {
    debian
    rm -rf "$work/tree"
    cp -a "$work/debian" "$work/tree"
    if [ "$#" -gt 0 ]; then
        within apt-get update -qq
        within apt-get install -y -qq --no-install-recommends "$@" >"$work/log" 2>&1 || { cat "$work/log"; return 1; }
    fi
}

# image NAME CHANGE...: makes the tree an image, in one layer, with these lines of a Dockerfile.
image() {
    local name=$1 changes=()
    shift
    for change in "ENV PATH=$path" "$@"; do
        changes+=(--change "$change")
    done
    rm -rf "$work"/tree/var/{cache/apt,lib/apt/lists}/*
    tar -C "$work/tree" --numeric-owner --exclude='./dev/*' --exclude='./proc/*' -c . |
        docker import "${changes[@]}" - "$name" >/dev/null
}

make_runtime() {
    missing "$runtime_image" || return 0
    tree
    image "$runtime_image" 'CMD ["bash"]'
}

make_builder() {
    missing "$builder_image" || return 0
    tree gcc g++ libc6-dev make perl
    # A network that looks into TLS has its own authority: cargo has to trust whom this host trusts.
    install -D -m 0644 /etc/ssl/certs/ca-certificates.crt "$work/tree/etc/ssl/certs/ca-certificates.crt"
    # The compiler without its manual and without what only an editor needs.
    mkdir "$work/tree/usr/local/rust"
    tar -C "$(rustc --print sysroot)" --exclude=./share --exclude='./lib/rustlib/src' -c . |
        tar -C "$work/tree/usr/local/rust" -x
    image "$builder_image" "ENV PATH=/usr/local/rust/bin:$path" 'ENV CARGO_HOME=/usr/local/cargo'
}

make_postgres() {
    missing "$postgres_image" || return 0
    debian
    local user=(--system --uid 999 --gid postgres --home-dir /var/lib/postgresql --shell /bin/bash postgres)
    tree
    within groupadd --system --gid 999 postgres
    within useradd "${user[@]}"
    # The package would make a cluster of its own.
    mkdir "$work/tree/etc/postgresql-common"
    echo 'create_main_cluster = false' >"$work/tree/etc/postgresql-common/createcluster.conf"
    within apt-get update -qq
    within apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold postgresql-15 \
        >"$work/log" 2>&1 || { cat "$work/log"; return 1; }
    # A new volume takes its owner from here.
    within install -d -o postgres -g postgres -m 0700 /var/lib/postgresql/data
    within install -d -o postgres -g postgres -m 0775 /var/run/postgresql
    install "$here/postgres-entrypoint.sh" "$work/tree/usr/local/bin/docker-entrypoint.sh"
    image "$postgres_image" "ENV PATH=/usr/lib/postgresql/15/bin:$path LANG=C.UTF-8" \
        'ENV PGDATA=/var/lib/postgresql/data' 'USER postgres' 'EXPOSE 5432' \
        'ENTRYPOINT ["docker-entrypoint.sh"]' 'CMD ["postgres"]'
}

# What the official images have of HTTP clients, for health checks.
add_wget() {
    ln -s busybox "$work/tree/usr/bin/wget"
}

make_nats() {
    missing "$nats_image" || return 0
    tree nats-server busybox
    add_wget
    image "$nats_image" 'EXPOSE 4222' 'CMD ["nats-server"]'
}

make_proxy() {
    missing "$proxy_image" || return 0
    tree haproxy
    image "$proxy_image" 'CMD ["haproxy"]'
}

make_prometheus() {
    missing "$prometheus_image" || return 0
    tree prometheus busybox
    add_wget
    within install -d -o nobody -g nogroup -m 0700 /prometheus
    image "$prometheus_image" 'USER nobody' 'EXPOSE 9090' 'ENTRYPOINT ["/bin/prometheus"]'
}

if [ "$#" -eq 0 ]; then
    set -- runtime builder postgres nats proxy prometheus
fi
for wanted in "$@"; do
    case $wanted in
    runtime | builder | postgres | nats | proxy | prometheus) "make_$wanted" ;;
    *) echo "no image is called $wanted" >&2; exit 2 ;;
    esac
done
