//! What the writer does with a batch: load its pairs with a few statements, decide each command in
//! order, write edges, counters and events in one transaction.

use std::collections::HashMap;

use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::event::NewEvent;
use shared::id::{SessionId, UserId};
use shared::token::KeySet;
use shared::writer::{Engine, Transaction};

use super::{learn, requests};
use crate::domain::{
    Action, ActorFacts, Change, CountDelta, Facts, Limits, Outcome, Pair, Refusal, Side, TargetFacts,
    check_not_self, decide, deltas, outcome,
};
use crate::store;
use crate::store::fact::KnownUser;
use crate::store::pair::{Key, PairChange};

/// One thing to do to the relation database.
#[derive(Debug, Clone)]
pub enum Command {
    /// A person acts towards another.
    Act {
        /// Who acts.
        source: UserId,
        /// Towards whom.
        target: UserId,
        /// How.
        action: Action,
    },
    /// Answer the oldest requests to `user`, at most [`requests::STEP`] of them.
    AnswerRequests {
        /// Whose requests.
        user: UserId,
        /// Accept, or reject.
        accept: bool,
        /// Only while the account is public, as the sweep does that follows going public.
        only_if_public: bool,
    },
    /// What user-service told.
    Learn(Learned),
    /// Keep user-service's keys for the next start.
    Trust(KeySet),
}

/// News from user-service.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    /// People, each as of an event.
    pub users: Vec<KnownUser>,
    /// Sessions that ended.
    pub revoked: Vec<(SessionId, Micros)>,
    /// Events that could not be read, and why.
    pub parked: Vec<(i64, String)>,
    /// How far the feed has come with this; `None` for the answer to a direct question.
    pub position: Option<i64>,
}

/// What became of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The act is decided and written.
    Acted(Acted),
    /// The rules refuse it; nothing changed.
    Refused(Refusal),
    /// The target has not been heard of: ask user-service, then try again.
    UnknownTarget,
    /// Requests were answered.
    Answered {
        /// How many.
        count: u32,
        /// Whether there may be others.
        more: bool,
    },
    /// The news is written.
    Noted,
}

/// A written act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acted {
    /// The pair as the source sees it now.
    pub pair: Pair,
    /// Whether anything is different from before.
    pub changed: bool,
    /// What happened, in one word.
    pub outcome: Outcome,
}

/// The engine of this service's writer.
#[derive(Debug, Clone, Copy)]
pub struct RelationEngine {
    /// How many edges one person may hold.
    pub limits: Limits,
}

impl Engine for RelationEngine {
    type Command = Command;
    type Answer = Answer;

    fn apply(&self, tx: &mut Transaction<'_>, commands: &[Command]) -> Result<Vec<Answer>, StoreError> {
        let mut answers = vec![Answer::Noted; commands.len()];
        // Commands of one batch are concurrent, so news may come first: then acts see it.
        for command in commands {
            match command {
                Command::Learn(learned) => learn::apply(tx, learned)?,
                Command::Trust(keys) => {
                    store::key::set_key_set(tx.conn, keys)?;
                    tx.wrote();
                }
                Command::Act { .. } | Command::AnswerRequests { .. } => {}
            }
        }
        let acts = commands.iter().enumerate().filter_map(|(index, command)| match command {
            Command::Act { source, target, action } => {
                Some((index, Act { source: *source, target: *target, action: *action, force: false }))
            }
            Command::AnswerRequests { .. } | Command::Learn(_) | Command::Trust(_) => None,
        });
        let (indices, acts): (Vec<usize>, Vec<Act>) = acts.unzip();
        for (index, answer) in indices.into_iter().zip(self.act(tx, &acts)?) {
            answers[index] = answer;
        }
        for (answer, command) in answers.iter_mut().zip(commands) {
            if let Command::AnswerRequests { user, accept, only_if_public } = *command {
                *answer = requests::answer(self, tx, user, accept, only_if_public)?;
            }
        }
        Ok(answers)
    }
}

/// One act of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Act {
    pub(super) source: UserId,
    pub(super) target: UserId,
    pub(super) action: Action,
    /// The target's visibility does not matter: a sweep finishes what was begun.
    pub(super) force: bool,
}

impl RelationEngine {
    /// Decides and writes `acts` in order, each on what the earlier ones left.
    pub(super) fn act(&self, tx: &mut Transaction<'_>, acts: &[Act]) -> Result<Vec<Answer>, StoreError> {
        if acts.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = Batch::load(tx.conn, acts)?;
        let mut answers = Vec::with_capacity(acts.len());
        for act in acts {
            let now = tx.tick();
            let (answer, changes) = batch.decide(*act, self.limits, now);
            for change in changes {
                tx.emit(event_of(&change, act.source, act.target, now));
            }
            answers.push(answer);
        }
        batch.write(tx)?;
        Ok(answers)
    }

