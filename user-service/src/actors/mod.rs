//! The actors of this service, each with one job, a bounded queue and a handle.
//!
//! `Writer` (from `shared`, running [`change::UserEngine`]) is the only way to change a table;
//! [`hasher::PasswordHasher`] keeps expensive work on passwords away from everything else;
//! [`mailer::Mailer`] sends what waits in the outbox; [`janitor::Janitor`] does what falls due by itself, in
//! bounded steps; [`relation_client::RelationClient`] asks relation-service who blocks whom. A new one needs a state that nobody else owns.

pub mod account;
pub mod change;
mod deletion;
pub mod email;
pub mod hasher;
pub mod hashing;
mod idempotency;
pub mod ids;
pub mod janitor;
pub mod login;
pub mod mail;
pub mod mail_command;
pub mod mail_limit;
pub mod mail_transport;
pub mod mailer;
pub mod moderation;
pub mod names;
pub mod node;
pub mod outbox;
pub mod password_reset;
mod profile;
pub mod register;
pub mod relation_client;
mod second_factor;
pub mod step_up;
pub mod two_factor;
mod upkeep;
