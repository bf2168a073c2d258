//! The group-commit writer: one actor, one connection, one transaction at a time.
//!
//! Commands that arrive while a commit is running wait in the queue and share the next one. An idle
//! writer commits at once, so there is no timer and no added latency. A command that the rules refuse
//! fails alone, by its own answer, and so does one whose data the database refuses; a database that is
//! away fails the whole batch, and since commands are idempotent a caller may simply repeat them.

mod handle;
mod meter;

use std::collections::VecDeque;
use std::time::Instant;

use actix::prelude::*;
use actix_web::web;
pub use handle::{ANSWER_WAIT, WriterHandle, too_late};
use log::{error, warn};
use meter::Queue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use crate::cache::Memory;
use crate::clock::{Clock, Micros};
use crate::db::log::{self as event_log, Head};
use crate::db::{Checkpoints, Conn, StoreError, begin_write, end_write, touched};
use crate::event::NewEvent;
use crate::id::UserId;
use crate::revision::Revision;

/// How many commands may wait; one more is refused at once.
pub const WRITE_QUEUE_MAX: usize = 4_096;
/// How many commands share one transaction at the most.
pub const WRITE_BATCH_MAX: usize = 512;

/// What a service does inside the writer's transaction.
pub trait Engine: Clone + Send + Unpin + 'static {
    /// One thing to do.
    type Command: Send + Unpin + 'static;
    /// What became of it, refusals included.
    type Answer: Send + 'static;
    /// What a batch tells of what it changes: to the memory of this process, and to those of others.
    type Told: Serialize + DeserializeOwned + Send + 'static;

    /// Decides and writes all of `commands`, in order, and returns one answer for each. An error
    /// undoes everything.
    fn apply(
        &self,
        tx: &mut Transaction<'_, Self::Told>,
        commands: &[Self::Command],
    ) -> Result<Vec<Self::Answer>, StoreError>;

    /// What the service keeps in memory of its tables, if it does.
    fn memory(&self) -> Option<&dyn Memory<Self::Told>> {
        None
    }

    /// Whether no other process writes to the database. An embedded one has one writer in any case.
    fn is_alone(&self) -> bool {
        false
    }
}

/// The running transaction of one batch.
pub struct Transaction<'a, T = UserId> {
    /// The connection, with the log's head held.
    pub conn: &'a mut Conn,
    /// The batch's time: never before that of an earlier batch.
    pub now: Micros,
    /// The number of the newest event before this batch.
    pub seq: i64,
    events: Vec<NewEvent>,
    told: Vec<T>,
    /// Whether there is anybody to tell.
    heard: bool,
    wrote: bool,
}

impl<T> Transaction<'_, T> {
    /// Adds an event to the log, in the order of the calls.
    pub fn emit(&mut self, event: NewEvent) {
        self.wrote = true;
        self.events.push(event);
    }

    /// Notes that a table was changed, so that the batch is committed even without an event.
    pub fn wrote(&mut self) {
        self.wrote = true;
    }

    /// Tells of a change, once it is committed, to whoever remembers.
    pub fn tell(&mut self, change: impl FnOnce() -> T) {
        self.wrote = true;
        if self.heard {
            self.told.push(change());
        }
    }

    /// A time for one change of this batch that no other change of this log has.
    pub fn tick(&mut self) -> Micros {
        let moment = self.now;
        self.now = Micros::new(moment.get() + 1);
        moment
    }
}

/// An answer and the revision (the log's newest event) at which it is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed<T> {
    /// What became of the command.
    pub answer: T,
    /// The log's head after the batch.
    pub revision: i64,
}

type Reply<E> = oneshot::Sender<Result<Committed<<E as Engine>::Answer>, StoreError>>;

struct Submit<E: Engine> {
    command: E::Command,
    reply: Reply<E>,
}

impl<E: Engine> Message for Submit<E> {
    type Result = ();
}

