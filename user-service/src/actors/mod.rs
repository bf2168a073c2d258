//! The actors of this service, each with one job, a bounded queue and a handle.
//!
//! `Writer` (from `shared`, running [`change::UserEngine`]) is the only way to change a table;
//! [`hasher::PasswordHasher`] keeps expensive work on passwords away from everything else;
//! [`mailer::Mailer`] sends what waits in the outbox; [`janitor::Janitor`] does what falls due by itself, in
//! bounded steps. A new one needs a state that nobody else owns.

pub mod account;
pub mod change;
pub mod email;
pub mod hasher;
pub mod janitor;
pub mod login;
pub mod mail;
pub mod mail_command;
pub mod mail_limit;
pub mod mail_transport;
pub mod mailer;
pub mod moderation;
pub mod names;
pub mod password_reset;
mod profile;
pub mod register;
pub mod step_up;
mod upkeep;
