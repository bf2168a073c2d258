//! .
pub mod actors;
pub mod domain;
pub mod handle;
mod http;
pub mod store;
