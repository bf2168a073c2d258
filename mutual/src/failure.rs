//! Why an operator's command fails.

use std::io;

use shared::db::StoreError;

/// Shown on standard error; the exit code is 1.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A file, an address or a process.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// user-service does not start.
    #[error(transparent)]
    UserService(#[from] user_service::app::StartError),
    /// relation-service does not start.
    #[error(transparent)]
    RelationService(#[from] relation_service::app::StartError),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// What was asked for is possible, but not now or not to this one.
    #[error("{0}")]
    Refused(String),
    /// The audit could not look.
    #[error("could not be checked: {0}")]
    Unchecked(StoreError),
    /// The audit found something; the lines are printed already.
    #[error("something has drifted")]
    Drift,
}
