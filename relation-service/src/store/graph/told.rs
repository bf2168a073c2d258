//! What a batch tells memory. Whatever of the store writes to a table that entries are made of tells it itself, so
//! that no command can forget to.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use shared::id::UserId;

use super::wire::Wire;
use crate::domain::CountDelta;
use crate::store::fact::KnownUser;
use crate::store::pair::{Key, PairChange};

/// A change of the tables.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Wire", try_from = "Wire")]
pub enum Told {
    /// Of pairs, with what each side keeps about the other.
    Pairs(Vec<PairChange>),
    /// Of counters, by differences.
    Counts(HashMap<UserId, CountDelta>),
    /// What is known about a person.
    Facts(KnownUser),
    /// A note, empty for none.
    Note(Key, String),
    /// Rows of these people, in a way that nobody says: they are to be read again.
    Rows(Vec<UserId>),
    /// The counters of others begin to follow somebody into hiding or back, or have done so.
    Uncounted,
}

impl Told {
    /// Whose entries it changes.
    pub fn people(&self) -> Vec<UserId> {
        match self {
            Self::Pairs(changes) => changes.iter().flat_map(|change| [change.key.0, change.key.1]).collect(),
            Self::Counts(deltas) => deltas.keys().copied().collect(),
            Self::Facts(known) => vec![known.id],
            Self::Note(key, _) => vec![key.0],
            Self::Rows(people) => people.clone(),
            Self::Uncounted => vec![super::EVERYBODY],
        }
    }
}

/// The transaction of this service's writer.
pub type Transaction<'a> = shared::writer::Transaction<'a, Told>;
