//! Events as the feeds of both services carry them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::clock::Micros;
use crate::id::UserId;

/// One event of a service's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Contiguous, in commit order: a reader that has seen `n` never misses one below it.
    #[schema(minimum = 1)]
    pub seq: i64,
    /// What happened, as `noun.verb`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it was committed.
    pub at: Micros,
    /// Who did it; null when no person did.
    pub actor_id: Option<UserId>,
    /// To whom.
    pub subject_id: Option<UserId>,
    /// Why, where the same change has several reasons.
    pub cause: Option<String>,
    /// What else a consumer needs.
    #[schema(value_type = Object)]
    pub data: Value,
}

/// A page of a feed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventPage {
    /// The events after `after`, oldest first.
    pub items: Vec<Event>,
    /// What to send as `after` next.
    pub next_after: i64,
    /// The number of the oldest event still kept.
    pub oldest: i64,
    /// The number of the newest event: a reader that is beyond it has read another log.
    pub newest: i64,
}

/// An event that a transaction is about to write; the log gives it its number.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// What happened, as `noun.verb`.
    pub kind: &'static str,
    /// When.
    pub at: Micros,
    /// Who did it.
    pub actor: Option<UserId>,
    /// To whom.
    pub subject: Option<UserId>,
    /// Why.
    pub cause: Option<&'static str>,
    /// A JSON object.
    pub data: String,
}
