//! What the rules ask about beyond the pair itself.

/// About the target. Unknown people have no facts: the caller answers them with
/// [`super::Refusal::UserNotFound`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TargetFacts {
    /// False while suspended, deactivated or deleted.
    pub visible: bool,
    /// Follows of this account must be asked for.
    pub private: bool,
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
}

/// How many edges one person may hold; an act that would hold one more is refused.
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
