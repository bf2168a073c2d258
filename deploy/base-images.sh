#!/usr/bin/env bash
# Builds the base images of Dockerfile and docker-compose.yml from Debian packages and from this
# host's Rust toolchain, for a machine whose Docker cannot reach an image registry. They take the names
# that both files expect, so the next `docker compose build` and `up` find them in place.
#
# Usage, as root on Debian: deploy/base-images.sh
# Needs: docker, debootstrap (apt-get install debootstrap), cargo. An image that is there is kept.
set -euo pipefail

suite=bookworm
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
runtime_image=${RUNTIME_IMAGE:-debian:bookworm-slim}
builder_image=${BUILDER_IMAGE:-rust:1.95-bookworm}
postgres_image=${POSTGRES_IMAGE:-postgres:15}

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

missing() {
    if docker image inspect "$1" >/dev/null 2>&1; then
        echo "$1 is there"
        return 1
    fi
    echo "building $1"
}

if missing "$runtime_image"; then
    debootstrap --variant=minbase "$suite" "$work/tree" "$mirror"
    rm -rf "$work"/tree/var/cache/apt/archives/*.deb "$work"/tree/var/lib/apt/lists/*
    tar -C "$work/tree" --numeric-owner --exclude='./dev/*' -c . |
        docker import --change 'CMD ["bash"]' - "$runtime_image"
fi

if missing "$postgres_image"; then
    # Its own network is not assumed to resolve names: `host` works wherever this script's downloads do.
    docker build --network host --build-arg BASE="$runtime_image" -t "$postgres_image" "$here/postgres"
fi

if missing "$builder_image"; then
    toolchain=$(rustc --print sysroot)
    mkdir "$work/builder"
    cp "$here/builder.Dockerfile" "$work/builder/Dockerfile"
    # A network that looks into TLS has its own authority: cargo has to trust whom this host trusts.
    cp -L /etc/ssl/certs/ca-certificates.crt "$work/builder/"
    # The compiler without its manual and without what only an editor needs.
    mkdir "$work/builder/toolchain"
    tar -C "$toolchain" --exclude=./share --exclude='./lib/rustlib/src' -c . | tar -C "$work/builder/toolchain" -x
    docker build --network host --build-arg BASE="$runtime_image" -t "$builder_image" "$work/builder"
fi
