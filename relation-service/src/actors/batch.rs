//! A batch of acts, in memory between one load and one write.

use std::collections::HashMap;

use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::event::NewEvent;
use shared::id::UserId;
use shared::writer::Transaction;

use super::change::{Acted, Answer};
use crate::domain::{
    Action, ActorFacts, Change, CountDelta, Facts, Limits, Mute, Pair, Party, Relationship, Shadow, Side,
    TargetFacts, check_not_self, decide, deltas, outcome,
};
use crate::store;
use crate::store::fact::KnownUser;
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
}

/// The one key of a pair, and whether `source` is its first.
fn pair_key(source: UserId, target: UserId) -> (Key, bool) {
    if source <= target { ((source, target), true) } else { ((target, source), false) }
}

fn distinct<T: Ord>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.dedup();
    values
}

impl Batch {
    pub(super) fn load(conn: &mut Conn, acts: &[Act], now: Micros) -> Result<Self, StoreError> {
        let keys = distinct(acts.iter().map(|act| pair_key(act.source, act.target).0));
        let pairs = store::pair::whole_pairs(conn, &keys)?;
        let targets = distinct(acts.iter().map(|act| act.target));
        let known = store::fact::known(conn, &targets)?;
        let ends = distinct(acts.iter().flat_map(|act| [act.source, act.target]));
        let ways = distinct(acts.iter().map(|act| (act.source, act.target)));
        // Only these two look at what the actor holds already.
        let limited = |act: &&Act| matches!(act.action, Action::Follow { .. } | Action::Block);
        let actors = distinct(acts.iter().filter(limited).map(|act| act.source));
        let mutes = |act: &&Act| matches!(act.action, Action::Mute { .. });
        let muters = distinct(acts.iter().filter(mutes).map(|act| act.source));
        Ok(Self {
            targets: known.into_iter().map(|(id, user)| (id, target_facts(&user))).collect(),
            pairs: pairs.into_iter().map(|(key, pair)| (key, (pair, pair))).collect(),
            counts: store::count::counts(conn, &actors)?,
            shadows: store::shadow::shadows(conn, &ends)?,
            deltas: HashMap::new(),
            notes: store::note::notes(conn, &ways)?,
            mutes: store::mark::mutes_held(conn, &muters, now)?,
            muters,
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
        let stored = self.pairs.entry(key).or_default();
        let before = if first { stored.1 } else { stored.1.flip() };
        let held = |user| {
            let zero = CountDelta::default();
            *self.counts.get(&user).unwrap_or(&zero) + *self.deltas.get(&user).unwrap_or(&zero)
        };
        let facts = Facts {
            target,
            actor: actor_facts(held(act.source), self.mutes.get(&act.source).copied()),
            limits,
        };
        let decision = match decide(before, act.action, &facts, now) {
            Ok(decision) => decision,
            Err(refusal) => return (Answer::Refused(refusal), Vec::new()),
        };
        stored.1 = if first { decision.pair } else { decision.pair.flip() };
        let party = |id| Party { id, shadow: self.shadows.get(&id).copied().unwrap_or_default() };
        let (source_delta, target_delta) =
            deltas(before, decision.pair, party(act.source), party(act.target));
        *self.deltas.entry(act.source).or_default() += source_delta;
        *self.deltas.entry(act.target).or_default() += target_delta;
        let outcome = outcome(&decision);
        *self.mutes.entry(act.source).or_default() += mutes(decision.pair, now) - mutes(before, now);
        let note = self.notes.get(&(act.source, act.target)).cloned().unwrap_or_default();
        let relationship = Relationship::from_pair(decision.pair, now).with_note(note);
        let acted = Acted { relationship, changed: decision.changed, outcome };
        (Answer::Acted(acted), decision.changes)
    }

    pub(super) fn write(self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        let muters = self.muters;
        let changed = self.pairs.into_iter().filter(|(_, (before, after))| before != after);
        let mut changes: Vec<PairChange> =
            changed.map(|(key, (before, after))| PairChange { key, before, after }).collect();
        if changes.is_empty() {
            return Ok(());
        }
        changes.sort_unstable_by_key(|change| change.key);
        tx.wrote();
        store::pair::write(tx.conn, &changes)?;
        store::mark::forget_expired(tx.conn, &muters, tx.now)?;
        store::count::add(tx.conn, &self.deltas)
    }
}

pub(super) fn target_facts(known: &KnownUser) -> TargetFacts {
    let visible = known.facts.status == shared::facts::AccountStatus::Active;
    TargetFacts { visible, private: known.facts.private_account }
}

fn mutes(pair: Pair, now: Micros) -> i64 {
    i64::from(pair.at(now).marks.mute.is_some())
}

fn actor_facts(held: CountDelta, mutes: Option<i64>) -> ActorFacts {
    let CountDelta { following, requests_sent, blocks, .. } = held;
    ActorFacts { following, requests_sent, blocks, mutes: mutes.unwrap_or_default() }
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
