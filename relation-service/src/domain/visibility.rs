//! R50 to R54: whether one person may do something that another service is about to let them do.

use shared::clock::Micros;
use shared::facts::{Access, AccountStatus, Audience, ListAudience};

use super::action::Action;
use super::decide::decide;
use super::facts::{ActorFacts, Facts, Limits};
use super::pair::Pair;
use super::refusal::Refusal;
use super::viewing::{Hidden, Onlooker, may_see_content, may_see_lists, may_see_person};

/// What the viewer would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// See that the person is there, and their profile.
    ViewProfile,
    /// See what they post.
    ViewContent,
    /// Follow them, or ask to.
    Follow,
    /// Write to them.
    Message,
    /// Comment on what is theirs.
    Comment,
    /// Mention them.
    Mention,
    /// Read their lists.
    SeeRelations,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// R53: one of the two has never been heard of.
    Unknown,
    /// R50: one of the two is hidden; never [`AccountStatus::Active`].
    Gone(AccountStatus),
    /// R50: one of the two blocks the other.
    Blocked,
    /// R51: the account is private, and the viewer is no accepted follower.
    Private,
    /// R44: the lists are for these alone.
    ListsFor(ListAudience),
    /// R52: this is for these alone.
    Only(Audience),
    /// Only somebody who is signed in can do it.
    Nameless,
    /// The follow itself would be refused.
    Refused(Refusal),
    /// It would be allowed by what is known, but the person may have forbidden it since.
    Unconfirmed,
}

impl Denial {
    /// The stable word on the wire.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Gone(AccountStatus::Suspended) => "suspended",
            Self::Gone(AccountStatus::Deactivated) => "deactivated",
            Self::Gone(AccountStatus::Deleted | AccountStatus::Active) => "deleted",
            Self::Blocked => "blocked",
            Self::Private => "private_account",
            Self::ListsFor(ListAudience::Followers) | Self::Only(Audience::Followers) => "followers_only",
            Self::Only(Audience::Friends) => "friends_only",
            Self::ListsFor(_) | Self::Only(_) => "nobody",
            Self::Nameless => "sign_in_required",
            Self::Refused(refusal) => refusal.code(),
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

/// Who would do it.
#[derive(Debug, Clone, Copy)]
pub enum Viewer {
    /// Nobody is signed in: a stranger who can do nothing in their own name.
    Nameless,
    /// The owner.
    Owner,
    /// Somebody else.
    Other {
        /// What is known about them.
        known: Option<Access>,
        /// What is between the two; the viewer is its source.
        pair: Pair,
        /// What they hold, for a follow.
        holds: ActorFacts,
    },
}

/// What every question of one moment shares.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances {
    /// The settings.
    pub limits: Limits,
    /// The time.
    pub now: Micros,
    /// False while news about people are known to wait that have not been taken in for too long.
    pub current: bool,
}

/// Whether `viewer` may do `attempt` to the owner, by the rules that lists, counts and acts ask.
pub fn check_visibility(
    attempt: Attempt,
    viewer: Viewer,
    owner: Option<Access>,
    circumstances: Circumstances,
) -> Result<(), Denial> {
    let owner = there(owner)?;
    if let Viewer::Other { known, .. } = viewer {
        there(known)?;
    }
    allowed(attempt, viewer, owner, circumstances)?;
    if circumstances.current {
        return Ok(());
    }
    // What the tightest settings would leave open, no news can have closed.
    allowed(attempt, viewer, tightest(owner), circumstances).map_err(|_| Denial::Unconfirmed)
}

fn there(person: Option<Access>) -> Result<Access, Denial> {
    let person = person.ok_or(Denial::Unknown)?;
    if person.status == AccountStatus::Active { Ok(person) } else { Err(Denial::Gone(person.status)) }
}

fn tightest(owner: Access) -> Access {
    Access {
        private_account: true,
        show_relations: ListAudience::OnlyMe,
        messages_from: Audience::Nobody,
        comments_from: Audience::Nobody,
        mentions_from: Audience::Nobody,
        ..owner
    }
}

fn allowed(
    attempt: Attempt,
    viewer: Viewer,
    owner: Access,
    circumstances: Circumstances,
) -> Result<(), Denial> {
    let onlooker = match viewer {
        Viewer::Owner => Onlooker::Owner,
        Viewer::Other { pair, .. } => Onlooker::Other(pair),
        Viewer::Nameless => Onlooker::Other(Pair::default()),
    };
    may_see_person(owner, onlooker)?;
    if matches!(onlooker, Onlooker::Other(pair) if pair.forward.is_block()) {
        return Err(Denial::Blocked);
    }
    match attempt {
        Attempt::ViewProfile => Ok(()),
        Attempt::ViewContent => Ok(may_see_content(owner, onlooker)?),
        Attempt::SeeRelations => Ok(may_see_lists(owner, onlooker)?),
        Attempt::Follow => may_follow(viewer, owner, circumstances),
        Attempt::Message => may_address(viewer, owner.messages_from),
        Attempt::Comment => may_address(viewer, owner.comments_from),
        Attempt::Mention => may_address(viewer, owner.mentions_from),
    }
}

fn may_follow(viewer: Viewer, owner: Access, circumstances: Circumstances) -> Result<(), Denial> {
    let Circumstances { limits, now, .. } = circumstances;
    match viewer {
        Viewer::Nameless => Err(Denial::Nameless),
        Viewer::Owner => Err(Denial::Refused(Refusal::SelfRelation)),
        Viewer::Other { pair, holds, .. } => {
            let facts = Facts { target: owner.into(), actor: holds, limits };
            let decided = decide(pair, Action::Follow { notify: None }, &facts, now);
            decided.map(drop).map_err(Denial::Refused)
        }
    }
}

/// By the relation of the two: a follower is one whom the owner has accepted (R52).
fn may_address(viewer: Viewer, audience: Audience) -> Result<(), Denial> {
    let pair = match viewer {
        Viewer::Nameless => return Err(Denial::Nameless),
        Viewer::Owner => return Ok(()),
        Viewer::Other { pair, .. } => pair,
    };
    let belongs = match audience {
        Audience::Everyone => true,
        Audience::Followers => pair.forward.is_follow(),
        Audience::Friends => pair.is_friends(),
        Audience::Nobody => false,
    };
    if belongs { Ok(()) } else { Err(Denial::Only(audience)) }
}

impl From<Hidden> for Denial {
    /// Who is not there was asked before, so what is hidden here is behind a block.
    fn from(hidden: Hidden) -> Self {
        match hidden {
            Hidden::NotFound => Self::Blocked,
            Hidden::Private => Self::Private,
            Hidden::ListsFor(audience) => Self::ListsFor(audience),
        }
    }
}
