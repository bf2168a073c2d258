//! The state machine of a pair.

use std::time::Duration;

use shared::clock::Micros;
use shared::id::UserId;

use super::action::Action;
use super::change::{Cause, Change, changes};
use super::facts::{Facts, TargetFacts};
use super::marks::{Marks, Mute};
use super::pair::{Edge, Pair};
use super::refusal::Refusal;

/// What an act leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The pair from now on.
    pub pair: Pair,
    /// The events to write, in order.
    pub changes: Vec<Change>,
    /// Whether anything is to be written; true without events when only an option changed (R6).
    pub changed: bool,
}

/// Refuses a relation of somebody with themselves (R3). To be asked before a pair is looked up.
pub fn check_not_self(source: UserId, target: UserId) -> Result<(), Refusal> {
    if source == target { Err(Refusal::SelfRelation) } else { Ok(()) }
}

/// Decides what `action` of the source does to the pair.
///
/// Only a follow, the answer to a request and a mark need a visible target: people must be able to unfollow,
/// remove, block, unblock, unmute and unmark whomever they know, hidden or not.
pub fn decide(pair: Pair, action: Action, facts: &Facts, now: Micros) -> Result<Decision, Refusal> {
    let pair = pair.at(now);
    let after = match action {
        Action::Follow { notify } => Pair { forward: follow(pair, notify, facts, now)?, ..pair },
        Action::Unfollow => Pair { forward: unfollowed(pair.forward), ..pair },
        Action::Accept => Pair { backward: accepted(requested(pair, facts.target)?, now), ..pair },
        Action::Reject => Pair { backward: requested(pair, facts.target).map(|_| Edge::None)?, ..pair },
        Action::RemoveFollower if pair.backward.is_follow() => Pair { backward: Edge::None, ..pair },
        Action::Block if !pair.forward.is_block() => block(pair, facts, now)?,
        Action::Unblock if pair.forward.is_block() => Pair { forward: Edge::None, ..pair },
        Action::Mute { notifications, duration } => {
            Pair { marks: muted(pair, notifications, duration, facts, now)?, ..pair }
        }
        Action::KeepMuted { notifications } => {
            Pair { marks: kept_muted(pair, notifications, facts, now)?, ..pair }
        }
        Action::LeaveOut if pair.forward.is_follow() => Pair { forward: Edge::None, ..pair },
        Action::Unmute => Pair { marks: Marks { mute: None, ..pair.marks }, ..pair },
        Action::MarkClose => Pair { marks: marked_close(pair, facts, now)?, ..pair },
        Action::UnmarkClose => Pair { marks: Marks { close_friend: None, ..pair.marks }, ..pair },
        Action::RemoveFollower | Action::Block | Action::Unblock | Action::LeaveOut => pair,
    };
    let after = after.without_lost_marks();
    let changes = changes(pair, after, cause(action, pair));
    Ok(Decision { pair: after, changes, changed: after != pair })
}

/// The source's edge after a follow. A hidden target is unknown to everybody, so it is asked about first;
/// then the source's own block, which is no secret to them; then the target's, which is (R4, R5).
fn follow(pair: Pair, notify: Option<bool>, facts: &Facts, now: Micros) -> Result<Edge, Refusal> {
    if !facts.target.visible {
        return Err(Refusal::UserNotFound);
    }
    if pair.forward.is_block() {
        return Err(Refusal::YouBlockThem);
    }
    if pair.backward.is_block() {
        return Err(Refusal::UserNotFound);
    }
    match pair.forward {
        // No limit here: going public accepts all pending requests (R19), and what comes of one must not
        // depend on which of the two gets to it first.
        Edge::Request { .. } if !facts.target.private => Ok(accepted(pair.forward.with_notify(notify), now)),
        Edge::Follow { .. } | Edge::Request { .. } => Ok(pair.forward.with_notify(notify)),
        Edge::None | Edge::Block { .. } => first_follow(notify.unwrap_or(false), facts, now),
    }
}

fn first_follow(notify: bool, facts: &Facts, now: Micros) -> Result<Edge, Refusal> {
    let Facts { target, actor, limits } = facts;
    // First what waiting does not change.
    let edge = if target.private {
        below(actor.requests_sent, limits.requests_sent_max, Refusal::RequestLimitReached)?;
        Edge::Request { since: now, notify }
    } else {
        below(actor.following, limits.following_max, Refusal::FollowingLimitReached)?;
        Edge::Follow { since: now, notify }
    };
    match actor.may_follow_from.filter(|from| now < *from) {
        Some(from) => {
            Err(Refusal::FollowQuotaExceeded { at_most: limits.follows_per_24h, wait: from.since(now) })
        }
        None => Ok(edge),
    }
}

