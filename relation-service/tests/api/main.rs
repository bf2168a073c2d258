//! relation-service from outside: a real server on a real database of each kind, and user-service
//! played by a fake. A test named `r05_...` checks the rule R5 of the contract.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test stands on stops it where it cannot go on"
)]

mod breakages;
mod fake_user_service;
mod model;
mod person;
mod random;
mod test_app;

mod at_once;
mod audit;
mod bad_input;
mod batches;
mod blocks;
mod bounded_steps;
mod callers;
mod close_friends;
mod counts;
mod deletion;
mod differential;
mod dismissals;
mod engine;
mod events;
mod explain;
mod export;
mod export_files;
mod fanout;
mod fanout_limits;
mod follows;
mod freshness;
mod friends;
mod hidden;
mod hiding;
mod histories;
mod import_leaves_out;
mod import_places;
mod import_steps;
mod imports;
mod instances;
mod limits;
mod linearizable;
mod lists;
mod memory;
mod metrics;
mod mutes;
mod nats;
mod nats_readers;
mod notes;
mod openapi;
mod outages;
mod overlaps;
mod quality;
mod quota;
mod races;
mod relationships;
mod requests;
mod restores;
mod retention;
mod revision;
mod schema;
mod secrecy;
mod sessions;
mod similar;
mod size;
mod standings;
mod statements;
mod stream;
mod suggestions;
mod sweeps;
mod tail;
mod traces;
mod visibility;
mod walks;
