//! The actors of this service, each with one job, a bounded queue and a handle.
//!
//! `Writer` (from `shared`, running [`change::RelationEngine`]) is the only way to change a table;
//! [`feed::UserFeed`] keeps this service's copy of user facts; [`janitor::Janitor`] does long work in
//! bounded steps; [`importer::Importer`] works off files, for which it may have to wait for user-service;
//! [`auditor::Auditor`] recounts everything when asked to. A new one needs a state that nobody else owns.

pub mod absent;
pub mod audit;
pub mod auditor;
mod batch;
pub mod change;
mod dismissal;
pub mod feed;
pub mod import;
pub mod import_file;
mod import_step;
pub mod importer;
pub mod janitor;
mod learn;
mod mend;
mod names;
mod news;
mod note;
mod purge;
mod relearn;
mod sweep;
mod user_client;
