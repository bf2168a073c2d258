//! What the writer does with a batch: load its pairs with a few statements, decide each command in
//! order, write edges, counters and events in one transaction.

use std::collections::HashMap;

use shared::cache::Memory;
use shared::clock::Micros;
use shared::db::{Conn, StoreError};
use shared::id::{SessionId, UserId};
use shared::page::Position;
use shared::token::KeySet;
use shared::writer::Engine;

use super::batch::{Act, Batch, event_of};
use super::import::{ImportAnswer, ImportCommand};
use super::{dismissal, import, learn, mend, note, sweep};
use crate::domain::{Action, Limits, Note, Outcome, Quota, Refusal, Relationship};
use crate::store;
use crate::store::audit::{Mend, Mended, Slice};
use crate::store::fact::KnownUser;
use crate::store::graph::{Key, Remembering, Told, Transaction, load_within};
use crate::store::sweep::Kind;

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
    /// A person notes something about another.
    Note {
        /// Who writes.
        source: UserId,
        /// About whom.
        target: UserId,
        /// What; empty clears.
        note: Note,
    },
    /// A person does not want another to be suggested.
    Dismiss {
        /// Who.
        user: UserId,
        /// Whom.
        target: UserId,
    },
    /// Answer the oldest requests to `user`, as many as one step may.
    AnswerRequests {
        /// Whose requests.
        user: UserId,
        /// Accept, or reject.
        accept: bool,
        /// Behind which one; from the oldest on if `None`.
        after: Option<Position>,
    },
    /// Do the next step of open work.
    Sweep {
        /// Whose.
        user: UserId,
        /// Which.
        kind: Kind,
    },
    /// Remember these parts of people whom many commits touch.
    Remember(Vec<Key>),
    /// Something about the files that people bring.
    Import(ImportCommand),
    /// The database's files have been wiped since the last purge ended.
    Wiped,
    /// What user-service told.
    Learn(Learned),
    /// Keep user-service's keys for the next start.
    Trust(KeySet),
    /// Forget the events up to this number.
    ForgetEvents(i64),
    /// Make something that is derived anew, of some people.
    Mend(Mend, Slice),
}

/// News from user-service.
#[derive(Debug, Clone, Default)]
pub struct Learned {
    /// People, each as of an event.
    pub users: Vec<KnownUser>,
    /// People who are gone for good, and as of which event.
    pub deleted: Vec<(UserId, i64)>,
    /// Sessions that ended.
    pub revoked: Vec<(SessionId, Micros)>,
    /// Events that could not be read, and why.
    pub parked: Vec<(i64, String)>,
    /// A stretch of ids about which everything is told: who is not among `users` is gone.
    pub listed: Option<Listed>,
    /// How far the feed has come with this; `None` for the answer to a direct question.
    pub position: Option<i64>,
    /// Whether that holds even where the feed had come further: it goes on from somewhere else.
    pub moved: bool,
    /// When the event there was written, where that is known.
    pub position_at: Option<Micros>,
    /// The round in which this was asked for: it is void if another has begun since. `None` for what counts in any case.
    pub round: Option<i64>,
    /// Nothing yet: everybody is going to be learned anew, since the log is not the one that was read.
    pub begins: bool,
}

/// Everybody with an id after `after`, up to `through`, as of the event `seq`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Not itself one of them.
    pub after: i64,
    /// The last of them.
    pub through: i64,
    /// The newest event of user-service that is included.
    pub seq: i64,
    /// Where user-service has gone back to an older copy: who of them was known before this was asked for, and as of
    /// which event. What is still known of these counts for nothing, however new it is.
    pub before: Option<HashMap<UserId, i64>>,
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
    /// A step of long work is done.
    Answered {
        /// How many pairs it touched.
        count: u32,
        /// Whether there may be others: then another step is needed.
        more: bool,
    },
    /// Some requests are answered.
    Requests {
        /// How many.
        count: u32,
        /// Behind which one there may be others: then another step is needed.
        next: Option<Position>,
    },
    /// What became of an import.
    Import(ImportAnswer),
    /// What was told is written.
    Noted,
    /// What was told is void: another instance has learned everybody since it was asked for.
    Void,
    /// These rows were made anew; others may be left, unless there are none.
    Mended(Vec<Mended>),
}

impl Answer {
    /// What to say where the writer answers another question than the one that was asked.
    pub fn stray() -> StoreError {
        StoreError::Unreadable("the writer answered something else".into())
    }
}

/// A written act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acted {
    /// How the source stands to the target now.
    pub relationship: Relationship,
    /// Whether anything is different from before.
    pub changed: bool,
    /// What happened, in one word.
    pub outcome: Outcome,
    /// What is left after a follow of the quota for them, if there is one.
    pub quota: Option<Quota>,
}

/// The engine of this service's writer.
#[derive(Clone)]
pub struct RelationEngine {
    /// How many edges one person may hold.
    pub limits: Limits,
    /// Pairs that one step of long work touches at the most, so that other commands go on in between.
    pub step: u32,
    /// What has to hear of each commit, if anything is remembered.
    pub memory: Option<Remembering>,
    /// Whether no other process writes to the database.
    pub alone: bool,
    /// Pairs whose counters follow at once when people are hidden or return; for the others there are steps.
    pub at_once: u32,
}