/// The actor. It is reached through a [`WriterHandle`] only.
struct Writer<E: Engine> {
    engine: E,
    session: Option<Session>,
    queue: VecDeque<Submit<E>>,
    waiting: Queue,
    head: Revision,
}

/// What the blocking thread works with: taken out of the actor while a commit runs.
struct Session {
    name: &'static str,
    checkpoints: Checkpoints,
    clock: Clock,
    /// `None` until the first batch, and after the database went away.
    conn: Option<Conn>,
}

impl<E: Engine> Actor for Writer<E> {
    type Context = Context<Self>;
}

impl<E: Engine> Handler<Submit<E>> for Writer<E> {
    type Result = ();

    fn handle(&mut self, submit: Submit<E>, ctx: &mut Self::Context) {
        if self.queue.len() >= WRITE_QUEUE_MAX {
            // A caller that hung up does not need its refusal.
            let _ = submit.reply.send(Err(StoreError::Overloaded));
            return;
        }
        self.queue.push_back(submit);
        self.waiting.has(self.queue.len());
        // Let what is already in the mailbox join the batch.
        if self.session.is_some() && self.queue.len() == 1 {
            ctx.notify(Flush);
        }
    }
}

#[derive(Message)]
#[rtype(result = "()")]
struct Flush;

impl<E: Engine> Handler<Flush> for Writer<E> {
    type Result = ();

    fn handle(&mut self, _: Flush, ctx: &mut Self::Context) {
        self.commit_next(ctx);
    }
}

impl<E: Engine> Writer<E> {
    fn commit_next(&mut self, ctx: &mut Context<Self>) {
        if self.queue.is_empty() {
            return;
        }
        let Some(mut session) = self.session.take() else { return };
        let count = self.queue.len().min(WRITE_BATCH_MAX);
        let (commands, replies): (Vec<_>, Vec<Reply<E>>) =
            self.queue.drain(..count).map(|submit| (submit.command, submit.reply)).unzip();
        self.waiting.has(self.queue.len());
        let engine = self.engine.clone();
        let commit = web::block(move || {
            let done = session.commit(&engine, &commands);
            (session, done)
        });
        ctx.spawn(commit.into_actor(self).map(move |finished, writer, ctx| {
            let Ok((session, done)) = finished else {
                error!("the writer's thread panicked; stopping");
                return ctx.stop();
            };
            writer.session = Some(session);
            writer.answer(replies, done);
            writer.commit_next(ctx);
        }));
    }

    fn answer(&self, replies: Vec<Reply<E>>, done: Outcomes<E>) {
        let newest = done.iter().flatten().map(|committed| committed.revision).max();
        if let Some(revision) = newest {
            // Before the answers, so that whoever has one finds the head there.
            self.head.reached(revision);
        }
        for (reply, outcome) in replies.into_iter().zip(done) {
            // A caller that hung up does not need its answer.
            let _ = reply.send(outcome);
        }
    }
}

type Outcomes<E> = Vec<Result<Committed<<E as Engine>::Answer>, StoreError>>;

impl Session {
    /// Runs one batch. Where a statement is refused or a row cannot be read, repeating will not mend it:
    /// then each command runs alone, so that the guilty one does not take its neighbours with it.
    fn commit<E: Engine>(&mut self, engine: &E, commands: &[E::Command]) -> Outcomes<E> {
        match self.commit_together(engine, commands) {
            Ok((answers, revision)) => {
                answers.into_iter().map(|answer| Ok(Committed { answer, revision })).collect()
            }
            Err(failure) if commands.len() == 1 => {
                warn!("a command failed: {failure}");
                vec![Err(failure)]
            }
            Err(failure @ (StoreError::Refused(_) | StoreError::Unreadable(_))) => {
                warn!("a batch of {} commands is run one by one: {failure}", commands.len());
                commands
                    .iter()
                    .flat_map(|command| self.commit(engine, std::slice::from_ref(command)))
                    .collect()
            }
            Err(failure) => {
                warn!("a batch of {} commands failed: {failure}", commands.len());
                commands.iter().map(|_| Err(StoreError::Unavailable(failure.to_string()))).collect()
            }
        }
    }

