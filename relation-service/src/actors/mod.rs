//! The actors of this service, each with one job, a bounded queue and a handle.
//!
//! `Writer` (from `shared`, running [`change::RelationEngine`]) is the only way to change a table;
//! [`feed::UserFeed`] keeps this service's copy of user facts; [`janitor::Janitor`] does long work in
//! bounded steps. A new one needs a state that nobody else owns.

mod batch;
pub mod change;
mod dismissal;
pub mod feed;
pub mod janitor;
mod learn;
mod news;
mod note;
mod purge;
mod sweep;
mod user_client;
