# The project's commands. Each is one line of cargo: just is a convenience, not a need.

set shell := ["bash", "-euo", "pipefail", "-c"]

# Show the recipes.
default:
    @just --list

# Format, lints and, where cargo-deny is installed, the dependencies.
check:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --locked -- -D warnings
    if cargo deny --version 2>/dev/null; then cargo deny --locked check --hide-inclusion-graph licenses bans sources; \
        else echo "cargo-deny is not installed: the dependencies were not checked"; fi

# All tests. Those on Postgres run where a server is installed, and are skipped elsewhere.
test *args:
    cargo test --workspace --locked {{ args }}

# All tests; a skipped Postgres run is a failure. Each service also alone.
test-all:
    MUTUAL_TEST_POSTGRES=required cargo test --workspace --locked
    MUTUAL_TEST_POSTGRES=required cargo test -p user-service --locked
    MUTUAL_TEST_POSTGRES=required cargo test -p relation-service --locked

# Both services in one process on embedded databases in ./data.
run *args:
    cargo run --release --locked -- {{ args }}

# Write the OpenAPI descriptions anew after a change of routes.
openapi:
    UPDATE_EXPECT=1 cargo test --workspace --locked openapi

# Calls every operation of both services as the descriptions allow and forbid: `--short`, `--examples N`, `--seed S`.
fuzz *args:
    .ci/fuzz {{ args }}

# Measures the services, each figure beside a bare handler: `--graph FILE`, `--short`, `--help`.
bench *args:
    cargo build --release --locked -p mutual -p bench
    target/release/bench run {{ args }}

# What the continuous integration runs; installs packages, so as root on Debian.
ci:
    .ci/run
