# Images of the services. Targets: user-service, relation-service, mutual (both in one process, and the
# operator's commands) and init (makes the secrets of docker-compose.yml).
#
# Nothing here needs BuildKit, so that every Docker builds it: dependencies are kept in a layer, not in
# a cache mount.
ARG BUILDER_IMAGE=rust:1.95-bookworm
ARG RUNTIME_IMAGE=debian:bookworm-slim

FROM ${RUNTIME_IMAGE} AS runtime
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Mutual" \
      org.opencontainers.image.description="Users and relations for social apps" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The programs keep what they keep in ./data. A new volume takes its owner from there.
WORKDIR /var/lib/mutual
RUN groupadd --gid 10001 mutual \
    && useradd --uid 10001 --gid 10001 --home-dir /var/lib/mutual --no-create-home --shell /usr/sbin/nologin mutual \
    && install -d -o mutual -g mutual -m 0700 data
# By number: an orchestrator that refuses root cannot tell by a name.
USER 10001:10001
STOPSIGNAL SIGTERM

FROM runtime AS init
COPY deploy/init-secrets.sh /usr/local/bin/init-secrets
ENTRYPOINT ["init-secrets"]

# What decides the dependencies: the manifests, with empty programs. It is the same after any change of
# the sources, so the layer that builds the dependencies stays.
FROM ${BUILDER_IMAGE} AS manifests
WORKDIR /manifests
COPY . .
RUN find . -type f ! -name Cargo.toml ! -name Cargo.lock ! -path './.cargo/*' ! -path '*/src/main.rs' ! -path '*/src/lib.rs' -delete \
    && find . -type d -empty -delete \
    && echo 'fn main() {}' >/tmp/empty.rs \
    && find . -name '*.rs' -exec cp /tmp/empty.rs {} \;

FROM ${BUILDER_IMAGE} AS build
# `dev` builds faster, for a try.
ARG PROFILE=release
WORKDIR /build
COPY --from=manifests /manifests .
RUN cargo fetch --locked
RUN cargo build --locked --offline --workspace --exclude bench --profile "${PROFILE}"
COPY . .
# The empty programs were built after the sources were written, and cargo goes by that.
RUN find . -path ./target -prune -o -name '*.rs' -exec touch {} + \
    && cargo build --locked --offline --workspace --exclude bench --bins --profile "${PROFILE}" \
    && directory="target/$(test "${PROFILE}" = dev && echo debug || echo "${PROFILE}")" \
    && install -D -t /out "${directory}/user-service" "${directory}/relation-service" "${directory}/mutual"

FROM runtime AS user-service
COPY --from=build /out/user-service /usr/local/bin/
ENV LISTEN=0.0.0.0:8081
EXPOSE 8081
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["user-service", "--healthcheck"]
ENTRYPOINT ["user-service"]

FROM runtime AS relation-service
COPY --from=build /out/relation-service /usr/local/bin/
ENV LISTEN=0.0.0.0:8082
EXPOSE 8082
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["relation-service", "--healthcheck"]
ENTRYPOINT ["relation-service"]

FROM runtime AS mutual
COPY --from=build /out/mutual /usr/local/bin/
ENV USER_LISTEN=0.0.0.0:8081 RELATION_LISTEN=0.0.0.0:8082
EXPOSE 8081 8082
HEALTHCHECK --interval=5s --timeout=5s --start-period=30s CMD ["mutual", "--healthcheck"]
ENTRYPOINT ["mutual"]
