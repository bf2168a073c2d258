//! What a person, a name, a password and a session are, and the rules that they obey.
//!
//! Pure: no I/O, no clock and no randomness of its own, and no failure but refusal. What a rule needs
//! (the time, a key, a setting) is handed to it, so every rule is tested as a table.

mod patch;

pub mod account;
pub mod audit_log;
pub mod change;
pub mod denial;
pub mod email;
pub mod email_change;
pub mod field;
pub mod folding;
pub mod guessing;
pub mod hash_cost;
pub mod idempotency;
pub mod known_network;
pub mod limits;
pub mod login;
pub mod mail;
pub mod mail_token;
pub mod moderation;
pub mod password;
pub mod password_change;
pub mod password_reset;
pub mod privacy;
pub mod profile;
pub mod ranking;
pub mod recovery_code;
pub mod refresh_token;
pub mod registration;
pub mod rename;
pub mod reserved;
pub mod roster;
pub mod rules;
pub mod sealed;
pub mod search;
pub mod session;
pub mod spelling;
pub mod step_up;
pub mod text;
pub mod totp;
pub mod two_factor;
pub mod username;
pub mod web_address;
pub mod window;