    /// What an act would be answered now: the same load and the same decision, without the write.
    pub fn foresee(
        &self,
        conn: &mut Conn,
        source: UserId,
        target: UserId,
        action: Action,
        now: Micros,
    ) -> Result<Answer, StoreError> {
        let act = Act { source, target, action, force: false };
        Ok(Batch::load(conn, &[act])?.decide(act, self.limits, now).0)
    }
}

/// What a batch of acts works on, in memory between one load and one write.
struct Batch {
    targets: HashMap<UserId, TargetFacts>,
    /// Before and after, by pair; the key's smaller id is the source.
    pairs: HashMap<Key, (Pair, Pair)>,
    counts: HashMap<UserId, CountDelta>,
    deltas: HashMap<UserId, CountDelta>,
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
    fn load(conn: &mut Conn, acts: &[Act]) -> Result<Self, StoreError> {
        let keys = distinct(acts.iter().map(|act| pair_key(act.source, act.target).0));
        let pairs = store::pair::pairs(conn, &keys)?;
        let targets = distinct(acts.iter().map(|act| act.target));
        let known = store::fact::known(conn, &targets)?;
        // Only these two look at what the actor holds already.
        let limited = |act: &&Act| matches!(act.action, Action::Follow { .. } | Action::Block);
        let actors = distinct(acts.iter().filter(limited).map(|act| act.source));
        Ok(Self {
            targets: known.into_iter().map(|(id, user)| (id, target_facts(&user))).collect(),
            pairs: pairs.into_iter().map(|(key, pair)| (key, (pair, pair))).collect(),
            counts: store::count::counts(conn, &actors)?,
            deltas: HashMap::new(),
        })
    }

    /// Decides one act on what the earlier ones left, and returns what is to be told to the world.
    fn decide(&mut self, act: Act, limits: Limits, now: Micros) -> (Answer, Vec<Change>) {
        if let Err(refusal) = check_not_self(act.source, act.target) {
            return (Answer::Refused(refusal), Vec::new());
        }
        let target = match self.targets.get(&act.target) {
            Some(target) => TargetFacts { visible: target.visible || act.force, ..*target },
            // Who has asked may be somebody of whom the feed has not told yet.
            None if act.force => TargetFacts { visible: true, private: false },
            None => return (Answer::UnknownTarget, Vec::new()),
        };
        let (key, first) = pair_key(act.source, act.target);
        let stored = self.pairs.entry(key).or_default();
        let before = if first { stored.1 } else { stored.1.flip() };
        let held = |user| {
            let zero = CountDelta::default();
            *self.counts.get(&user).unwrap_or(&zero) + *self.deltas.get(&user).unwrap_or(&zero)
        };
        let facts = Facts { target, actor: actor_facts(held(act.source)), limits };
        let decision = match decide(before, act.action, &facts, now) {
            Ok(decision) => decision,
            Err(refusal) => return (Answer::Refused(refusal), Vec::new()),
        };
        stored.1 = if first { decision.pair } else { decision.pair.flip() };
        let (source_delta, target_delta) = deltas(before, decision.pair);
        *self.deltas.entry(act.source).or_default() += source_delta;
        *self.deltas.entry(act.target).or_default() += target_delta;
        let outcome = outcome(&decision);
        let acted = Acted { pair: decision.pair, changed: decision.changed, outcome };
        (Answer::Acted(acted), decision.changes)
    }

    fn write(self, tx: &mut Transaction<'_>) -> Result<(), StoreError> {
        let changed = self.pairs.into_iter().filter(|(_, (before, after))| before != after);
        let mut changes: Vec<PairChange> =
            changed.map(|(key, (before, after))| PairChange { key, before, after }).collect();
        if changes.is_empty() {
            return Ok(());
        }
        changes.sort_unstable_by_key(|change| change.key);
        tx.wrote();
        store::pair::write(tx.conn, &changes)?;
        store::count::add(tx.conn, &self.deltas)
    }
}

fn target_facts(known: &KnownUser) -> TargetFacts {
    let visible = known.facts.status == shared::facts::AccountStatus::Active;
    TargetFacts { visible, private: known.facts.private_account }
}

fn actor_facts(held: CountDelta) -> ActorFacts {
    ActorFacts { following: held.following, requests_sent: held.requests_sent, blocks: held.blocks }
}

fn event_of(change: &Change, source: UserId, target: UserId, at: Micros) -> NewEvent {
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
        data: "{}".into(),
    }
}
