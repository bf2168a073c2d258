//! The service as its clients see it: real HTTP on a port of its own, on both databases.

mod app;
mod bad_input;
mod feed;
mod import;
mod login;
mod lookups;
mod me;
mod openapi;
mod overload;
mod refresh;
mod register;
mod sessions;
mod store;
