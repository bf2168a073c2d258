//! user-service: people, their names, profiles, privacy and sessions.
//!
//! Layers, each importing only from those to its right:
//! `http -> handle -> actors -> store -> domain -> shared`.
//!
//! A request, for example `POST /v1/users`: `http::users` reads the body; [`handle::UserHandle::register`]
//! has [`actors::hasher`] judge it and hash the password, then sends the command to the writer;
//! [`actors::change`] looks up what is taken and has [`store::user`], [`store::claim`], [`store::session`] and
//! the log write the outcome in one transaction with whatever else waits; once that is durable the answer
//! travels back with freshly signed tokens.

pub mod actors;
pub mod app;
pub mod config;
pub mod domain;
pub mod handle;
pub mod http;
pub mod store;
