//! Work that falls due by itself, in bounded steps: each is one command of the writer, so other commands go on in
//! between, and what is due stands in the tables, so a crash loses nothing.
//!
//! The actor sleeps until the next piece falls due, or until somebody hints that there is something new. A kind of
//! work is a [`Chore`]: it says when its next piece is due, and [`super::upkeep`] does a step of it.

use std::time::Duration;

use actix::prelude::*;
use log::warn;
use shared::actor::start_on_own_thread;
use shared::clock::{Clock, Micros};
use shared::db::{Conn, Reads, StoreError, Wiper};
use shared::writer::WriterHandle;
use tokio::sync::oneshot;

use super::change::{Command, UserEngine};
use super::mail_transport::MailTransport;
use crate::store;
use crate::store::upkeep::Chore;

/// How long the actor sleeps at the most: for work that another instance has made, and a clock that was set.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// How long it sleeps after a failure.
const RETRY_AFTER: Duration = Duration::from_secs(2);
/// How long it sleeps at the least, so that nothing makes it spin.
const PAUSE_MIN: Duration = Duration::from_millis(10);
/// Hints that may wait; one more is refused.
const LOOKS_MAX: usize = 64;

/// The actor: one step at a time.
pub struct Janitor {
    parts: Parts,
    working: bool,
    /// Told of new work while working: look again afterwards.
    again: bool,
    /// Who wants to know when nothing is due any more.
    waiting: Vec<Done>,
    alarm: Option<SpawnHandle>,
}

/// What the actor works with.
#[derive(Clone)]
pub struct Parts {
    /// Where to write.
    pub writer: WriterHandle<UserEngine>,
    /// Where to look.
    pub reads: Reads,
    /// What makes sure that purged people are out of the files too.
    pub wiper: Wiper,
    /// Where mails about purged people may be as files.
    pub transport: MailTransport,
    /// The time.
    pub clock: Clock,
}

/// Told when nothing is due any more, or why some of it waits.
pub type Done = oneshot::Sender<Result<(), StoreError>>;

/// There may be something due, or the next piece may be due earlier than it was.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Look {
    /// Who wants to know when it is done.
    pub done: Option<Done>,
}

impl Janitor {
    /// Starts the actor, which first does what fell due while nothing ran.
    pub fn start(parts: Parts) -> Addr<Self> {
        start_on_own_thread(LOOKS_MAX, || Self {
            parts,
            working: false,
            again: false,
            waiting: Vec::new(),
            alarm: None,
        })
    }
}

impl Actor for Janitor {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        self.look(ctx);
    }
}

impl Handler<Look> for Janitor {
    type Result = ();

    fn handle(&mut self, look: Look, ctx: &mut Self::Context) {
        self.waiting.extend(look.done);
        self.look(ctx);
    }
}

impl Janitor {
    fn look(&mut self, ctx: &mut Context<Self>) {
        if self.working {
            self.again = true;
            return;
        }
        self.working = true;
        if let Some(alarm) = self.alarm.take() {
            ctx.cancel_future(alarm);
        }
        // Who asks later wants to know about a later look.
        let waiting = std::mem::take(&mut self.waiting);
        let parts = self.parts.clone();
        let work = async move { work(&parts).await };
        ctx.spawn(work.into_actor(self).map(|done, janitor, ctx| janitor.rest(done, waiting, ctx)));
    }

    fn rest(
        &mut self,
        done: Result<Option<Micros>, StoreError>,
        waiting: Vec<Done>,
        ctx: &mut Context<Self>,
    ) {
        self.working = false;
        let pause = match &done {
            Ok(next) => self.until(*next),
            Err(error) => {
                warn!("what is due waits for the next look: {error}");
                RETRY_AFTER
            }
        };
        for waiting in waiting {
            // Who hung up does not need to know.
            let _ = waiting.send(match &done {
                Ok(_) => Ok(()),
                Err(error) => Err(StoreError::Unavailable(error.to_string())),
            });
        }
        if std::mem::take(&mut self.again) {
            return self.look(ctx);
        }
        self.alarm = Some(ctx.run_later(pause, |janitor, ctx| {
            janitor.alarm = None;
            janitor.look(ctx);
        }));
    }

    fn until(&self, next: Option<Micros>) -> Duration {
        let left = next.map_or(LOOK_EVERY, |next| next.since(self.parts.clock.now()));
        left.clamp(PAUSE_MIN, LOOK_EVERY)
    }
}

/// Does all that is due, one step of each kind in turn, so that much of one keeps no other waiting. Returns when the
/// next piece falls due. A kind that fails is left for the next look, and the others go on.
async fn work(parts: &Parts) -> Result<Option<Micros>, StoreError> {
    let mut failed: Vec<Chore> = Vec::new();
    let mut failure = None;
    loop {
        let now = parts.clock.now();
        let all = parts.reads.run(next_due).await?;
        let due = |(chore, at): &(Chore, Micros)| *at <= now && !failed.contains(chore);
        let ready: Vec<Chore> = all.iter().filter(|piece| due(piece)).map(|(chore, _)| *chore).collect();
        if ready.is_empty() {
            let wipe_at = wipe(parts, now).await?;
            return failure.map_or_else(|| Ok(all.iter().map(|(_, at)| *at).chain(wipe_at).min()), Err);
        }
        for chore in ready {
            let done = parts.writer.submit(Command::Upkeep(chore)).await.and_then(|committed| {
                committed.answer.outcome.map_err(|denial| StoreError::Unavailable(denial.to_string()))
            });
            if let Err(error) = done {
                failed.push(chore);
                failure = Some(error);
            }
        }
    }
}

/// Wipes the files, those of mails too, if somebody was purged since the last time; returns when to, if that may not be
/// now.
async fn wipe(parts: &Parts, now: Micros) -> Result<Option<Micros>, StoreError> {
    let purged = parts.reads.run(move |conn| store::deletion::unwiped(conn, now)).await?;
    if purged.is_empty() {
        return Ok(None);
    }
    parts.transport.forget(purged.clone()).await?;
    let next = parts.wiper.next(now);
    if next.is_none() {
        parts.wiper.wipe(now).await?;
        parts.writer.submit(Command::Wiped(purged)).await?;
    }
    Ok(next)
}

fn next_due(conn: &mut Conn) -> Result<Vec<(Chore, Micros)>, StoreError> {
    let mut found = Vec::new();
    for chore in Chore::ALL {
        found.extend(store::upkeep::next_due(conn, *chore)?.map(|at| (*chore, at)));
    }
    Ok(found)
}
