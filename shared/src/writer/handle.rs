//! How the rest of a service reaches its writer.

use std::collections::VecDeque;
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::meter::Queue;
use super::{Committed, Engine, Session, Submit, WRITE_QUEUE_MAX, Writer};
use crate::actor::start_on_own_thread;
use crate::clock::Clock;
use crate::db::{Checkpoints, DatabaseUrl, StoreError};
use crate::revision::Revision;

/// How long a request waits for what it has submitted: as long as a statement may take on a server. A server that stands
/// still ends no statement, and keeps its connections.
pub const ANSWER_WAIT: Duration = Duration::from_secs(10);

/// What somebody is told who has waited for too long.
pub fn too_late() -> StoreError {
    StoreError::Unavailable("the writer does not answer in time".into())
}

/// A way to the writer. Clones share it.
#[derive(Clone)]
pub struct WriterHandle<E: Engine> {
    writer: Addr<Writer<E>>,
    head: Revision,
}

impl<E: Engine> WriterHandle<E> {
    /// Starts the writer on a thread of its own. `revision` is the log's head as it is now.
    /// `name` tells the writers of one process apart in its metrics.
    pub fn start(name: &'static str, engine: E, url: DatabaseUrl, clock: Clock, revision: i64) -> Self {
        let head = Revision::new(revision);
        let known = head.clone();
        let session = Some(Session { name, checkpoints: Checkpoints::of(url), clock, conn: None });
        let writer = start_on_own_thread(WRITE_QUEUE_MAX, move || Writer {
            engine,
            session,
            queue: VecDeque::new(),
            waiting: Queue::of(name),
            head,
        });
        Self { writer, head: known }
    }

    /// Has `command` decided and, once that is durable, returns what became of it.
    pub async fn submit(&self, command: E::Command) -> Result<Committed<E::Answer>, StoreError> {
        let (reply, answered) = oneshot::channel();
        self.writer.try_send(Submit { command, reply }).map_err(|_| StoreError::Overloaded)?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the writer has stopped".into())))
    }

    /// The same for somebody who waits no longer than that. What was not answered in time may be done all the same.
    pub async fn submit_within(
        &self,
        wait: Duration,
        command: E::Command,
    ) -> Result<Committed<E::Answer>, StoreError> {
        timeout(wait, self.submit(command)).await.unwrap_or_else(|_| Err(too_late()))
    }

    /// The number of the newest event that is committed.
    pub fn revision(&self) -> i64 {
        self.head.get()
    }

    /// The same, to be waited for and to be told of what others commit.
    pub fn head(&self) -> Revision {
        self.head.clone()
    }

    /// Whether the writer still takes commands.
    pub fn is_alive(&self) -> bool {
        self.writer.connected()
    }
}
