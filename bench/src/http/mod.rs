//! Servers to compare with, each a child process so that its time is counted apart.

pub mod hello;
pub mod naive;
