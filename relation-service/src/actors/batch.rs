//! A batch of acts, in memory between one load and one write.

use std::collections::HashMap;

use shared::clock::Micros;
use shared::db::{Conn, StoreError, distinct};
use shared::event::NewEvent;
use shared::id::UserId;

use super::change::{Acted, Answer};
use crate::domain::{
    Action, ActorFacts, Change, CountDelta, Decision, Facts, Limits, Mute, Pair, Party, QUOTA_SPAN, Quota,
    Relationship, Shadow, Side, TargetFacts, begins_follow, check_not_self, decide, deltas, outcome,
};
use crate::store;
use crate::store::graph::Transaction;
use crate::store::pair::{Key, PairChange};

/// One act of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act {
    pub(super) source: UserId,
    pub(super) target: UserId,
    pub(super) action: Action,
    /// The target was found among those who have asked, so they are there, though perhaps the feed has
    /// not told of them yet.
    pub(super) found: bool,
}

/// What a batch of acts works on, in memory between one load and one write.
pub(super) struct Batch {
    targets: HashMap<UserId, TargetFacts>,
    /// Before and after, by pair; the key's smaller id is the source.
    pairs: HashMap<Key, (Pair, Pair)>,
    counts: HashMap<UserId, CountDelta>,
    /// Of both ends: who was hidden a moment ago may still act.
    shadows: HashMap<UserId, Shadow>,
    deltas: HashMap<UserId, CountDelta>,
    /// What the sources have noted about the targets: acts leave it and answer with it.
    notes: HashMap<Key, String>,
    /// Those who mute in this batch.
    muters: Vec<UserId>,
    /// How many mutes each of them has that hold.
    mutes: HashMap<UserId, i64>,
    /// How many close friends those have who mark one in this batch.
    close_friends: HashMap<UserId, i64>,
    /// When those who follow in this batch began to follow others; nobody's without a quota.
    starts: HashMap<UserId, Vec<Micros>>,
    /// Those of this batch.
    new_starts: Vec<(UserId, Micros)>,
}

/// The one key of a pair, and whether `source` is its first.
fn pair_key(source: UserId, target: UserId) -> (Key, bool) {
    if source <= target { ((source, target), true) } else { ((target, source), false) }
}

impl Batch {
    pub(super) fn load(
        conn: &mut Conn,
        acts: &[Act],
        limits: &Limits,
        now: Micros,
    ) -> Result<Self, StoreError> {
        let keys = distinct(acts.iter().map(|act| pair_key(act.source, act.target).0));
        let pairs = store::pair::whole_pairs(conn, &keys)?;
        let targets = distinct(acts.iter().map(|act| act.target));
        let ends = distinct(acts.iter().flat_map(|act| [act.source, act.target]));
        let ways = distinct(acts.iter().map(|act| (act.source, act.target)));
        // Only these look at what the actor holds already.
        let actors = who(acts, |action| matches!(action, Action::Follow { .. } | Action::Block));
        let muters = who(acts, |action| matches!(action, Action::Mute { .. } | Action::KeepMuted { .. }));
        let markers = who(acts, |action| matches!(action, Action::MarkClose));
        let followers = who(acts, |action| matches!(action, Action::Follow { .. }));
        Ok(Self {
            targets: store::fact::targets(conn, &targets)?,
            pairs: pairs.into_iter().map(|(key, pair)| (key, (pair, pair))).collect(),
            counts: store::count::counts(conn, &actors)?,
            shadows: store::shadow::shadows(conn, &ends)?,
            deltas: HashMap::new(),
            notes: store::note::notes(conn, &ways)?,
            mutes: store::mark::mutes_held(conn, &muters, now)?,
            muters,
            close_friends: store::mark::close_friends_held(conn, &markers)?,
            starts: starts(conn, &followers, limits, now)?,
            new_starts: Vec::new(),
        })
    }

    /// Decides one act on what the earlier ones left, and returns what is to be told to the world.
    pub(super) fn decide(&mut self, act: Act, limits: Limits, now: Micros) -> (Answer, Vec<Change>) {
        if let Err(refusal) = check_not_self(act.source, act.target) {
            return (Answer::Refused(refusal), Vec::new());
        }
        let target = match self.targets.get(&act.target) {
            Some(target) => *target,
            None if act.found => TargetFacts { visible: true, private: false },
            None => return (Answer::UnknownTarget, Vec::new()),
        };
        let (key, first) = pair_key(act.source, act.target);
        let stored = self.pairs.get(&key).map_or_else(Pair::default, |(_, now)| *now);
        let before = if first { stored } else { stored.flip() };
        let facts = Facts { target, actor: self.actor(act.source, limits), limits };
        let decision = match decide(before, act.action, &facts, now) {
            Ok(decision) => decision,
            Err(refusal) => return (Answer::Refused(refusal), Vec::new()),
        };
        self.take(act, before, &decision, limits, now);
        let note = self.notes.get(&(act.source, act.target)).cloned().unwrap_or_default();
        let relationship = Relationship::from_pair(decision.pair, now).with_note(note);
        let Decision { changed, .. } = decision;
        let quota = self.quota(act, limits, now);
        let acted = Acted { relationship, changed, outcome: outcome(&decision), quota };
        (Answer::Acted(acted), decision.changes)
    }

