//! Why an act is refused.

use std::time::Duration;

/// The only way in which a decision fails. The HTTP status belongs to the layer that speaks HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// R3.
    #[error("Nobody can have a relation with themselves.")]
    SelfRelation,
    /// R4, and R5 for a target that blocks the source: the two must not be told apart.
    #[error("There is no such user.")]
    UserNotFound,
    /// R5: the source's own block is no secret to the source.
    #[error("You block this user; unblock them first.")]
    YouBlockThem,
    /// R9.
    #[error("You follow as many people as one account may.")]
    FollowingLimitReached,
    /// R9 for a follow that would become a request.
    #[error("You have as many follow requests waiting as one account may.")]
    RequestLimitReached,
    /// The limit of one's own blocks.
    #[error("You block as many people as one account may.")]
    BlockLimitReached,
    /// The limit of one's own mutes.
    #[error("You mute as many people as one account may.")]
    MuteLimitReached,
    /// The limit of one's own close friends.
    #[error("You have as many close friends as one account may.")]
    CloseFriendLimitReached,
    /// The limit of one's own notes.
    #[error("You keep notes about as many people as one account may.")]
    NoteLimitReached,
    /// The quota of a day.
    #[error("You have begun to follow as many people within 24 hours as one account may.")]
    FollowQuotaExceeded {
        /// The quota.
        at_most: usize,
        /// For how long no other follow will be taken.
        wait: Duration,
    },
    /// A close friend must be a follower.
    #[error("This user does not follow you.")]
    NotAFollower,
    /// R15, R16.
    #[error("This user has not asked to follow you.")]
    NoSuchRequest,
}

impl Refusal {
    /// The stable code by which programs know the refusal.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::SelfRelation => "self_relation",
            Self::UserNotFound => "user_not_found",
            Self::YouBlockThem => "you_block_them",
            Self::FollowingLimitReached => "following_limit_reached",
            Self::RequestLimitReached => "request_limit_reached",
            Self::BlockLimitReached => "block_limit_reached",
            Self::MuteLimitReached => "mute_limit_reached",
            Self::CloseFriendLimitReached => "close_friend_limit_reached",
            Self::NoteLimitReached => "note_limit_reached",
            Self::FollowQuotaExceeded { .. } => "follow_quota_exceeded",
            Self::NotAFollower => "not_a_follower",
            Self::NoSuchRequest => "no_such_request",
        }
    }
}