/// Whether the step by `action` began a follow or a request of the source's, as the quota counts them.
pub fn begins_follow(action: Action, before: Pair, after: Pair) -> bool {
    let held = |edge: Edge| edge.is_follow() || edge.is_request();
    matches!(action, Action::Follow { .. }) && !held(before.forward) && held(after.forward)
}

fn unfollowed(edge: Edge) -> Edge {
    match edge {
        Edge::None | Edge::Follow { .. } | Edge::Request { .. } => Edge::None,
        Edge::Block { .. } => edge,
    }
}

/// The target's request, if there is one to answer. That of a hidden person is not there (R15).
fn requested(pair: Pair, target: TargetFacts) -> Result<Edge, Refusal> {
    let answerable = target.visible && pair.backward.is_request();
    if answerable { Ok(pair.backward) } else { Err(Refusal::NoSuchRequest) }
}

/// The follow that a request becomes: it begins now and carries the options (R14).
fn accepted(request: Edge, now: Micros) -> Edge {
    Edge::Follow { since: now, notify: request.notify() }
}

/// Both sides after a new block of the source's; the target's own block stands (R29, R32).
fn block(pair: Pair, facts: &Facts, now: Micros) -> Result<Pair, Refusal> {
    below(facts.actor.blocks, facts.limits.blocks_max, Refusal::BlockLimitReached)?;
    Ok(Pair { forward: Edge::Block { since: now }, backward: unfollowed(pair.backward), ..pair })
}

/// The source's marks after a mute. Who blocks the source is unknown to them, as for a follow; but whom the
/// source blocks too they know, and an answer of 404 would tell of the other's block.
fn muted(
    pair: Pair,
    notifications: bool,
    duration: Option<Duration>,
    facts: &Facts,
    now: Micros,
) -> Result<Marks, Refusal> {
    let unknown = pair.backward.is_block() && !pair.forward.is_block();
    if !facts.target.visible || unknown {
        return Err(Refusal::UserNotFound);
    }
    let since = match pair.marks.mute {
        Some(mute) => mute.since,
        None => {
            below(facts.actor.mutes, facts.limits.mutes_max, Refusal::MuteLimitReached)?;
            now
        }
    };
    let expires_at = duration.map(|duration| now.after(duration));
    Ok(Marks { mute: Some(Mute { since, expires_at, notifications }), ..pair.marks })
}

/// The source's marks after a mute by a file. One that holds says nothing new, so it is never refused.
fn kept_muted(pair: Pair, notifications: Option<bool>, facts: &Facts, now: Micros) -> Result<Marks, Refusal> {
    let Some(held) = pair.marks.mute else {
        return muted(pair, notifications.unwrap_or(true), None, facts, now);
    };
    let mute = Mute { notifications: notifications.unwrap_or(held.notifications), ..held };
    Ok(Marks { mute: Some(mute), ..pair.marks })
}

/// The source's marks once the target is a close friend. Who blocks the source is refused like any stranger.
fn marked_close(pair: Pair, facts: &Facts, now: Micros) -> Result<Marks, Refusal> {
    if !facts.target.visible {
        return Err(Refusal::UserNotFound);
    }
    if !pair.backward.is_follow() {
        return Err(Refusal::NotAFollower);
    }
    if pair.marks.close_friend.is_none() {
        let Facts { actor, limits, .. } = facts;
        below(actor.close_friends, limits.close_friends_max, Refusal::CloseFriendLimitReached)?;
    }
    Ok(Marks { close_friend: pair.marks.close_friend.or(Some(now)), ..pair.marks })
}

fn below(count: i64, max: i64, refusal: Refusal) -> Result<(), Refusal> {
    if count < max { Ok(()) } else { Err(refusal) }
}

/// Why a follow or a request ends by `action`; nothing for actions that end neither.
fn cause(action: Action, before: Pair) -> Option<Cause> {
    match action {
        Action::Unfollow if before.forward.is_request() => Some(Cause::Cancelled),
        Action::Unfollow => Some(Cause::Unfollow),
        Action::Reject => Some(Cause::Rejected),
        Action::RemoveFollower => Some(Cause::RemovedByTarget),
        Action::Block => Some(Cause::Block),
        Action::LeaveOut => Some(Cause::Import),
        Action::Follow { .. }
        | Action::Accept
        | Action::Unblock
        | Action::Mute { .. }
        | Action::Unmute
        | Action::KeepMuted { .. }
        | Action::MarkClose
        | Action::UnmarkClose => None,
    }
}
