//! Database plumbing for both backends: one connection type, one way to say a statement.
//!
//! [`Conn`] is SQLite or Postgres behind one enum, for what diesel's `MultiConnection` covers
//! (transactions, migrations). Every statement goes through [`on_backend!`], so that the same
//! expression is type-checked for both and one that either cannot express does not compile.

pub mod audit;
pub mod catalog;
mod checkpoints;
mod connection;
mod error;
pub mod feed_reader;
pub mod log;
mod migrate;
mod owner;
mod reads;
mod rows;
mod schema;
pub mod service_token;
mod snapshots;
mod sql;
pub mod touched;
pub mod transfer;
mod turn;
mod url;
mod wipe;

pub use checkpoints::Checkpoints;
pub use connection::{
    Conn, LISTENER_NAME, begin_snapshot, begin_write, end_write, in_snapshot, open_bulk_writer,
    open_hint_writer, open_listener, open_reader, open_writer, prefer_indexes, quick_check, with_time_limit,
    without_time_limit,
};
pub use error::StoreError;
pub use migrate::{Migrations, Schema, SchemaError, bring_to_schema, migrate, pending_migrations};
pub use owner::Owner;
pub use reads::{READ_QUEUE_MAX, Reads};
pub use rows::{chunks, distinct};
pub use snapshots::{SNAPSHOTS_MAX, Snapshot, Snapshots};
pub use sql::{Value, execute, query};
pub use turn::take_turn;
pub use url::{DatabaseUrl, InvalidDatabaseUrl};
pub use wipe::Wiper;

/// Runs one diesel expression on whichever backend `conn` holds, type-checked for both.
#[macro_export]
macro_rules! on_backend {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::db::Conn::Sqlite($c) => $body,
            $crate::db::Conn::Postgres($c) => $body,
        }
    };
}
