//! What can go wrong below the rules: told apart only as far as a caller can act on it.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failure of the store. None of these is the caller's fault, and none is shown to it in detail.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A bounded queue is full: try again a little later.
    #[error("too much work is waiting")]
    Overloaded,
    /// The database cannot be reached or refused to work: try again when it is back.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// An answer takes too long to find, and would again.
    #[error("the answer takes too long: {0}")]
    TooLong(&'static str),
    /// Another process writes to this embedded database.
    #[error("{0} is in use by another process; stop it first")]
    InUse(String),
    /// The database answered with an error that repeating will not mend.
    #[error("the database refused a statement: {0}")]
    Refused(DieselError),
    /// Stored data does not have the form that the code writes.
    #[error("stored data is not readable: {0}")]
    Unreadable(String),
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        let broken = matches!(error, DieselError::BrokenTransactionManager);
        let DieselError::DatabaseError(kind, info) = &error else {
            return if broken { Self::Unavailable(error.to_string()) } else { Self::Refused(error) };
        };
        let away = matches!(
            kind,
            DatabaseErrorKind::ClosedConnection
                | DatabaseErrorKind::UnableToSendCommand
                | DatabaseErrorKind::SerializationFailure
                | DatabaseErrorKind::ReadOnlyTransaction
        );
        if away || is_passing(info.message()) {
            return Self::Unavailable(info.message().to_owned());
        }
        Self::Refused(error)
    }
}

impl From<diesel::ConnectionError> for StoreError {
    fn from(error: diesel::ConnectionError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Conditions outside of the statement that diesel reports as `Unknown`: SQLite's busy, full and
/// I/O errors, and Postgres going away. The texts are SQLite's `sqlite3_errstr` and libpq's.
fn is_passing(message: &str) -> bool {
    const PASSING: [&str; 13] = [
        "database is locked",
        "database or disk is full",
        "disk I/O error",
        "unable to open database file",
        "attempt to write a readonly database",
        "server closed the connection",
        "terminating connection",
        "connection to server",
        "could not receive data",
        "the database system is",
        "no connection to the server",
        "statement timeout",
        "lock timeout",
    ];
    PASSING.iter().any(|text| message.contains(text))
}
