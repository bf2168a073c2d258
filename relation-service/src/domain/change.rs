//! What the event feed says about a step of a pair.

use super::marks::Mute;
use super::pair::{Edge, Pair};

/// The type of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChangeKind {
    /// A follow began.
    FollowCreated,
    /// A follow ended.
    FollowRemoved,
    /// Somebody asked to follow a private account.
    RequestCreated,
    /// A request became a follow; `follow.created` comes right after it.
    RequestAccepted,
    /// A request ended without becoming a follow.
    RequestRemoved,
    /// A block began.
    BlockCreated,
    /// A block ended.
    BlockRemoved,
    /// A mute began, or was replaced by another.
    MuteCreated,
    /// A mute was ended. One that is over by itself is no event: its beginning said when.
    MuteRemoved,
}

impl ChangeKind {
    /// The event type on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FollowCreated => "follow.created",
            Self::FollowRemoved => "follow.removed",
            Self::RequestCreated => "request.created",
            Self::RequestAccepted => "request.accepted",
            Self::RequestRemoved => "request.removed",
            Self::BlockCreated => "block.created",
            Self::BlockRemoved => "block.removed",
            Self::MuteCreated => "mute.created",
            Self::MuteRemoved => "mute.removed",
        }
    }

    /// Only the end of a follow or a request leaves open why; the other types say it themselves.
    const fn has_cause(self) -> bool {
        matches!(self, Self::FollowRemoved | Self::RequestRemoved)
    }
}

/// Why a follow or a request ended. A deactivation is none: it hides, and ends nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The follower ended the follow.
    Unfollow,
    /// The requester withdrew the request.
    Cancelled,
    /// The person asked said no.
    Rejected,
    /// The person followed removed the follower.
    RemovedByTarget,
    /// One of the two blocked the other.
    Block,
    /// One of the two accounts was deleted.
    Deleted,
    /// An import that overwrites left it out.
    Import,
}

impl Cause {
    /// The cause on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unfollow => "unfollow",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::RemovedByTarget => "removed_by_target",
            Self::Block => "block",
            Self::Deleted => "deleted",
            Self::Import => "import",
        }
    }
}

/// One of the two people of a pair, so that the rules need no ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Who acts.
    Source,
    /// Who is acted upon.
    Target,
}

impl Side {
    /// The other person.
    pub const fn other(self) -> Self {
        match self {
            Self::Source => Self::Target,
            Self::Target => Self::Source,
        }
    }
}

/// One event. The actor is the holder of the edge (follower, requester, blocker), whoever moved it: when the
/// source accepts a request, the actor of both events is the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// The follower, the requester or the blocker.
    pub actor: Side,
    /// The person followed, asked or blocked.
    pub subject: Side,
    /// Present for `follow.removed` and `request.removed`.
    pub cause: Option<Cause>,
    /// Present for `mute.created`.
    pub mute: Option<Mute>,
}

/// The events of the step from `before` to `after`, in the order of the feed: endings before beginnings, so
/// that a reader of the feed never holds a block beside a follow. `cause` is given to every ending that
/// carries one; a change of options alone is no event.
pub fn changes(before: Pair, after: Pair, cause: Option<Cause>) -> Vec<Change> {
    let steps =
        [(Side::Source, before.forward, after.forward), (Side::Target, before.backward, after.backward)];
    let endings = steps.into_iter().filter_map(|(actor, old, new)| Some((actor, ended(old, new)?)));
    let beginnings = steps.into_iter().filter_map(|(actor, old, new)| Some((actor, begun(old, new)?)));
    endings
        .chain(beginnings)
        .map(|(actor, kind)| Change {
            kind,
            actor,
            subject: actor.other(),
            cause: cause.filter(|_| kind.has_cause()),
            mute: None,
        })
        .chain(mute_change(Side::Source, before.marks.mute, after.marks.mute))
        .chain(mute_change(Side::Target, before.back_marks.mute, after.back_marks.mute))
        .collect()
}

fn mute_change(actor: Side, before: Option<Mute>, after: Option<Mute>) -> Option<Change> {
    let kind = match (before, after) {
        (old, new) if old == new => return None,
        (_, Some(_)) => ChangeKind::MuteCreated,
        (_, None) => ChangeKind::MuteRemoved,
    };
    Some(Change { kind, actor, subject: actor.other(), cause: None, mute: after })
}

fn ended(old: Edge, new: Edge) -> Option<ChangeKind> {
    match old {
        Edge::Follow { .. } if !new.is_follow() => Some(ChangeKind::FollowRemoved),
        Edge::Request { .. } if new.is_follow() => Some(ChangeKind::RequestAccepted),
        Edge::Request { .. } if !new.is_request() => Some(ChangeKind::RequestRemoved),
        Edge::Block { .. } if !new.is_block() => Some(ChangeKind::BlockRemoved),
        Edge::None | Edge::Follow { .. } | Edge::Request { .. } | Edge::Block { .. } => None,
    }
}

fn begun(old: Edge, new: Edge) -> Option<ChangeKind> {
    match new {
        Edge::Follow { .. } if !old.is_follow() => Some(ChangeKind::FollowCreated),
        Edge::Request { .. } if !old.is_request() => Some(ChangeKind::RequestCreated),
        Edge::Block { .. } if !old.is_block() => Some(ChangeKind::BlockCreated),
        Edge::None | Edge::Follow { .. } | Edge::Request { .. } | Edge::Block { .. } => None,
    }
}
