//! relation-service: who follows, befriends and blocks whom.
//!
//! Layers, each importing only from those to its right:
//! `http -> handle -> actors -> store -> domain -> shared`.
//!
//! A request, for example `PUT /v1/me/following/{id}`: `http::follows` reads the token, the path and the
//! body; [`handle::RelationHandle::act`] sends the command to the writer; [`actors::change`] loads the
//! pair with those of all commands that wait, asks [`domain::decide()`] about each, and has
//! [`store::pair`], [`store::count`] and the log write the outcome in one transaction; once that is
//! durable the answer travels back.

pub mod actors;
pub mod app;
pub mod config;
pub mod domain;
pub mod handle;
pub mod http;
pub mod store;
