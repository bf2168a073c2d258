//! What a decision comes to, in one word.

use super::change::{Cause, ChangeKind, Side};
use super::decide::Decision;

/// The word that batches and `explain` answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The source follows the target now.
    Followed,
    /// The source has asked to follow the target.
    Requested,
    /// The target follows the source now, because the source accepted.
    Accepted,
    /// The target's request is gone, because the source rejected it.
    Rejected,
    /// A follow of one of the two, or the source's own request, is gone.
    Removed,
    /// The source blocks the target now.
    Blocked,
    /// The source no longer blocks the target.
    Unblocked,
    /// The source mutes the target now, or in another way.
    Muted,
    /// The source no longer mutes the target.
    Unmuted,
    /// No edge began or ended.
    Unchanged,
    /// The word for every [`super::Refusal`], whose code says which.
    Refused,
}

impl Outcome {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Followed => "followed",
            Self::Requested => "requested",
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Removed => "removed",
            Self::Blocked => "blocked",
            Self::Unblocked => "unblocked",
            Self::Muted => "muted",
            Self::Unmuted => "unmuted",
            Self::Unchanged => "unchanged",
            Self::Refused => "refused",
        }
    }
}

/// The word for a decision: that of its last event, which is the one that the action was for.
pub fn outcome(decision: &Decision) -> Outcome {
    let Some(last) = decision.changes.last() else { return Outcome::Unchanged };
    match (last.kind, last.actor, last.cause) {
        (ChangeKind::FollowCreated | ChangeKind::RequestAccepted, Side::Source, _) => Outcome::Followed,
        (ChangeKind::FollowCreated | ChangeKind::RequestAccepted, Side::Target, _) => Outcome::Accepted,
        (ChangeKind::RequestCreated, _, _) => Outcome::Requested,
        (ChangeKind::RequestRemoved, _, Some(Cause::Rejected)) => Outcome::Rejected,
        (ChangeKind::FollowRemoved | ChangeKind::RequestRemoved, _, _) => Outcome::Removed,
        (ChangeKind::BlockCreated, _, _) => Outcome::Blocked,
        (ChangeKind::BlockRemoved, _, _) => Outcome::Unblocked,
        (ChangeKind::MuteCreated, _, _) => Outcome::Muted,
        (ChangeKind::MuteRemoved, _, _) => Outcome::Unmuted,
    }
}
