//! Asking: of memory, beside the socket, where it can tell; otherwise of the store.

use std::collections::HashMap;

use shared::cache::Keeping;
use shared::db::{Conn, StoreError};
use shared::id::UserId;
use shared::tail::Freshness;
use shared::writer::ANSWER_WAIT;

use super::{RelationError, RelationHandle};
use crate::actors::change::Command;
use crate::store::graph::{Graph, Key, Loaded, Remembering, Seen, load};
use crate::store::sight::{Sight, Statements};

/// Looks at memory for one answer: each finds what the one before has loaded, and perhaps what else is needed.
const LOOKS_MAX: usize = 6;
/// Parts that one answer loads at the most; what needs more is a question for the store.
const LOADED_MAX: usize = 1_024;

/// A question, as one function of what there is to be seen.
pub(super) trait Question: Send + 'static {
    /// What it is answered with.
    type Answer: PartialEq + Send + 'static;

    /// The answer.
    fn answer(&self, sight: &mut dyn Sight) -> Self::Answer;
}

/// What is remembered, and how far it is trusted.
#[derive(Clone)]
pub struct Recall {
    /// The memory.
    pub memory: Remembering,
    /// Where other processes commit too: whether the memory is current.
    pub freshness: Option<Freshness>,
    /// Compare each answer with the store's: for tests.
    pub checked: bool,
}

impl Recall {
    /// Waits until the memory is at least as new as the database was when this was called.
    pub(super) async fn current(&self) -> Result<(), StoreError> {
        match &self.freshness {
            Some(freshness) => freshness.current().await,
            None => Ok(()),
        }
    }
}

/// An answer, and whom it would have needed to know.
pub(super) struct Known<T> {
    pub(super) value: T,
    pub(super) unknown: Vec<UserId>,
}

impl RelationHandle {
    /// The answer as far as people are known; where some are not, asks user-service about them and answers again.
    pub(super) async fn ask_known<Q: Question + Clone>(
        &self,
        question: Q,
    ) -> Result<Q::Answer, RelationError> {
        let first = self.ask(&question).await?;
        if !self.learn_to_read(first.unknown).await? {
            return Ok(first.value);
        }
        Ok(self.ask(&question).await?.value)
    }

    /// The answer, if memory has all of it and needs no word from the database.
    pub(super) fn recall<Q: Question>(&self, question: &Q) -> Option<Q::Answer> {
        let recall = self.recall.as_ref().filter(|recall| recall.freshness.is_none() && !recall.checked)?;
        let nothing = HashMap::new();
        let mut glance = recall.memory.0.glance(&nothing);
        let answer = question.answer(&mut glance);
        glance.is_whole().then_some(answer)
    }

    /// The answer as far as people are known.
    pub(super) async fn ask<Q: Question + Clone>(
        &self,
        question: &Q,
    ) -> Result<Known<Q::Answer>, StoreError> {
        let Some(recall) = &self.recall else { return self.ask_store(question).await };
        let graph = &recall.memory.0;
        if let Some(freshness) = &recall.freshness {
            freshness.current_enough().await?;
        }
        let mut loaded = HashMap::new();
        for _ in 0..LOOKS_MAX {
            let mut glance = graph.glance(&loaded);
            let value = question.answer(&mut glance);
            match glance.end() {
                Seen::True { noted, unknown } if recall.checked => {
                    let stored = self.ask_store(question).await?;
                    // What the store may have told of others is known by then.
                    recall.current().await?;
                    if graph.is_quiet(&noted)
                        && (stored.value != value || stored.unknown.len() != unknown.len())
                    {
                        return Err(StoreError::Unreadable("memory tells what the store does not".into()));
                    }
                    return Ok(Known { value, unknown });
                }
                Seen::True { unknown, .. } => return Ok(Known { value, unknown }),
                Seen::Moved => {}
                Seen::Gaps(gaps) if gaps.len() + loaded.len() <= LOADED_MAX => {
                    if !self.fill(recall, &gaps, &mut loaded).await? {
                        break;
                    }
                }
                Seen::Gaps(_) | Seen::Beyond => break,
            }
        }
        self.ask_store(question).await
    }

    /// The store's answer, of one moment: between two statements somebody may close what the first found open.
    async fn ask_store<Q: Question + Clone>(&self, question: &Q) -> Result<Known<Q::Answer>, StoreError> {
        let question = question.clone();
        let read = move |conn: &mut Conn| {
            let mut statements = Statements::new(conn);
            let value = question.answer(&mut statements);
            Ok(Known { value, unknown: statements.end()? })
        };
        self.reads.run_in_snapshot(read).await
    }

    /// Loads what is missing, once for all who want it. False if there is something that cannot be kept.
    async fn fill(
        &self,
        recall: &Recall,
        gaps: &[Key],
        loaded: &mut HashMap<Key, Loaded>,
    ) -> Result<bool, StoreError> {
        let graph = &recall.memory.0;
        let (own, others) = graph.flights().board(gaps);
        let mut all = true;
        if let Some(flight) = own {
            // What a commit is about to change would not be kept.
            graph.gate().settled().await;
            let (keys, memory) = (flight.keys.clone(), recall.memory.clone());
            let mut fresh = self.reads.run(move |conn| load_into(conn, &memory.0, &keys)).await?;
            if fresh.parts.iter().any(|part| part.as_of > graph.place()) {
                recall.current().await?;
            }
            fresh.keep(graph);
            let Fresh { parts: fresh, overtaken } = fresh;
            if !overtaken.is_empty() {
                // The writer has time for it between two commits. If it has not, the store is asked.
                let _ = self.writer.submit_within(ANSWER_WAIT, Command::Remember(overtaken)).await;
            }
            all = fresh.len() == flight.keys.len();
            loaded.extend(fresh.into_iter().filter(|part| part.as_of.is_none()).map(|part| (part.key, part)));
        }
        others.landed().await;
        Ok(all)
    }
}

/// What was loaded.
struct Fresh {
    parts: Vec<Loaded>,
    /// Those of them that a commit went past. Of people whom every commit touches, no load would ever be kept.
    overtaken: Vec<Key>,
}

impl Fresh {
    /// Remembers what is still true. What is not keeps the time that it was true at.
    fn keep(&mut self, graph: &Graph) {
        for part in self.parts.iter_mut().filter(|part| part.as_of.is_some()) {
            match graph.still_true(part.clone()) {
                Some(true_now) => *part = true_now,
                None => {
                    self.overtaken.push(part.key);
                    continue;
                }
            }
            if graph.keep(part) == Keeping::Overtaken {
                self.overtaken.push(part.key);
            }
        }
    }
}

/// Loads, and remembers at once where nobody else commits.
fn load_into(conn: &mut Conn, graph: &Graph, keys: &[Key]) -> Result<Fresh, StoreError> {
    let parts = load(conn, graph, keys)?;
    let own = parts.iter().filter(|part| part.as_of.is_none());
    let overtaken = own.filter(|part| graph.keep(part) == Keeping::Overtaken).map(|part| part.key).collect();
    Ok(Fresh { parts, overtaken })
}
