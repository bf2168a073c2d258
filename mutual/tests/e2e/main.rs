//! Both services as one process, as an operator starts it: over HTTP, with real signals and crashes.

#![expect(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

mod audit;
mod commands;
mod crash;
mod engines;
mod freshness;
mod import;
mod keys;
mod lists;
mod metrics;
mod migrate_store;
mod nats;
mod search;
mod walkthrough;
mod world;
