//! Forgetting old events: as far as the readers of the feed have come, or later than that in any case.

use std::time::Duration;

use actix::prelude::*;
use log::{info, warn};

use super::FeedReaders;
use crate::actor::start_on_own_thread;
use crate::clock::{Clock, Micros};
use crate::db::log::{Expired, Expiry, expired};
use crate::db::{Reads, StoreError};
use crate::writer::{Engine, WriterHandle};

/// An event that a known reader has not read is kept this many times as long.
pub const KEPT_UNREAD_TIMES: u32 = 4;
/// How long the actor sleeps at the most: for a clock that was set.
const LOOK_EVERY: Duration = Duration::from_secs(10 * 60);
/// How long it sleeps at the least, and after a failure.
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// Nobody sends it anything.
const MAILBOX: usize = 1;

/// The setting as a span: 0 days is for ever.
pub fn retention(days: u32) -> Option<Duration> {
    (days > 0).then(|| Duration::from_secs(u64::from(days) * 24 * 60 * 60))
}

/// What the actor works with.
pub struct Retention<E: Engine> {
    /// How long events are kept.
    pub keep: Duration,
    /// Where to write.
    pub writer: WriterHandle<E>,
    /// Makes the command that forgets the events up to a number.
    pub forget: fn(i64) -> E::Command,
    /// Where to look.
    pub reads: Reads,
    /// How far the feed was read.
    pub readers: FeedReaders,
    /// The time.
    pub clock: Clock,
}

/// For what to wait after a look.
enum Next {
    /// The oldest event is not old enough before this time.
    At(Micros),
    /// The oldest event is old enough, but somebody has to read it.
    Unread,
    /// There is but the newest event, which stays.
    Never,
}

impl<E: Engine> Retention<E> {
    /// Starts the actor on a thread of its own; it works for as long as the process lives.
    pub fn start(self) {
        struct Runner<E: Engine>(Option<Retention<E>>);
        impl<E: Engine> Actor for Runner<E> {
            type Context = Context<Self>;

            fn started(&mut self, ctx: &mut Self::Context) {
                if let Some(retention) = self.0.take() {
                    ctx.spawn(retention.run().into_actor(self));
                }
            }
        }
        // It keeps itself alive: nobody has to hold its address.
        drop(start_on_own_thread(MAILBOX, || Runner(Some(self))));
    }

    async fn run(self) {
        let mut positions = self.readers.watch();
        loop {
            positions.borrow_and_update();
            let (pause, unread) = match self.forget_due().await {
                Ok(Next::At(at)) => (at.since(self.clock.now()), false),
                Ok(Next::Never) => (LOOK_EVERY, false),
                Ok(Next::Unread) => (LOOK_EVERY, true),
                Err(error) => {
                    warn!("old events wait for the next look: {error}");
                    (PAUSE_MIN, false)
                }
            };
            let sleep = tokio::time::sleep(pause.clamp(PAUSE_MIN, LOOK_EVERY));
            tokio::select! {
                () = sleep => {}
                Ok(()) = positions.changed(), if unread => {}
            }
        }
    }

    /// Forgets what is due, in bounded steps.
    async fn forget_due(&self) -> Result<Next, StoreError> {
        self.readers.hear_of_others().await;
        let mut through = None;
        loop {
            let now = self.clock.now();
            let expiry = Expiry {
                before: now.before(self.keep),
                unread_before: now.before(self.keep.saturating_mul(KEPT_UNREAD_TIMES)),
                read: self.readers.all_have_read(),
            };
            match self.reads.run(move |conn| expired(conn, expiry)).await? {
                Expired::Through(seq) => {
                    self.writer.submit((self.forget)(seq)).await?;
                    through = Some(seq);
                    continue;
                }
                Expired::None { oldest_at } => {
                    if let Some(seq) = through {
                        info!("events up to {seq} are no longer kept");
                    }
                    return Ok(match oldest_at {
                        None => Next::Never,
                        Some(at) if at < expiry.before => Next::Unread,
                        Some(at) => Next::At(at.after(self.keep)),
                    });
                }
            }
        }
    }
}