    /// What `user` holds after the acts so far.
    fn actor(&self, user: UserId, limits: Limits) -> ActorFacts {
        let zero = CountDelta::default();
        let held = *self.counts.get(&user).unwrap_or(&zero) + *self.deltas.get(&user).unwrap_or(&zero);
        ActorFacts {
            mutes: self.mutes.get(&user).copied().unwrap_or_default(),
            close_friends: self.close_friends.get(&user).copied().unwrap_or_default(),
            may_follow_from: self.starts.get(&user).and_then(|starts| limits.may_follow_from(starts)),
            ..held.into()
        }
    }

    /// What is left of the quota of follows after one.
    fn quota(&self, act: Act, limits: Limits, now: Micros) -> Option<Quota> {
        if !matches!(act.action, Action::Follow { .. }) {
            return None;
        }
        let starts = self.starts.get(&act.source).map(Vec::as_slice).unwrap_or_default();
        Quota::of(limits.follows_per_24h, starts, QUOTA_SPAN, now)
    }

    /// Keeps what the decision leads to, for the next act and for the write.
    fn take(&mut self, act: Act, before: Pair, decision: &Decision, limits: Limits, now: Micros) {
        let Act { source, target, action, .. } = act;
        let after = decision.pair;
        let (key, first) = pair_key(source, target);
        self.pairs.entry(key).or_default().1 = if first { after } else { after.flip() };
        let party = |id| Party { id, shadow: self.shadows.get(&id).copied().unwrap_or_default() };
        let (source_delta, target_delta) = deltas(before, after, party(source), party(target));
        *self.deltas.entry(source).or_default() += source_delta;
        *self.deltas.entry(target).or_default() += target_delta;
        *self.mutes.entry(source).or_default() += mutes(after, now) - mutes(before, now);
        *self.close_friends.entry(source).or_default() += close(after) - close(before);
        *self.close_friends.entry(target).or_default() += close(after.flip()) - close(before.flip());
        if limits.follows_per_24h > 0 && begins_follow(action, before, after) {
            self.starts.entry(source).or_default().push(now);
            self.new_starts.push((source, now));
        }
    }

    pub(super) fn write(self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        let muters = self.muters;
        // A follow that was taken back at once was begun all the same.
        if !self.new_starts.is_empty() {
            tx.wrote();
            store::follow_start::put(tx.conn, &self.new_starts, tx.now.before(QUOTA_SPAN))?;
        }
        let changed = self.pairs.into_iter().filter(|(_, (before, after))| before != after);
        let mut changes: Vec<PairChange> =
            changed.map(|(key, (before, after))| PairChange { key, before, after }).collect();
        if changes.is_empty() {
            return Ok(());
        }
        changes.sort_unstable_by_key(|change| change.key);
        tx.wrote();
        store::pair::write(tx, &changes)?;
        store::mark::forget_expired(tx.conn, &muters, tx.now)?;
        store::count::add(tx, &self.deltas)
    }
}

/// Those whose acts are of a kind.
fn who(acts: &[Act], kind: impl Fn(Action) -> bool) -> Vec<UserId> {
    distinct(acts.iter().filter(|act| kind(act.action)).map(|act| act.source))
}

/// When `users` began to follow others, as far as the quota counts it; without a quota nobody looks.
fn starts(
    conn: &mut Conn,
    users: &[UserId],
    limits: &Limits,
    now: Micros,
) -> Result<HashMap<UserId, Vec<Micros>>, StoreError> {
    if limits.follows_per_24h == 0 {
        return Ok(HashMap::new());
    }
    store::follow_start::starts(conn, users, now.before(QUOTA_SPAN))
}

fn mutes(pair: Pair, now: Micros) -> i64 {
    i64::from(pair.at(now).marks.mute.is_some())
}

fn close(pair: Pair) -> i64 {
    i64::from(pair.marks.close_friend.is_some())
}

fn mute_data(mute: Mute) -> String {
    serde_json::json!({"expires_at": mute.expires_at, "notifications": mute.notifications}).to_string()
}

pub(super) fn event_of(change: &Change, source: UserId, target: UserId, at: Micros) -> NewEvent {
    let person = |side| match side {
        Side::Source => source,
        Side::Target => target,
    };
    NewEvent {
        kind: change.kind.as_str(),
        at,
        actor: Some(person(change.actor)),
        subject: Some(person(change.subject)),
        cause: change.cause.map(|cause| cause.as_str()),
        data: change.mute.map_or_else(|| "{}".into(), mute_data),
    }
}