    /// Runs one transaction. A connection that failed is dropped, so that the next opens a new one.
    fn commit_together<E: Engine>(
        &mut self,
        engine: &E,
        commands: &[E::Command],
    ) -> Result<(Vec<E::Answer>, i64), StoreError> {
        let mut conn = match self.conn.take() {
            Some(conn) => conn,
            None => self.checkpoints.open_writer()?,
        };
        let started = Instant::now();
        let done = commit_batch(&mut conn, engine, commands, &self.clock);
        let revision = done.as_ref().ok().map(|(_, revision)| *revision);
        meter::ended(self.name, commands.len(), started.elapsed(), revision);
        if revision.is_some() {
            self.checkpoints.committed(&mut conn, commands.len());
            self.conn = Some(conn);
        }
        done
    }
}

/// Applies `commands` in one transaction on `conn`: what the actor does for each batch, and what the
/// operator's bulk commands do with larger ones. Returns the answers and the log's head.
pub fn commit_batch<E: Engine>(
    conn: &mut Conn,
    engine: &E,
    commands: &[E::Command],
    clock: &Clock,
) -> Result<(Vec<E::Answer>, i64), StoreError> {
    begin_write(conn)?;
    match in_transaction(conn, engine, commands, clock) {
        Ok(Done { answers, head, told: None }) => {
            end_write(conn, false)?;
            Ok((answers, head.seq))
        }
        Ok(Done { answers, head, told: Some(told) }) => {
            keep(conn, engine, told, head)?;
            Ok((answers, head.seq))
        }
        Err(failure) => {
            // The first failure is the one to report, and the connection is dropped after it.
            let _ = end_write(conn, false);
            Err(failure)
        }
    }
}

/// A batch that is about to end.
struct Done<E: Engine> {
    answers: Vec<E::Answer>,
    /// The head after it.
    head: Head,
    /// What it tells; `None` if it wrote nothing.
    told: Option<Vec<E::Told>>,
}

/// Commits, and lets memory know.
fn keep<E: Engine>(conn: &mut Conn, engine: &E, told: Vec<E::Told>, head: Head) -> Result<(), StoreError> {
    match engine.memory() {
        Some(memory) => memory.commits().make(memory, told, head.at, || end_write(conn, true)),
        None => end_write(conn, true),
    }
}

fn in_transaction<E: Engine>(
    conn: &mut Conn,
    engine: &E,
    commands: &[E::Command],
    clock: &Clock,
) -> Result<Done<E>, StoreError> {
    let before = event_log::take_head(conn)?;
    let has_others = matches!(conn, Conn::Postgres(_)) && !engine.is_alone();
    let memory = engine.memory();
    match memory {
        Some(memory) if has_others => memory.commits().hold(memory, conn, before.at)?,
        Some(memory) => memory.commits().hold_alone(memory, conn, before.at)?,
        None => {}
    }
    let now = clock.now().max(Micros::new(before.at.get() + 1));
    let (events, told, heard) = (Vec::new(), Vec::new(), has_others || memory.is_some());
    let mut tx = Transaction { conn, now, seq: before.seq, events, told, heard, wrote: false };
    let answers = engine.apply(&mut tx, commands)?;
    let Transaction { conn, now, events, told, wrote, .. } = tx;
    if !wrote {
        return Ok(Done { answers, head: before, told: None });
    }
    let head = event_log::append(conn, before, &events, now)?;
    if has_others {
        touched::note(conn, before, head, &serde_json::to_string(&told).unwrap_or_default())?;
    }
    Ok(Done { answers, head, told: Some(told) })
}
