//! What the rules ask about beyond the pair itself.

use std::time::Duration;

use shared::clock::Micros;
use shared::facts::{Access, AccountStatus};

use super::counts::CountDelta;

/// The time in which follows are counted for the quota.
pub const QUOTA_SPAN: Duration = Duration::from_secs(24 * 60 * 60);

/// About the target. Unknown people have no facts: the caller answers them with
/// [`super::Refusal::UserNotFound`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetFacts {
    /// False while suspended, deactivated or deleted.
    pub visible: bool,
    /// Follows of this account must be asked for.
    pub private: bool,
}

impl From<Access> for TargetFacts {
    fn from(access: Access) -> Self {
        Self { visible: access.status == AccountStatus::Active, private: access.private_account }
    }
}

/// How many edges the source holds now, as the limits count them: follows of hidden people and requests to
/// them are left out, as in the counts that the source sees (R9, R45).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ActorFacts {
    /// People whom the source follows; requests do not count.
    pub following: i64,
    /// The source's requests that wait for an answer.
    pub requests_sent: i64,
    /// People whom the source blocks.
    pub blocks: i64,
    /// People whom the source mutes, without mutes that are over.
    pub mutes: i64,
    /// The source's close friends.
    pub close_friends: i64,
    /// From when on the source may begin another follow; `None` where the quota leaves room.
    pub may_follow_from: Option<Micros>,
}

impl From<CountDelta> for ActorFacts {
    /// What the counters say; the other limits leave room.
    fn from(held: CountDelta) -> Self {
        let CountDelta { following, requests_sent, blocks, .. } = held;
        Self { following, requests_sent, blocks, ..Self::default() }
    }
}

/// How much one person may hold, and do in a day; an act that would be one more is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most people that one may follow by one's own act. Accepted requests may go beyond it (R9).
    pub following_max: i64,
    /// Most requests that one may have waiting.
    pub requests_sent_max: i64,
    /// Most people that one may block.
    pub blocks_max: i64,
    /// Most people that one may mute.
    pub mutes_max: i64,
    /// Most close friends.
    pub close_friends_max: i64,
    /// Most people about whom one may keep a note.
    pub notes_max: i64,
    /// Characters of a note at the most.
    pub note_chars_max: usize,
    /// People whose suggestion one may have dismissed; one more, and the oldest may be suggested again.
    pub dismissals_max: i64,
    /// For how long a dismissal holds.
    pub dismissal_span: Duration,
    /// Follows and requests that one may begin within [`QUOTA_SPAN`]; 0 is no quota.
    pub follows_per_24h: usize,
    /// Imports that one may begin within 24 hours; 0 is no quota.
    pub imports_per_24h: usize,
}

impl Limits {
    /// When one who began follows at `starts`, oldest first, may begin another; `None` is now. Each start
    /// counts for [`QUOTA_SPAN`], so room comes when the oldest of the newest so many falls out.
    pub fn may_follow_from(&self, starts: &[Micros]) -> Option<Micros> {
        let oldest = starts.len().checked_sub(self.follows_per_24h).filter(|_| self.follows_per_24h > 0)?;
        starts.get(oldest).map(|start| start.after(QUOTA_SPAN))
    }
}

/// Everything that a decision rests on beside the pair, the action and the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The person acted upon.
    pub target: TargetFacts,
    /// The person who acts.
    pub actor: ActorFacts,
    /// The settings.
    pub limits: Limits,
}
