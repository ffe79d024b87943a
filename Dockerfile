# The daemon, and every other command: docker build -t thermocline .
#
# Two stages: what builds it stays behind. It runs as a user that owns nothing but /data.

FROM rust:1.95-bookworm AS build
WORKDIR /source
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/source/target \
    cargo build --release --locked --bin thermocline --features postgres,s3 && \
    install -D target/release/thermocline /out/thermocline

FROM debian:bookworm-slim
RUN apt-get update && \
    apt-get install --yes --no-install-recommends curl tzdata && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --system --uid 10001 --home-dir /data --create-home thermocline
COPY --from=build /out/thermocline /usr/local/bin/thermocline
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=3s --start-period=60s --retries=3 \
    CMD curl --fail --silent --show-error http://127.0.0.1:9464/healthz
ENTRYPOINT ["thermocline"]
CMD ["run"]
