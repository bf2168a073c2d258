//! What a batch tells memory, of this process and of others. Whatever of the store writes to a table that something is
//! remembered of tells it itself, so that no command can forget to.

use serde::{Deserialize, Serialize};
use shared::id::{SessionId, UserId};

/// A change of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Told {
    /// Of what is known of a person.
    #[serde(rename = "p")]
    Person(UserId),
    /// A session has ended before its time.
    #[serde(rename = "e")]
    Ended(SessionId),
}

/// The transaction of this service's writer.
pub type Transaction<'a> = shared::writer::Transaction<'a, Told>;
