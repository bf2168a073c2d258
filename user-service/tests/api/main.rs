//! user-service from outside: a real server on a real database of each kind.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test stands on stops it where it cannot go on"
)]

mod fake_relation_service;
mod post;
mod program;
mod test_app;

mod at_once;
mod audit_log;
mod bad_input;
mod callers;
mod deactivation;
mod deletion;
mod email;
mod export;
mod feed;
mod guessing;
mod idempotency;
mod import;
mod instances;
mod login;
mod lookups;
mod mailer;
mod me;
mod metrics;
mod moderation;
mod openapi;
mod overload;
mod password;
mod password_reset;
mod plans;
mod refresh;
mod register;
mod rename;
mod retention;
mod roster;
mod schema;
mod search;
mod search_blocks;
mod search_index;
mod secrets;
mod sessions;
mod spans;
mod statements;
mod step_up;
mod stopping;
mod store;
mod suspension;
mod tokens;
mod two_factor;
mod two_factor_codes;
mod two_factor_login;
mod two_factor_mail;
mod upkeep;
