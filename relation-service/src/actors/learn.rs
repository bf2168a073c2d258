//! Writing down what user-service told.

use std::borrow::Cow;
use std::collections::HashSet;

use shared::db::StoreError;
use shared::facts::{AccountStatus, UserFacts};
use shared::id::UserId;

use super::change::{Answer, Learned, RelationEngine};
use super::sweep;
use crate::store;
use crate::store::fact::{FeedPlace, KnownUser};
use crate::store::graph::Transaction;
use crate::store::sweep::Kind;

/// Replaces older knowledge by newer, starts what follows from it, and moves the feed's position in
/// the same transaction: what is delivered again changes nothing. Of instances that learn everybody at the same time, the
/// first that comes to the end has done it for all: what the others still bring is older than what it reads from there on.
/// Where the log is another than was read, the first that begins makes void what was asked before that.
pub(super) fn apply(
    engine: &RelationEngine,
    tx: &mut Transaction<'_>,
    learned: &Learned,
) -> Result<Answer, StoreError> {
    let FeedPlace { position, round, anew, .. } = store::fact::feed_place(tx.conn)?;
    if learned.round.is_some_and(|asked_in| asked_in != round) {
        return Ok(Answer::Void);
    }
    // Another instance may have begun in this round already: then both learn.
    if learned.begins && !anew {
        store::fact::set_feed_round(tx.conn, round + 1, true)?;
        tx.wrote();
    }
    if learned.begins {
        return Ok(Answer::Noted);
    }
    let Some(learned) = news_after(learned, position) else { return Ok(Answer::Noted) };
    let gone = gone(tx, &learned)?;
    let ids: Vec<UserId> = learned.users.iter().map(|user| user.id).collect();
    let mut known = store::fact::known(tx.conn, &ids)?;
    let mut pairs_left = engine.at_once;
    for user in &learned.users {
        let held = known.get(&user.id);
        // The feed is further than this direct answer, and does not know the person: they were deleted in between. Where
        // the log is another, the position says nothing.
        if held.is_none() && learned.position.is_none() && user.seq < position && !anew {
            continue;
        }
        if held.is_none_or(|held| held.seq < user.seq || is_void(&learned, held)) {
            let (was_there, is_there) = (held.is_none_or(is_active), is_active(user));
            let went_public = is_public(user) && held.is_some_and(|held| !is_public(held));
            store::fact::put(tx, user)?;
            note_privacy(tx, user, held.is_none_or(is_public))?;
            if went_public {
                store::sweep::begin(tx, user.id, Kind::AcceptReceived)?;
            }
            if was_there != is_there {
                appeared_or_vanished(tx, user, &mut pairs_left)?;
            }
            known.insert(user.id, user.clone());
        }
    }
    for &(user, seq) in learned.deleted.iter().chain(&gone) {
        deleted(tx, user, seq, &mut pairs_left)?;
    }
    for &(session, at) in &learned.revoked {
        store::session::revoke(tx.conn, session, at)?;
    }
    for (seq, reason) in &learned.parked {
        store::fact::park(tx.conn, *seq, reason)?;
    }
    if let Some(position) = learned.position {
        store::fact::set_feed_position(tx.conn, position, learned.position_at)?;
    }
    if learned.moved {
        store::fact::set_feed_round(tx.conn, round + 1, false)?;
    }
    tx.wrote();
    Ok(Answer::Noted)
}

/// Without what another instance on this database has brought already: on a page of the feed, what is not after its
/// position may be of people who are gone since. Nothing where that is all of it.
fn news_after(learned: &Learned, position: i64) -> Option<Cow<'_, Learned>> {
    let Some(read) = learned.position.filter(|_| !learned.moved) else { return Some(Cow::Borrowed(learned)) };
    if read <= position {
        return None;
    }
    let is_old = |user: &KnownUser| user.seq <= position;
    if !learned.users.iter().any(is_old) {
        return Some(Cow::Borrowed(learned));
    }
    let users = learned.users.iter().filter(|user| !is_old(user)).cloned().collect();
    Some(Cow::Owned(Learned { users, ..learned.clone() }))
}

/// Writes down from when on the account may be followed by acceptance alone.
fn note_privacy(tx: &mut Transaction<'_>, user: &KnownUser, was_public: bool) -> Result<(), StoreError> {
    match (was_public, is_public(user)) {
        (true, false) => {
            let now = tx.tick();
            store::private_span::begin(tx.conn, user.id, now)
        }
        (false, true) => store::private_span::end(tx.conn, user.id),
        (true, true) | (false, false) => Ok(()),
    }
}

/// Whether this was learned of a log that is no more: it was known before the list was asked for that is of another.
fn is_void(learned: &Learned, held: &KnownUser) -> bool {
    let before = learned.listed.as_ref().and_then(|listed| listed.before.as_ref());
    before.is_some_and(|before| before.get(&held.id) == Some(&held.seq))
}

/// Who is known, but not told of in a list of everybody: their end was an event that this service has missed.
fn gone(tx: &mut Transaction<'_>, learned: &Learned) -> Result<Vec<(UserId, i64)>, StoreError> {
    let Some(listed) = &learned.listed else { return Ok(Vec::new()) };
    let told: HashSet<UserId> = learned.users.iter().map(|user| user.id).collect();
    let known = store::fact::known_between(tx.conn, listed.after, listed.through, i64::MAX)?;
    // Who was told of after the list was made is there. Of another log, numbers do not say what came after it.
    let was_there = |user: &KnownUser| match listed.before {
        Some(_) => is_void(learned, user),
        None => user.seq < listed.seq,
    };
    let gone = known.into_iter().filter(|user| !told.contains(&user.id) && was_there(user));
    Ok(gone.map(|user| (user.id, listed.seq)).collect())
}

/// Lists leave a hidden person out as soon as the facts say so. The counters of others follow in the same
/// transaction for as many as may be touched at once, which is all the way for nearly everybody.
fn appeared_or_vanished(
    tx: &mut Transaction<'_>,
    user: &KnownUser,
    pairs_left: &mut u32,
) -> Result<(), StoreError> {
    let hidden = !is_active(user);
    let step = sweep::count(tx, user.id, hidden, *pairs_left)?;
    *pairs_left = pairs_left.saturating_sub(step.pairs);
    if step.more {
        store::sweep::begin(tx, user.id, Kind::Count)?;
    }
    if !hidden {
        // What was public in the meantime, on either side, accepted nothing of theirs.
        store::sweep::begin(tx, user.id, Kind::AcceptReceived)?;
        store::sweep::begin(tx, user.id, Kind::AcceptSent)?;
    }
    Ok(())
}

/// Forgets at once who the person was, and begins to remove what they have with others (R46).
fn deleted(tx: &mut Transaction<'_>, id: UserId, seq: i64, pairs_left: &mut u32) -> Result<(), StoreError> {
    if let Some(held) = store::fact::known_one(tx.conn, id)? {
        let mut nobody = KnownUser { id, seq, facts: UserFacts::of_nobody() };
        // Files name people by it: the purge needs it to find those rows, and then forgets it with the rest.
        if store::import_row::is_named(tx.conn, &held.username)? {
            nobody.facts.username = held.username;
        }
        store::fact::put(tx, &nobody)?;
        if held.status == AccountStatus::Active {
            appeared_or_vanished(tx, &nobody, pairs_left)?;
        }
    }
    store::sweep::begin(tx, id, Kind::Purge)
}

fn is_active(user: &KnownUser) -> bool {
    user.facts.status == AccountStatus::Active
}

fn is_public(user: &KnownUser) -> bool {
    !user.facts.private_account
}
