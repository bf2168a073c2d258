//! What both services share, and no business words: ids, time, pages, problems, tokens, events,
//! database plumbing, the group-commit writer, HTTP conventions, telemetry and test support.

pub mod actor;
pub mod admin;
pub mod cache;
pub mod clock;
pub mod db;
pub mod event;
pub mod facts;
pub mod healthcheck;
pub mod http;
pub mod id;
pub mod metric;
pub mod page;
pub mod problem;
pub mod process;
pub mod publisher;
pub mod rate_limit;
pub mod revision;
pub mod secret;
pub mod settings;
pub mod span;
pub mod tail;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod text;
pub mod token;
pub mod word;
pub mod writer;