impl RelationEngine {
    /// The engine of the service.
    pub const fn new(limits: Limits) -> Self {
        Self { limits, step: 50, at_once: 200, memory: None, alone: false }
    }
}

impl Engine for RelationEngine {
    type Command = Command;
    type Answer = Answer;
    type Told = Told;

    fn apply(&self, tx: &mut Transaction<'_>, commands: &[Command]) -> Result<Vec<Answer>, StoreError> {
        let mut answers = vec![Answer::Noted; commands.len()];
        self.remember(tx, commands)?;
        self.news_first(tx, commands, &mut answers)?;
        let acts = commands.iter().enumerate().filter_map(|(index, command)| match command {
            Command::Act { source, target, action } => {
                Some((index, Act { source: *source, target: *target, action: *action, found: false }))
            }
            Command::Note { .. }
            | Command::Dismiss { .. }
            | Command::AnswerRequests { .. }
            | Command::Sweep { .. }
            | Command::Remember(_)
            | Command::Import(_)
            | Command::Wiped
            | Command::Learn(_)
            | Command::Trust(_)
            | Command::ForgetEvents(_)
            | Command::Mend(..) => None,
        });
        let (indices, acts): (Vec<usize>, Vec<Act>) = acts.unzip();
        for (index, answer) in indices.into_iter().zip(self.act(tx, &acts)?) {
            answers[index] = answer;
        }
        let in_turn = self.sharing(commands);
        for (answer, command) in answers.iter_mut().zip(commands) {
            match *command {
                Command::Note { source, target, ref note } => {
                    *answer = note::keep(&self.limits, tx, source, target, note)?;
                }
                Command::Dismiss { user, target } => {
                    *answer = dismissal::keep(&self.limits, tx, user, target)?;
                }
                Command::AnswerRequests { user, accept, after } => {
                    *answer = sweep::answer_requests(&in_turn, tx, user, accept, after)?;
                }
                Command::Sweep { user, kind } => *answer = sweep::step(&in_turn, tx, user, kind)?,
                Command::Import(ref command) => {
                    *answer = Answer::Import(import::apply(self, tx, command)?);
                }
                Command::Mend(what, slice) => *answer = mend::step(self, tx, what, slice)?,
                Command::Act { .. }
                | Command::Remember(_)
                | Command::Wiped
                | Command::Learn(_)
                | Command::Trust(_)
                | Command::ForgetEvents(_) => {}
            }
        }
        Ok(answers)
    }

    fn memory(&self) -> Option<&dyn Memory<Told>> {
        let memory: &dyn Memory<Told> = self.memory.as_ref()?;
        Some(memory)
    }

    fn is_alone(&self) -> bool {
        self.alone
    }
}

impl RelationEngine {
    /// Commands of one batch are concurrent, so news may come first: then acts see it.
    fn news_first(
        &self,
        tx: &mut Transaction<'_>,
        commands: &[Command],
        answers: &mut [Answer],
    ) -> Result<(), StoreError> {
        for (command, answer) in commands.iter().zip(answers) {
            match command {
                Command::Learn(learned) => *answer = learn::apply(self, tx, learned)?,
                Command::Trust(keys) => {
                    store::key::set_key_set(tx.conn, keys)?;
                    tx.wrote();
                }
                Command::Wiped => {
                    store::sweep::wiped(tx.conn)?;
                    tx.wrote();
                }
                Command::ForgetEvents(through) => {
                    shared::db::log::forget(tx.conn, *through)?;
                    tx.wrote();
                }
                Command::Act { .. }
                | Command::Note { .. }
                | Command::Dismiss { .. }
                | Command::AnswerRequests { .. }
                | Command::Import(_)
                | Command::Sweep { .. }
                | Command::Mend(..)
                | Command::Remember(_) => {}
            }
        }
        Ok(())
    }

    /// Before anything is written: what is loaded now is what the batch will be applied to.
    fn remember(&self, tx: &mut Transaction<'_>, commands: &[Command]) -> Result<(), StoreError> {
        let Some(Remembering(graph)) = &self.memory else { return Ok(()) };
        for command in commands {
            let Command::Remember(keys) = command else { continue };
            for part in load_within(tx.conn, graph, keys)? {
                graph.keep(&part);
            }
        }
        Ok(())
    }

    /// The engine for the steps of long work in this batch: together they touch as many pairs as one may alone, so
    /// that nobody else in the batch waits for many. Each touches one at least, or it would never end.
    fn sharing(&self, commands: &[Command]) -> Self {
        let long =
            |command: &&Command| matches!(command, Command::AnswerRequests { .. } | Command::Sweep { .. });
        let steps = u32::try_from(commands.iter().filter(long).count()).unwrap_or(u32::MAX);
        Self { step: (self.step / steps.max(1)).max(1), ..self.clone() }
    }

    /// Decides and writes `acts` in order, each on what the earlier ones left.
    pub(super) fn act(&self, tx: &mut Transaction<'_>, acts: &[Act]) -> Result<Vec<Answer>, StoreError> {
        if acts.is_empty() {
            return Ok(Vec::new());
        }
        let mut batch = Batch::load(tx.conn, acts, &self.limits, tx.now)?;
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
        let act = Act { source, target, action, found: false };
        Ok(Batch::load(conn, &[act], &self.limits, now)?.decide(act, self.limits, now).0)
    }
}
